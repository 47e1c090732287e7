import { describe, expect, test } from '@jest/globals';
import type { SlipKind } from '@slipstream/slip';
import fc from 'fast-check';
import type { BookedSlip, MatchTerms } from './booked-slip.ts';
import { type SlipBreakType, slipBreakTypes } from './breaks.ts';
import { plusDays } from './day.ts';
import { isAboutSlip, missingThere } from './match.ts';
import { matchLines } from './match-lines.ts';
import { indexOf } from './resolve.ts';
import type { StatementLine } from './statement.ts';

const terms: MatchTerms = { daysMax: 3, tolerances: new Map([['EUR', 1n]]) };
const day = '2026-11-20';
const through = '2026-11-27';

type Fate =
  | SlipBreakType
  | 'given_back'
  | 'fine'
  | 'in_parts'
  | 'came_back'
  | 'unknown_here'
  | 'rounded'
  | 'with_others';

/** The truth: what became of a slip, and how its provider told it. */
interface Truth {
  readonly fate: Fate;
  readonly kind: SlipKind;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly byProviderReference: boolean;
}

const truth: fc.Arbitrary<Truth> = fc.record({
  fate: fc.constantFrom<Fate>(
    ...([
      ...slipBreakTypes,
      'fine',
      'fine',
      'fine',
      'in_parts',
      'came_back',
      'given_back',
      'unknown_here',
      'rounded',
      'with_others',
    ] as const),
  ),
  kind: fc.constantFrom<SlipKind>('order', 'payout', 'payment'),
  amount: fc.bigInt({ min: 100n, max: 10n ** 12n }),
  fee: fc.bigInt({ min: 0n, max: 90n }),
  byProviderReference: fc.boolean(),
});

/** The slips and lines that follow, and the breaks that must be found. */
function play(truths: readonly Truth[]) {
  const slips: BookedSlip[] = [];
  const lines: StatementLine[] = [];
  const planted: string[] = [];
  const together: BookedSlip[] = [];
  truths.forEach(({ fate, kind, amount, fee, byProviderReference }, n) => {
    const direction = kind === 'payout' ? -1n : 1n;
    const slip: BookedSlip = {
      ...{ slipId: `slip-${n}`, kind, reference: `ord-${n}`, providerReference: `p-${n}` },
      ...{
        amount: { amount, currency: 'EUR' },
        outcome: 'succeeded',
        fee,
        dispatchedOn: day,
        returnedOn: day,
      },
      ...{ paid: 0n, cameBack: 0n },
    };
    const line = (gross: bigint, more: Partial<StatementLine> = {}) =>
      lines.push({
        ...{
          line: lines.length + 1,
          kind: 'payment',
          gross,
          amount: gross - fee,
          currency: 'EUR',
          bookedOn: day,
        },
        references: byProviderReference ? [] : [slip.reference],
        providerReference: byProviderReference ? slip.providerReference : null,
        ...{ outcome: null, reason: null, text: '', ...more },
      });
    const plant = (type: SlipBreakType, of: string | null = slip.slipId) => planted.push(`${type} ${of}`);
    const full = direction * amount;
    if (fate !== 'missing_here' && fate !== 'with_others')
      slips.push({
        ...slip,
        ...(fate === 'status' ? { outcome: 'failed' as const } : {}),
        ...(fate === 'unknown_here' ? { outcome: null, returnedOn: null, fee: null } : {}),
      });
    switch (fate) {
      case 'fine':
        line(full);
        break;
      case 'rounded':
        line(full + 1n);
        break;
      case 'in_parts':
        line(full / 2n, { amount: full / 2n - fee });
        line(full - full / 2n, { amount: full - full / 2n });
        break;
      case 'came_back':
        line(full);
        line(-full, { kind: 'return', amount: -full, reason: 'AC04' });
        plant('status');
        break;
      case 'missing_here':
        line(full);
        plant('missing_here', null);
        break;
      case 'missing_there':
        plant('missing_there');
        break;
      case 'amount':
        line(full + (amount % 2n === 0n ? 7n : -7n));
        plant('amount');
        break;
      case 'currency':
        line(full, { currency: 'USD' });
        plant('currency');
        break;
      case 'status':
      case 'unknown_here':
        line(full);
        plant('status');
        break;
      case 'duplicate':
        line(full);
        line(full, { amount: full });
        plant('duplicate');
        break;
      case 'given_back':
        line(full);
        line(full, { amount: full });
        line(-full, { kind: 'return', amount: -full });
        plant('duplicate');
        plant('duplicate');
        break;
      case 'late':
        line(full, { bookedOn: plusDays(day, 4) });
        plant('late');
        break;
      case 'fee':
        line(full, { amount: full - fee - 2n });
        plant('fee');
        break;
      case 'with_others':
        together.push(slip);
        break;
      default:
        fate satisfies never;
    }
  });
  if (together.length > 1) {
    const gross = together.reduce(
      (all, { kind, amount }) => all + (kind === 'payout' ? -1n : 1n) * amount!.amount,
      0n,
    );
    slips.push(...together);
    lines.push({
      ...{ line: lines.length + 1, kind: 'payment', gross, amount: gross, currency: 'EUR', bookedOn: day },
      ...{ references: together.map(({ reference }) => reference), providerReference: null },
      ...{ outcome: null, reason: null, text: '' },
    });
  }
  lines.push({
    ...{ line: lines.length + 1, kind: 'fee', gross: -381n, amount: -381n, currency: 'EUR', bookedOn: day },
    ...{ references: [], providerReference: null, outcome: null, reason: null, text: 'monthly' },
  });
  return { slips, lines, planted };
}

/** As the matcher is used: lines, then the slips that no line named. */
function run(slips: readonly BookedSlip[], lines: readonly StatementLine[]) {
  const { matches, breaks, explained } = matchLines(lines, indexOf(slips), terms);
  const named = new Set([...matches, ...breaks].map(({ slipId }) => slipId));
  const missing = slips
    .filter(({ slipId }) => !named.has(slipId))
    .flatMap((slip) => missingThere(slip, through, terms) ?? []);
  return { matches, explained, breaks: [...breaks, ...missing] };
}

describe('matching, over seeded truth with planted breaks of each type', () => {
  const options = { numRuns: 300 };

  test('every planted break is found with its type, and none is invented', () => {
    fc.assert(
      fc.property(fc.array(truth, { maxLength: 60 }), (truths) => {
        const { slips, lines, planted } = play(truths);
        const found = run(slips, lines).breaks.map(({ type, slipId }) => `${type} ${slipId}`);
        expect(found.sort()).toEqual(planted.sort());
      }),
      options,
    );
  });

  test('ours, fees and named breaks are what the lines come to, to the minor unit', () => {
    fc.assert(
      fc.property(fc.array(truth, { maxLength: 60 }), (truths) => {
        const { slips, lines } = play(truths);
        const { breaks, explained } = run(slips, lines);
        for (const { line, amount } of lines.filter(isAboutSlip)) {
          const { ours, fee } = explained.find((one) => one.line === line)!;
          const differences = breaks.filter((one) => one.line === line).map(({ difference }) => difference);
          expect(ours + fee + differences.reduce((all, one) => all + one, 0n)).toBe(amount);
        }
      }),
      options,
    );
  });

  test('the order of the lines of other slips changes nothing', () => {
    fc.assert(
      fc.property(fc.array(truth, { maxLength: 30 }), (truths) => {
        const { slips, lines } = play(truths);
        const shown = (all: readonly StatementLine[]) =>
          run(slips, all)
            .breaks.map(({ type, slipId }) => `${type} ${slipId}`)
            .sort();
        const name = ({ references, providerReference }: StatementLine) =>
          references[0] ?? providerReference ?? '';
        const bySlip = lines.toSorted((a, b) => name(b).localeCompare(name(a)));
        expect(shown(bySlip)).toEqual(shown(lines));
      }),
      options,
    );
  });
});

describe('a name that two slips have', () => {
  const slip = (slipId: string, amount: bigint): BookedSlip => ({
    ...{ slipId, kind: 'payout', reference: 'inv-1', providerReference: null, outcome: null, fee: null },
    ...{ amount: { amount, currency: 'EUR' }, dispatchedOn: day, returnedOn: null, paid: 0n, cameBack: 0n },
  });
  const line: StatementLine = {
    ...{ line: 3, kind: 'payment', gross: -500n, amount: -500n, currency: 'EUR', bookedOn: day, text: '' },
    ...{ references: ['inv-1'], providerReference: null, outcome: null, reason: null },
  };

  test('is of the one whose amount it is', () => {
    const { matches } = run([slip('a', 500n), slip('b', 700n)], [line]);
    expect(matches).toMatchObject([{ slipId: 'a', amount: 500n, outcome: 'succeeded' }]);
  });

  test('is of neither where both have it', () => {
    const { matches, breaks } = run([slip('a', 500n), slip('b', 500n)], [line]);
    expect(matches).toEqual([]);
    expect(breaks).toMatchObject([{ type: 'missing_here', difference: -500n }]);
  });
});

/** A slip of 5.00 of which earlier statements told so much. */
const succeeded = (paid: bigint): BookedSlip => ({
  ...{ slipId: 'a', kind: 'order', reference: 'o', providerReference: null, outcome: 'succeeded', fee: null },
  ...{ amount: { amount: 500n, currency: 'EUR' }, dispatchedOn: day, returnedOn: day, paid, cameBack: 0n },
});

/** A line that tells of so much of it. */
const paymentOf = (gross: bigint): StatementLine => ({
  ...{ line: 1, kind: 'payment', gross, amount: gross, currency: 'EUR', bookedOn: day, text: '' },
  ...{ references: ['o'], providerReference: null, outcome: null, reason: null },
});

test('a slip that an earlier statement told is paid again only as a duplicate', () => {
  expect(run([succeeded(500n)], [paymentOf(500n)])).toMatchObject({
    matches: [],
    breaks: [{ type: 'duplicate', difference: 500n }],
  });
});

test('equal parts of one day that come back are told apart by the statement that has them', () => {
  const back = (gross: bigint, on: string, line: number) => ({
    ...{ ...paymentOf(-gross), bookedOn: on, line },
    kind: 'return' as const,
  });
  const lines = [back(200n, day, 1), back(200n, day, 2), back(100n, day, 3), back(200n, '2026-11-29', 4)];
  const { matches } = run([succeeded(500n)], lines);
  expect(matches.map(({ line, occurrence }) => [line, occurrence])).toEqual([
    [1, undefined],
    [2, 2],
    [3, undefined],
    [4, undefined],
  ]);
});

test.each([
  [null, 'bank-1'],
  ['succeeded', 'p-1'],
] as const)(
  'a bank’s name for a booking is no second execution: known as %s, it is told as %s',
  (outcome, told) => {
    const slip: BookedSlip = {
      ...{ slipId: 'a', kind: 'order', reference: 'o', providerReference: 'p-1', outcome, fee: null },
      ...{
        amount: { amount: 500n, currency: 'EUR' },
        dispatchedOn: day,
        returnedOn: null,
        paid: 0n,
        cameBack: 0n,
      },
    };
    const line: StatementLine = {
      ...{ line: 1, kind: 'payment', gross: 500n, amount: 500n, currency: 'EUR', bookedOn: day, text: '' },
      ...{ references: ['o'], providerReference: 'bank-1', outcome: null, reason: null },
    };
    expect(run([slip], [line]).matches).toMatchObject([{ providerReference: told }]);
  },
);

test('nothing is late of which no event tells since when it is awaited', () => {
  const slip: BookedSlip = {
    ...{ slipId: 'a', kind: 'order', reference: 'o', providerReference: null, outcome: null, fee: null },
    ...{ amount: { amount: 500n, currency: 'EUR' }, dispatchedOn: null, returnedOn: null },
    ...{ paid: 0n, cameBack: 0n },
  };
  const line: StatementLine = {
    ...{ line: 1, kind: 'payment', gross: 500n, amount: 500n, currency: 'EUR', bookedOn: day, text: '' },
    ...{ references: ['o'], providerReference: null, outcome: null, reason: null },
  };
  expect(run([slip], [line])).toMatchObject({
    matches: [{ slipId: 'a', outcome: 'succeeded' }],
    breaks: [{ type: 'status', difference: 500n }],
  });
});

describe('one movement for several slips', () => {
  const slip = (slipId: string, amount: bigint, more: Partial<BookedSlip> = {}): BookedSlip => ({
    ...{
      slipId,
      kind: 'payout',
      reference: slipId,
      providerReference: null,
      outcome: 'succeeded',
      fee: null,
    },
    ...{ amount: { amount, currency: 'EUR' }, dispatchedOn: day, returnedOn: day, paid: 0n, cameBack: 0n },
    ...more,
  });
  const line = (gross: bigint): StatementLine => ({
    ...{ line: 3, kind: 'payment', gross, amount: gross, currency: 'EUR', bookedOn: day, text: '' },
    ...{ references: ['a', 'b'], providerReference: null, outcome: null, reason: null },
  });

  test.each<[string, readonly BookedSlip[], bigint, readonly string[], readonly string[], bigint]>([
    ['pays both', [slip('a', 500n), slip('b', 300n)], -800n, ['a succeeded', 'b succeeded'], [], -800n],
    [
      'pays one of them once more',
      [slip('a', 500n, { paid: -500n }), slip('b', 300n)],
      ...([-800n, ['b succeeded'], ['duplicate a -500'], -300n] as const),
    ],
    [
      'is undone: both came back',
      [slip('a', 500n, { paid: -500n }), slip('b', 300n, { paid: -300n })],
      ...([800n, ['a failed', 'b failed'], ['status a 500', 'status b 300'], 0n] as const),
    ],
    [
      'is undone, which is known of one of them',
      [slip('a', 500n, { paid: -500n, outcome: 'failed' }), slip('b', 300n, { paid: -300n })],
      ...([800n, ['a failed', 'b failed'], ['status b 300'], 500n] as const),
    ],
    [
      'gives back what was paid once more',
      [slip('a', 500n, { paid: -500n, twice: [-500n] }), slip('b', 300n, { paid: -300n, twice: [-300n] })],
      ...([800n, [], ['duplicate a 500', 'duplicate b 300'], 0n] as const),
    ],
    ['is neither', [slip('a', 500n), slip('b', 300n)], 700n, [], ['amount null 1500'], -800n],
  ])('%s', (_, slips, gross, matched, broken, ours) => {
    const { matches, breaks, explained } = run(slips, [line(gross)]);
    expect(matches.map(({ slipId, outcome }) => `${slipId} ${outcome}`)).toEqual(matched);
    const ofLine = breaks.filter((one) => one.line === 3);
    expect(ofLine.map(({ type, slipId, difference }) => `${type} ${slipId} ${difference}`)).toEqual(broken);
    expect(explained).toEqual([{ line: 3, ours, fee: 0n }]);
    expect(ofLine.reduce((all, { difference }) => all + difference, ours)).toBe(gross);
  });
});

test('parts of a slip come to the same movements and differences in whichever statement the first one is', () => {
  const told = (parts: readonly bigint[]) => {
    let paid = 0n;
    const sums = { ours: 0n, amount: 0n };
    for (const gross of parts) {
      const { explained, breaks } = run([succeeded(paid)], [paymentOf(gross)]);
      sums.ours += explained[0]!.ours;
      sums.amount += breaks.reduce((all, { difference }) => all + difference, 0n);
      paid += gross;
    }
    return sums;
  };
  for (const parts of [
    [200n, 300n],
    [300n, 200n],
    [100n, 300n, 100n],
  ])
    expect(told(parts)).toEqual({ ours: 500n, amount: 0n });
  for (const parts of [
    [100n, 300n],
    [300n, 100n],
  ])
    expect(told(parts)).toEqual({ ours: 500n, amount: -100n });
});

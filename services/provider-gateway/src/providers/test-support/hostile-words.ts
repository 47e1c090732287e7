import type { Money } from '@slipstream/kernel';
import type { AnswerBody, ProtocolUnderTest } from '../spec-support.ts';

// What a provider may say in an answer that came whole: one table, run over all protocols and all ways of saying it.

/** What becomes of it. `garbage`: nothing was said about the slip. */
export type Understood = object | 'garbage';

export interface HostileWord {
  readonly behaviour: string;
  readonly body: (slipId: string) => AnswerBody;
  readonly understood: Understood;
}

type Fields = ProtocolUnderTest['json'];

const eur = (amount: bigint): Money => ({ amount, currency: 'EUR' });
const success = { outcome: 'succeeded', amount: eur(1250n) } as const;

const words = (json: Fields): readonly HostileWord[] => {
  const word = (behaviour: string, value: unknown, understood: Understood = 'garbage'): HostileWord => ({
    behaviour: `${behaviour} where its word should stand`,
    body: (slipId) => ({ ...json.body(slipId, success), [json.word]: value }),
    understood,
  });
  const unknownWord = (value: string, said = value) =>
    word(JSON.stringify(value).slice(0, 40), value, { kind: 'doubtful', doubt: 'word_unknown', said });
  return [
    {
      behaviour: 'no word at all',
      body: (slipId) => omit(json.body(slipId, success), json.word),
      understood: 'garbage',
    },
    word('nothing', ''),
    word('a number', 7),
    word('null', null),
    word('yes', true),
    word('a list', ['succeeded']),
    word('an object', { succeeded: true }),
    unknownWord('COMPLETED_MAYBE'),
    unknownWord('__proto__'),
    unknownWord('constructor'),
    unknownWord('toString'),
    unknownWord('a\u0000b', '"a\\u0000b"'),
    unknownWord('\ud800', '"\\ud800"'),
    unknownWord('x'.repeat(10_000), 'x'.repeat(256)),
    // Each protocol's own words, in other letters.
    ...(['succeeded', 'failed', 'pending'] as const).map(
      (one): HostileWord => ({
        behaviour: `its word for “${one}” in capitals`,
        body: (slipId) => {
          const body = json.body(slipId, one === 'pending' ? one : { outcome: one });
          return { ...body, [json.word]: String(body[json.word]).toUpperCase() };
        },
        understood: { kind: 'doubtful', doubt: 'word_unknown' },
      }),
    ),
    {
      behaviour: 'its word for a success with a space behind it',
      body: (slipId) => {
        const body = json.body(slipId, success);
        return { ...body, [json.word]: `${body[json.word]} ` };
      },
      understood: { kind: 'doubtful', doubt: 'word_unknown' },
    },
  ];
};

const names = (json: Fields): readonly HostileWord[] => {
  const naming = (behaviour: string, name: (slipId: string) => unknown): HostileWord => ({
    behaviour: `${behaviour} as the slip that it speaks of`,
    body: (slipId) => ({ ...json.body(slipId, success), [json.slip]: name(slipId) }),
    understood: 'garbage',
  });
  return [
    naming('another', () => 'another'),
    naming('a part of its name', (slipId) => slipId.slice(0, -1)),
    naming('its name in capitals', (slipId) => slipId.toUpperCase()),
    naming('its name with a space', (slipId) => `${slipId} `),
    naming('a number', () => 7),
    naming('null', () => null),
    naming('nothing', () => ''),
    naming('a list with its name', (slipId) => [slipId]),
    {
      behaviour: 'none as the slip that it speaks of',
      body: (slipId) => omit(json.body(slipId, success), json.slip),
      understood: json.mustName ? 'garbage' : { kind: 'returned', outcome: 'succeeded', amount: eur(1250n) },
    },
  ];
};

/** Amounts that are told as they came, whatever was asked for. */
const readable: readonly [what: string, Money][] = [
  ['one unit more', eur(1251n)],
  ['a hundred times as much', eur(125_000n)],
  ['a cent', eur(1n)],
  ['the same in another currency', { amount: 1250n, currency: 'JPY' }],
  ['what no double holds', eur(9_007_199_254_740_993n)],
  ['the most that there can be', eur(9_223_372_036_854_775_807n)],
];

/** Amounts that nobody can rely on: as text and currency. */
const unreadable: readonly [what: string, amount: unknown, currency: unknown][] = [
  ['zero', '0', 'EUR'],
  ['less than nothing', '-1250', 'EUR'],
  ['major units', '12.50', 'EUR'],
  ['a comma', '12,50', 'EUR'],
  ['a power of ten', '1e3', 'EUR'],
  ['zeros in front', '01250', 'EUR'],
  ['a sign in front', '+1250', 'EUR'],
  ['a space behind', '1250 ', 'EUR'],
  ['digits of another script', '١٢٥٠', 'EUR'],
  ['more than there can be', '9223372036854775808', 'EUR'],
  ['no number', 'NaN', 'EUR'],
  ['nothing', '', 'EUR'],
  ['a number', 1250, 'EUR'],
  ['a number of major units', 12.5, 'EUR'],
  ['yes', true, 'EUR'],
  ['a list', ['1250'], 'EUR'],
  ['a currency in small letters', '1250', 'eur'],
  ['a currency that there is not', '1250', 'ZZZ'],
  ['a currency by its number', '1250', '978'],
  ['no currency', '1250', undefined],
  ['null as currency', '1250', null],
  ['a currency alone', undefined, 'EUR'],
  ['null of a currency', null, 'JPY'],
];

const amounts = (json: Fields): readonly HostileWord[] => [
  ...readable.map(
    ([what, amount]): HostileWord => ({
      behaviour: `a success of ${what}`,
      body: (slipId) => json.body(slipId, { outcome: 'succeeded', amount }),
      understood: { kind: 'returned', outcome: 'succeeded', amount },
    }),
  ),
  ...unreadable.flatMap(([what, amount, currency]): HostileWord[] => [
    {
      behaviour: `a success of an amount that is ${what}`,
      body: (slipId) => ({
        ...json.body(slipId, { outcome: 'succeeded' }),
        ...json.amount(amount, currency),
      }),
      understood: { kind: 'doubtful', doubt: 'amount_unreadable' },
    },
    // That nothing was executed is so whatever amount is named.
    ...(['failed', 'void'] as const).map((outcome) => ({
      behaviour: `“${outcome}”, of an amount that is ${what}`,
      body: (slipId: string) => ({
        ...json.body(slipId, { outcome }),
        ...json.amount(amount, currency),
      }),
      understood: { kind: 'returned', outcome, amount: null },
    })),
  ]),
  ...json.oddAmounts.map(
    (odd): HostileWord => ({
      behaviour: `a success of an amount like ${JSON.stringify(odd)}`,
      body: (slipId) => ({ ...json.body(slipId, { outcome: 'succeeded' }), ...odd }),
      understood: { kind: 'doubtful', doubt: 'amount_unreadable' },
    }),
  ),
];

/** What stands beside the word, and must cost nothing of it. */
const beside = (json: Fields): readonly HostileWord[] => [
  ...(
    [
      ['a reason that cannot be stored', 'a\u0000b', null],
      ['half a character as reason', '\ud800', null],
      ['a reason without end', 'x'.repeat(5_000), 'x'.repeat(256)],
      ['a number as reason', 7, null],
      ['an object as reason', { code: 'AM04' }, null],
    ] as const
  ).map(
    ([what, reason, told]): HostileWord => ({
      behaviour: `a failure with ${what}`,
      body: (slipId) => ({ ...json.body(slipId, { outcome: 'failed' }), reason }),
      understood: { kind: 'returned', outcome: 'failed', reason: told },
    }),
  ),
  ...(
    [
      ['a number', 42, '42'],
      ['a number that no double holds', 2 ** 60, null],
      ['a name too long to be told from others', 'x'.repeat(300), null],
      ['a name that cannot be stored', 'a\u0000b', null],
      ['a list', ['p-1'], null],
    ] as const
  ).map(
    ([what, providerId, told]): HostileWord => ({
      behaviour: `a success under ${what} as its own name for the slip`,
      body: (slipId) => ({ ...json.body(slipId, success), provider_id: providerId }),
      understood: { kind: 'returned', outcome: 'succeeded', providerReference: told },
    }),
  ),
  ...(['noon', 'Thu, 26 Nov 2026 10:00:00 GMT', 1_800_000_000, null, '2026-02-30T00:00:00Z'] as const).map(
    (acceptedAt): HostileWord => ({
      behaviour: `that it was accepted at ${acceptedAt}`,
      body: (slipId) => ({ ...json.body(slipId, 'pending'), accepted_at: acceptedAt }),
      understood: { kind: 'acknowledged' },
    }),
  ),
  {
    behaviour: 'that it was accepted tomorrow',
    body: (slipId) => json.body(slipId, { acceptedAt: '2126-11-23T10:00:00Z' }),
    understood: { kind: 'acknowledged', acceptedAt: '2126-11-23T10:00:00.000000Z' },
  },
  {
    behaviour: 'a success among fields that nobody knows',
    body: (slipId) => ({ ...json.body(slipId, success), error: { code: 'none' }, x: [[1e300]] }),
    understood: { kind: 'returned', outcome: 'succeeded', amount: eur(1250n) },
  },
];

/** Those that say of which slip they speak as they should. */
export function hostileWordsOfASlip({ json }: ProtocolUnderTest): readonly HostileWord[] {
  return [...words(json), ...amounts(json), ...beside(json)];
}

export function hostileWords(under: ProtocolUnderTest): readonly HostileWord[] {
  return [...hostileWordsOfASlip(under), ...names(under.json)];
}

function omit(body: AnswerBody, field: string): AnswerBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));
}

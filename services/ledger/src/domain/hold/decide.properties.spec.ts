import { describe, expect, it } from '@jest/globals';
import { evolve, type SlipEvent, type SlipState } from '@slipstream/slip';
import fc from 'fast-check';
import { at, eur, recordedAs, refundRequested, returned, submitted } from '../../../test/builders.ts';
import type { AccountKey } from '../posting/account-map.ts';
import { Balances } from '../posting/balances.ts';
import { partOf } from './decide.ts';
import { type Answer, type Cue, changesOf, decideInOrder } from './decide-in-order.ts';
import type { Hold } from './hold.ts';

const slips = ['s0', 's1', 's2', 's3'];
const accounts = ['a', 'b'];

const anyEvent: fc.Arbitrary<SlipEvent> = fc.oneof(
  fc
    .record({
      kind: fc.constantFrom('order' as const, 'payment' as const, 'payout' as const),
      account: fc.constantFrom(...accounts),
      counterparty: fc.constantFrom(...accounts),
      amount: fc.option(fc.integer({ min: 1, max: 500 }).map(eur)),
      // Refusals depend on the order across slips by their nature; they have tests of their own.
      overdraft: fc.constant(true),
      reviewRequired: fc.boolean(),
    })
    .map(submitted),
  fc
    .record({
      outcome: fc.constantFrom('succeeded' as const, 'failed' as const, 'void' as const),
      amount: fc.option(fc.integer({ min: 0, max: 600 }).map(eur)),
      providerReference: fc.constantFrom('p-1', 'p-2', 'p-3', null),
      evidence: fc.constantFrom('signed_callback' as const, 'statement_line' as const),
      fee: fc.option(fc.integer({ min: 0, max: 9 }).map(eur)),
      bookedOn: fc.constantFrom(null, '2026-11-23', '2026-11-24'),
      occurrence: fc.constantFrom(null, 2),
    })
    .map(({ outcome, ...rest }) => returned(outcome, rest)),
  fc.constant(refundRequested()),
  fc
    .tuple(
      fc.constantFrom('give_back' as const, 'uphold' as const, 'write_off' as const),
      fc.constantFrom(undefined, null, 1, 2, 3),
    )
    .map(([decision, entry]): SlipEvent => {
      const people = { proposedBy: 'ann', approvedBy: 'bob', reason: '', note: '' };
      return { type: 'SuspenseDecided', data: { decision, provider: 'acme', ...people, entry } };
    }),
  fc.constant<SlipEvent>({ type: 'SlipApproved', data: { by: 'ann', note: '', deadline: at(600) } }),
);
const history = fc.array(fc.tuple(fc.constantFrom(...slips), anyEvent), { maxLength: 30 });

interface Ledger {
  readonly states: Map<string, SlipState>;
  readonly holds: Map<string, Hold>;
  readonly balances: Balances;
  readonly answers: Answer[];
}

const emptyLedger = (): Ledger => ({
  states: new Map(),
  holds: new Map(),
  balances: new Balances(),
  answers: [],
});

/** Handles the events in batches of the given sizes, as the service does. */
function run(events: readonly (readonly [string, SlipEvent])[], batchSize: number): Ledger {
  const ledger = emptyLedger();
  for (let start = 0; start < events.length; start += batchSize) {
    const cues: Cue[] = events.slice(start, start + batchSize).map(([slipId, event]) => {
      const before = ledger.states.get(slipId) ?? null;
      const recorded = recordedAs(event, (before?.version ?? 0) + 1, slipId);
      ledger.states.set(slipId, evolve(before, recorded));
      return { before, recorded };
    });
    const { answers, holds } = decideInOrder(cues, ledger.holds, (id) => id, ledger.balances);
    for (const [slipId, hold] of holds) ledger.holds.set(slipId, hold);
    for (const { change, ...key } of changesOf(answers).changes()) ledger.balances.add(key, change);
    ledger.answers.push(...answers);
  }
  return ledger;
}

const balancesOf = ({ balances }: Ledger): string[] =>
  balances
    .changes()
    .filter(({ change }) => change !== 0n)
    .map(({ name, change }) => `${name} ${change}`)
    .sort();

const key = (name: string): AccountKey => ({ clock: 'wall', name, currency: 'EUR' });

describe('whatever happens to slips', () => {
  it('all accounts together stand at zero', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 30 }), (events, batchSize) => {
        const total = run(events, batchSize)
          .balances.changes()
          .reduce((sum, { change }) => sum + change, 0n);
        expect(total).toBe(0n);
      }),
    );
  });

  it('no slip is settled and refunded, and each decision is made at most once', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 30 }), (events, batchSize) => {
        const { answers } = run(events, batchSize);
        for (const slipId of slips) {
          const said = answers.filter(({ cause }) => cause.slipId === slipId).map(({ event }) => event);
          const once = said
            .filter((event) => event.type !== 'RefundRefused' && !isPartBack(event) && !isLatePart(event))
            .map(nameOf);
          expect(once.length).toBe(new Set(once).size);
          expect(once.includes('SlipRefunded') && once.some((name) => name.startsWith('SlipSettled'))).toBe(
            false,
          );
          const needs = {
            ...{ late_success: 'SlipRefunded', reversal: 'SlipSettled', money_back: 'SlipSettled' },
            ...{ given_back: 'SlipSettled', upheld: 'SlipSettled' },
          };
          for (const [reason, type] of Object.entries(needs)) {
            const isTold = said.some(({ type: one }) => one === type);
            expect(once.includes(`PostingCompensated ${reason}`) && !isTold).toBe(false);
          }
        }
      }),
    );
  });

  it('every request for a refund has one answer, which names it', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 30 }), (events, batchSize) => {
        const { answers } = run(events, batchSize);
        const asked = answers.filter(({ cause }) => cause.event.type === 'RefundRequested');
        expect(asked).toHaveLength(events.filter(([, { type }]) => type === 'RefundRequested').length);
        for (const { cause, event } of asked) {
          expect(['SlipRefunded', 'RefundRefused']).toContain(event.type);
          expect(event.data).toMatchObject({ requestId: cause.id });
        }
      }),
    );
  });

  it('no more of a slip is executed than was held, and all of it is denied at once', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 30 }), (events, batchSize) => {
        const { answers, holds } = run(events, batchSize);
        for (const { slipId, amount, executed, status } of holds.values()) {
          expect(executed).toBeGreaterThanOrEqual(0n);
          expect(executed).toBeLessThanOrEqual(amount?.amount ?? 0n);
          const denied = answers.find(
            ({ cause, transactions: [first] }) =>
              cause.slipId === slipId && first?.postings.at(-1)?.account.endsWith(':suspense'),
          );
          if (status === 'reversed' && executed > 0n)
            expect(denied?.transactions[0]?.postings[0]?.amount.amount).toBe(executed);
        }
      }),
    );
  });

  it('what came back in parts and what is left are no more than was held, and each part is one', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 30 }), (events, batchSize) => {
        const { answers, holds } = run(events, batchSize);
        for (const { slipId, amount, executed } of holds.values()) {
          const parts = answers.filter(({ cause, event }) => cause.slipId === slipId && isPartBack(event));
          const back = parts.reduce(
            (sum, { transactions: [first] }) => sum + first!.postings[0]!.amount.amount,
            0n,
          );
          expect(back + executed).toBeLessThanOrEqual(amount?.amount ?? 0n);
          const names = parts.map(
            ({ cause: { event } }) => event.type === 'SlipReturned' && partOf(event.data),
          );
          expect(names).toEqual([...new Set(names)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('what is held is exactly what the open holds say', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { holds, balances } = run(events, 7);
        for (const account of accounts) {
          const open = [...holds.values()]
            .filter((hold) => hold.status === 'held' && hold.account === account)
            .reduce((sum, hold) => sum + (hold.amount?.amount ?? 0n), 0n);
          expect(balances.of(key(`payer:${account}:held`))).toBe(open);
        }
      }),
    );
  });

  it('what lies in suspense is exactly what was denied and not decided about', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { holds, balances } = run(events, 7);
        for (const account of accounts) {
          const denied = [...holds.values()]
            .filter((hold) => hold.status === 'reversed' && hold.account === account)
            .reduce((sum, hold) => sum + hold.executed, 0n);
          expect(balances.of(key(`payer:${account}:suspense`))).toBe(denied);
        }
      }),
    );
  });

  it('batches of any size and any order across slips give the same balances', () => {
    const shuffled = history.chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.array(fc.nat(), { minLength: events.length, maxLength: events.length }),
        fc.integer({ min: 1, max: 30 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([events, picks, batchSize]) => {
        expect(balancesOf(run(interleave(events, picks), batchSize))).toEqual(balancesOf(run(events, 1)));
      }),
    );
  });
});

const isPartBack = ({ type, data }: SlipEvent): boolean =>
  type === 'PostingCompensated' && data.reason === 'part_back';

const isLatePart = ({ type, data }: SlipEvent): boolean =>
  type === 'PostingCompensated' && data.reason === 'late_part';

/** What is said at most once of a slip. */
function nameOf({ type, data }: SlipEvent): string {
  if (type === 'SlipSettled') return `${type} ${data.part ?? ''}`;
  return type === 'PostingCompensated' ? `${type} ${data.reason}` : type;
}

/** The events in another order that keeps each slip's own. */
function interleave(events: readonly [string, SlipEvent][], picks: readonly number[]): [string, SlipEvent][] {
  const queues = slips.map((slip) => events.filter(([slipId]) => slipId === slip));
  return picks.map((pick) => {
    const open = queues.filter((queue) => queue.length > 0);
    return open[pick % open.length]!.shift()!;
  });
}

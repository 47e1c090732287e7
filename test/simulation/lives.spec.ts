import { describe, expect, test } from '@jest/globals';
import type { Instant } from '@slipstream/kernel';
import {
  evolve,
  type RecordedEvent,
  type SlipState,
  type SubmittedSlip,
  slipStatuses,
  successReported,
} from '@slipstream/slip';
import fc from 'fast-check';
import { judgedBy, Shadow } from '../../apps/slipctl/src/reconcile/shadow.ts';
import { postingsOf } from '../../services/reconciliation/src/domain/case/act.ts';
import { life, World } from './world.ts';

const numRuns = 2_000;
const fold = (log: readonly RecordedEvent[]) => log.reduce<SlipState | null>(evolve, null)!;
/** A provider may break its word, speak after the end or be overtaken: real logs show that, and nothing else. */
const worldly = ['contradicts', 'after_end', 'out_of_order', 'amount_differs', 'reference_differs'];

describe('a life that the services make', () => {
  test('folds without an anomaly but what the world did, and never to settled and refunded', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(life, (one) => {
        let state: SlipState | null = null;
        for (const recorded of World.of(one).log) {
          state = evolve(state, recorded);
          seen.add(state.status);
          expect(state.settled && state.refunded).toBe(false);
          for (const { reason } of state.anomalies) expect(worldly).toContain(reason);
        }
      }),
      { numRuns: 2 * numRuns },
    );
    // Else the property says nothing. Drafts and reviews are intake's alone, and nobody is refused who may go below zero.
    const elsewhere = ['draft', 'expired', 'withdrawn', 'in_review', 'declined', 'rejected'];
    expect(slipStatuses.filter((status) => !seen.has(status))).toEqual(elsewhere);
  });

  test('loses no fact to the order of its events', () => {
    const shuffled = life.chain((one) => {
      const { log } = World.of(one);
      return fc.tuple(fc.constant(log), fc.shuffledSubarray(log, { minLength: log.length }));
    });
    fc.assert(
      fc.property(shuffled, ([log, mixed]) => {
        expect(factsOf(fold(mixed))).toEqual(factsOf(fold(log)));
      }),
      { numRuns },
    );
  });

  test('ends in the same status wherever its events are repeated', () => {
    const repeats = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 10 });
    fc.assert(
      fc.property(life, repeats, (one, copies) => {
        const { log } = World.of(one);
        const more = [...log];
        for (const [n, [which, where]] of copies.entries()) {
          const original = log[which % log.length]!;
          const after = more.indexOf(original) + 1;
          more.splice(after + (where % (more.length - after + 1)), 0, { ...original, id: `copy-${n}` });
        }
        expect(fold(more).status).toBe(fold(log).status);
      }),
      { numRuns },
    );
  });

  test('has no call once something may have left, no refund without proof or rejection, no settling without success', () => {
    fc.assert(
      fc.property(life, (one) => {
        let state: SlipState | null = null;
        for (const recorded of World.of(one).log) {
          const { type } = recorded.event;
          if (type === 'DispatchIntended') expect(state?.mayHaveLeft).toBe(false);
          if (type === 'RefundRequested') expect(state).toMatchObject({ provedNotExecuted: true });
          if (type === 'SlipRefunded') expect(state).toMatchObject({ held: true, settled: false });
          if (type === 'SlipSettled') expect(state?.outcome).toBe('succeeded');
          state = evolve(state, recorded);
        }
      }),
      { numRuns },
    );
  });

  test('is refunded by the postings that a dry run shows', () => {
    let refunds = 0;
    fc.assert(
      fc.property(life, (one) => {
        let state: SlipState | null = null;
        for (const recorded of World.of(one).log) {
          const { event } = recorded;
          if (event.type === 'SlipRefunded' && event.data.requestId) {
            const asked = { basis: 'not_executed', requestedBy: 'ann' } as const;
            const shown = postingsOf(state as SubmittedSlip, [{ type: 'RefundRequested', data: asked }]);
            expect(shown).toEqual(event.data.transaction?.postings ?? []);
            refunds += shown.length > 0 ? 1 : 0;
          }
          state = evolve(state, recorded);
        }
      }),
      { numRuns },
    );
    expect(refunds).toBeGreaterThan(0);
  });

  test('has a verdict if and only if no answer was received by the deadline and the reconciler looked', () => {
    fc.assert(
      fc.property(life, (one) => {
        const world = World.of(one);
        world.take({ afterMs: 20_000, what: { type: 'reconciler looks' } });
        const { deadline } = world.reconciler.slip!.state;
        const inTime = world.log.some(
          ({ event, receivedTime }) => event.type === 'SlipReturned' && receivedTime <= deadline,
        );
        const verdicts = world.log.filter(({ event }) => event.type === 'SlipOverdue');
        expect(verdicts).toHaveLength(inTime ? 0 : 1);
      }),
      { numRuns },
    );
  });

  test('has the verdict that a shadow of the reconciler finds in its log, and another one is found to be wrong', () => {
    fc.assert(
      fc.property(life, (one) => {
        const world = World.of(one);
        world.take({ afterMs: 20_000, what: { type: 'reconciler looks' } });
        const { log } = world;
        const verdict = log.find(({ event }) => event.type === 'SlipOverdue');
        expect(shadowOf(log, world.now)).toMatchObject({
          slips: 1,
          verdicts: verdict ? 1 : 0,
          differences: [],
        });
        const others = log.filter((recorded) => recorded !== verdict);
        const { deadline } = world.reconciler.slip!.state;
        const event = { type: 'SlipOverdue', data: { stage: 'returned', deadline } } as const;
        const invented = [...others, { ...log.at(-1)!, id: 'invented', event }];
        const found = (changed: readonly RecordedEvent[]) =>
          shadowOf(changed, world.now).differences.map(({ kind }) => kind);
        expect(found(others)).toEqual(verdict ? ['missing'] : []);
        expect(found(invented)).toEqual([verdict ? 'differs' : 'extra']);
      }),
      { numRuns },
    );
  });
});

test('a decision taken again says nothing', () => {
  fc.assert(
    fc.property(life, ({ terms, turns }) => {
      const world = new World(terms);
      for (const one of turns) {
        world.take(one);
        expect(world.reconciler.again()).toEqual([]);
        expect(world.ledger.again()).toEqual([]);
      }
    }),
    { numRuns: numRuns / 2 },
  );
});

function shadowOf(log: readonly RecordedEvent[], now: Instant) {
  const shadow = new Shadow();
  for (const recorded of log) if (judgedBy.has(recorded.event.type)) shadow.take(recorded);
  const judgedThrough = new Map([['wall', now]]);
  return shadow.compare({ judgedThrough, setAside: new Set(), from: null, to: null });
}

/** The first answer stands; which was the first, and which denied it first, is all that an order tells. */
function factsOf(state: SlipState) {
  const { held, settled, refunded, compensated, overdue, notReturned } = state;
  const { provedNotExecuted, refundRequested, attempts, inquiries, rejection, mayHaveLeft } = state;
  const answers = { succeeded: successReported(state), contradicted: state.contradictedBy !== null };
  const facts = { held, settled, refunded, compensated, answers, overdue, notReturned };
  return { ...facts, provedNotExecuted, refundRequested, attempts, inquiries, rejection, mayHaveLeft };
}

import { beforeEach, describe, expect, test } from '@jest/globals';
import { addMicros, type Instant } from '@slipstream/kernel';
import type { SlipEvent, StagePolicy } from '@slipstream/slip';
import { v7 } from 'uuid';
import { type Change, unchanged } from '../src/application/advance.ts';
import type { LatePlace, Lookout, Unit } from '../src/application/ports.ts';
import type { Judgeable } from '../src/domain/deadline/judgeable.ts';
import { fold, type NextStep, type WatchedSlip, watch } from '../src/domain/watch/watched-slip.ts';
import { at, deadline, held, policy, refunded, returned, settled, submitted, told } from './story.ts';

/** One implementation of the ports that judging stands on. Whatever it held before, its slips are others. */
export interface UnitUnderTest {
  readonly lookout: Lookout;
  inUnit<Result>(work: (unit: Unit) => Promise<Result>): Promise<Result>;
  /** Sets a slip of this partition behind a dead letter. */
  park(partition: number, slipId: string): Promise<void>;
}

const partition = 3;
const longAgo: Instant = '2001-01-01T00:00:00.000000Z';
const farAway: Instant = '2999-01-01T00:00:00.000000Z';
const overdueEvent: SlipEvent = { type: 'SlipOverdue', data: { stage: 'returned', deadline } };

interface Given {
  readonly clock?: string;
  readonly partition?: number;
  readonly nextStep?: NextStep;
  readonly data?: Parameters<typeof submitted>[0];
}

/** What every implementation of the ports does: the same suite runs over the memory twin and over PostgreSQL. */
export function describeUnit(name: string, open: () => Promise<UnitUnderTest>): void {
  describe(name, () => {
    let store: UnitUnderTest;
    /** A clock of its own for every test, so that none sees another's slips. */
    let clock: string;
    beforeEach(async () => {
      store = await open();
      clock = `import-${v7()}`;
    });
    const slip = (events: readonly SlipEvent[], given: Given = {}): WatchedSlip => {
      const place = { slipId: v7(), clock: given.clock ?? clock };
      const first = told(submitted({ mode: 'reported', ...given.data }), at(0), place);
      const begun = watch(given.partition ?? partition, first)!;
      const folded = events.reduce((known, event) => fold(known, told(event, at(20), place)), begun);
      return { ...folded, nextStep: given.nextStep ?? null };
    };
    const save = async (...slips: WatchedSlip[]) => {
      await saveAll(slips.map((one) => ({ ...unchanged(one), before: null })));
      return slips;
    };
    const saveAll = (changes: readonly Change[]) => store.inUnit((unit) => unit.save(changes));
    const range = (through: Instant, rest: Partial<Judgeable> = {}): Judgeable => ({
      ...{ partition, clock, through, holdsThrough: longAgo, closed: true },
      ...rest,
    });
    const idsOf = (slips: readonly WatchedSlip[]) => slips.map(({ state }) => state.slipId);
    const toJudge = async (given: Judgeable) => {
      const { slips } = await store.inUnit((unit) => unit.toJudge(given));
      // The look outside of the fence finds what there is to be judged inside, and nothing else.
      expect(await store.lookout.withSlipsToJudge([given])).toEqual(slips.length > 0 ? [given] : []);
      return idsOf(slips);
    };
    const kept = async (one: WatchedSlip) =>
      (await store.inUnit((unit) => unit.byId([one.state.slipId])))[0] ?? null;

    describe('a slip', () => {
      test('reads back as it was written, watched or archived', async () => {
        const step = { kind: 'inquire', at: at(30) } as const;
        const [watched, archived] = await save(
          slip([held, overdueEvent], { clock: 'wall', nextStep: step }),
          slip([held, returned({ outcome: 'failed' }), refunded, overdueEvent], { clock: 'wall' }),
        );
        expect(await kept(watched!)).toEqual(watched);
        expect(await kept(archived!)).toEqual(archived);
      });

      test('goes from place to place, and is never in two', async () => {
        const step = { kind: 'conclude', at: longAgo } as const;
        const [first] = await save(slip([held, overdueEvent], { clock: 'wall', nextStep: step }));
        const told = (known: WatchedSlip, event: SlipEvent): WatchedSlip =>
          fold({ ...known, nextStep: null }, { ...toldOf(known, event), receivedTime: at(30) });
        const toldOf = ({ state }: WatchedSlip, event: SlipEvent) => ({
          ...{
            id: v7(),
            slipId: state.slipId,
            clock: state.clock,
            event,
            time: at(30),
            receivedTime: at(30),
          },
          ...{ source: '', sequence: 1n },
        });
        const opened = told(first!, { type: 'CaseOpened', data: { reason: 'no_answer', summary: '' } });
        const returnedLate = told(told(opened, returned()), {
          type: 'CaseClosed',
          data: { reason: 'no_answer', resolution: 'returned' },
        });
        const over = told(returnedLate, settled);
        let before = first!;
        for (const next of [opened, returnedLate]) {
          await saveAll([{ before, slip: next, events: [] }]);
          expect(await store.inUnit((unit) => unit.byId([next.state.slipId]))).toEqual([next]);
          const { slips } = await store.inUnit((unit) => unit.toStep(partition, farAway));
          expect(idsOf(slips)).not.toContain(next.state.slipId);
          before = next;
        }
        await saveAll([{ before, slip: over, events: [] }]);
        expect(await kept(over)).toBeNull();
      });
    });

    test('what refunds took is known to the next transaction, by currency', async () => {
      const spent = () => store.inUnit((unit) => unit.spent());
      const before = await spent();
      await store.inUnit(async (unit) => {
        await unit.spent();
        unit.spend([{ amount: 7n, currency: 'EUR' }, null, { amount: 5n, currency: 'EUR' }], 2);
      });
      await store.inUnit(async (unit) => unit.spend([{ amount: 2n ** 62n, currency: 'JPY' }], 0));
      await store.inUnit(async (unit) => unit.spend([], 3));
      const after = await spent();
      const more = (currency: string) =>
        (after.amounts.get(currency) ?? 0n) - (before.amounts.get(currency) ?? 0n);
      expect([after.count - before.count, more('EUR'), more('JPY')]).toEqual([4, 12n, 2n ** 62n]);
      expect(after.ownTrouble - before.ownTrouble).toBe(5);
    });

    describe('to be judged', () => {
      test('counts from the approval of what had to be approved', async () => {
        const [inReview] = await save(slip([], { data: { reviewRequired: true } }));
        const later = addMicros(deadline, 1n);
        const event: SlipEvent = { type: 'SlipApproved', data: { by: 'ann', note: '', deadline: later } };
        const { slipId } = inReview!.state;
        const approved = [event, held].reduce(
          (known, one) => fold(known, told(one, at(1), { slipId, clock })),
          inReview!,
        );
        await saveAll([{ before: inReview!, slip: approved, events: [] }]);
        expect(await toJudge(range(deadline))).toEqual([]);
        expect(await toJudge(range(later))).toEqual([slipId]);
      });

      test('is what is due exactly at the watermark, and nothing due a microsecond later', async () => {
        const later = addMicros(deadline, 1n);
        const [due] = await save(slip([held]), slip([held], { data: { deadline: later } }));
        expect(await toJudge(range(deadline))).toEqual(idsOf([due!]));
        expect(await toJudge(range(addMicros(deadline, -1n)))).toEqual([]);
      });

      test('is due when the grace is over, too', async () => {
        const data = { policy: { ...policy, graceMs: 500 } };
        const [due] = await save(slip([held], { data }));
        expect(await toJudge(range(at(10.499)))).toEqual([]);
        expect(await toJudge(range(at(10.5)))).toEqual(idsOf([due!]));
      });

      test('is the oldest deadline first', async () => {
        const [late, early] = await save(slip([held]), slip([held], { data: { deadline: at(9) } }));
        expect(await toJudge(range(at(11)))).toEqual(idsOf([early!, late!]));
      });

      test('is only what has no verdict, on the partition and the clock of the range', async () => {
        await save(
          slip([held, overdueEvent]),
          slip([held], { partition: partition + 1 }),
          slip([held], { clock: `${clock}-2` }),
        );
        expect(await toJudge(range(farAway))).toEqual([]);
      });

      test('without an answer about its hold is what the ledger vouches for, that very instant included', async () => {
        const [waiting] = await save(slip([]));
        const awaiting = (given: Judgeable) => store.lookout.withSlipsAwaitingHold([given]);
        const before = range(farAway, { holdsThrough: addMicros(deadline, -1n) });
        expect(await toJudge(before)).toEqual([]);
        expect(await awaiting(before)).toEqual([before]);
        const then = range(farAway, { holdsThrough: deadline });
        expect(await toJudge(then)).toEqual(idsOf([waiting!]));
        expect(await awaiting(then)).toEqual([]);
      });

      test('is nothing behind a dead letter', async () => {
        const [parked, other, waiting] = await save(slip([held]), slip([held]), slip([]));
        await store.park(partition, parked!.state.slipId);
        await store.park(partition, waiting!.state.slipId);
        expect(await toJudge(range(farAway))).toEqual(idsOf([other!]));
        expect(await store.lookout.withSlipsAwaitingHold([range(farAway)])).toEqual([]);
      });

      test('is found in the ranges that have it, whatever their order', async () => {
        await save(slip([held]));
        const [empty, full] = [range(farAway, { partition: partition + 1 }), range(farAway)];
        expect(await store.lookout.withSlipsToJudge([empty, full])).toEqual([full]);
        expect(await store.lookout.withSlipsToJudge([full, empty])).toEqual([full]);
      });
    });

    describe('steps', () => {
      // Steps are of live slips only; a partition of its own keeps them apart from other tests.
      const steps = 11;
      const live = (nextStep: NextStep) =>
        slip([held, overdueEvent], { clock: 'wall', partition: steps, nextStep });
      const due = async (through: Instant) => {
        const { slips } = await store.inUnit((unit) => unit.toStep(steps, through));
        expect(await store.lookout.withStepsDue(new Map([[steps, through]]))).toEqual(
          slips.length > 0 ? [steps] : [],
        );
        return idsOf(slips);
      };

      test('are due by the database’s clock; a conclusion also needs what was received by its time', async () => {
        const [inquire, conclude, later] = await save(
          live({ kind: 'inquire', at: longAgo }),
          live({ kind: 'conclude', at: addMicros(longAgo, 1n) }),
          live({ kind: 'inquire', at: farAway }),
        );
        expect(await due(longAgo)).toEqual(idsOf([inquire!]));
        expect(await due(addMicros(longAgo, 1n))).toEqual(idsOf([inquire!, conclude!]));
        await store.park(steps, inquire!.state.slipId);
        expect(await due(farAway)).toEqual(idsOf([conclude!]));
        await store.park(steps, conclude!.state.slipId);
        expect(await due(farAway)).toEqual([]);
        expect(await kept(later!)).not.toBeNull();
      });
    });

    describe('stages', () => {
      // Of live slips only; a partition of its own keeps them apart from other tests.
      const stagesAt = 9;
      const limits = { warnMs: 1_000, actMs: 2_000 };
      const stages: StagePolicy = {
        ...{ submitted: limits, review: null, held: limits, dispatching: limits, returned: null },
      };
      const data = { policy: { ...policy, stages } };
      const live = (events: readonly SlipEvent[], more: Given['data'] = {}) =>
        slip(events, { clock: 'wall', partition: stagesAt, data: { ...data, ...more } });
      const toTell = async (through: Instant, after: LatePlace | null = null, limit = 10) => {
        const { slips } = await store.inUnit((unit) => unit.toTellLate(stagesAt, through, after, limit));
        return idsOf(slips);
      };

      test('are told of from their first limit on, the earliest first, until the deadline has come', async () => {
        const later = { deadline: at(60) };
        const [submittedOne, heldOne, parked] = await save(
          live([], later),
          // Held at second 20.
          live([held], later),
          live([], later),
          live([], { ...later, policy }),
          live([returned()], later),
          live([overdueEvent], later),
        );
        await store.park(stagesAt, parked!.state.slipId);
        expect(await toTell(at(0.999))).toEqual([]);
        expect(await store.lookout.withStagesToTell(new Map([[stagesAt, at(0.999)]]))).toEqual([]);
        const first = idsOf([submittedOne!]);
        expect(await toTell(at(1))).toEqual(first);
        expect(await store.lookout.withStagesToTell(new Map([[stagesAt, at(1)]]))).toEqual([stagesAt]);
        expect(await toTell(at(21))).toEqual(idsOf([submittedOne!, heldOne!]));
        expect(await toTell(at(21), null, 1)).toEqual(first);
        const behind = { at: at(1), slipId: submittedOne!.state.slipId };
        expect(await toTell(at(21), behind)).toEqual(idsOf([heldOne!]));
        expect(await toTell(at(60))).toEqual([]);
        const late: SlipEvent = {
          type: 'StageLate',
          data: {
            stage: 'submitted',
            point: 'act',
            service: 'ledger',
            since: at(0),
            limitMs: 1,
            provider: null,
          },
        };
        const { slipId } = submittedOne!.state;
        const acted = fold(submittedOne!, told(late, at(30), { slipId, clock: 'wall' }));
        await saveAll([{ before: submittedOne!, slip: acted, events: [] }]);
        expect(await toTell(at(59))).toEqual(idsOf([heldOne!]));
      });
    });

    describe('a closed clock', () => {
      const toConclude = async (after: string) =>
        idsOf((await store.inUnit((unit) => unit.toConclude(partition, [range(farAway)], after))).slips);
      const finish = async (through: Instant) =>
        (await store.inUnit((unit) => unit.finishClocks(partition, [range(through)]))).length > 0;

      test('concludes what it missed, in the order of ids, but nothing behind a dead letter', async () => {
        const missed = await save(slip([held, overdueEvent]), slip([held, overdueEvent]));
        const [parked] = await save(slip([held, overdueEvent]), slip([held]));
        await store.park(partition, parked!.state.slipId);
        const ids = idsOf(missed).toSorted();
        expect(await toConclude('')).toEqual(ids);
        expect(await toConclude(ids[0]!)).toEqual(ids.slice(1));
      });

      test('ends when nothing due waits for its verdict; what is due later goes, what is parked stays', async () => {
        const [due, open, parked] = await save(
          slip([]),
          slip([held], { data: { deadline: at(100) } }),
          slip([held]),
        );
        await store.park(partition, parked!.state.slipId);
        expect(await finish(at(50))).toBe(false);
        expect(await store.lookout.concluded([range(at(50))])).toEqual([]);
        const answered = fold(due!, told(held, at(20), { slipId: due!.state.slipId, clock }));
        const called = fold(answered, told(overdueEvent, at(20), { slipId: due!.state.slipId, clock }));
        await saveAll([{ before: due!, slip: called, events: [] }]);
        expect(await finish(at(50))).toBe(true);
        expect(await store.lookout.concluded([range(at(50))])).toHaveLength(1);
        expect([await kept(called), await kept(open!)]).toEqual([null, null]);
        expect(await kept(parked!)).not.toBeNull();
      });

      test('ends with others at once, each by itself', async () => {
        const other = `import-${v7()}`;
        const both = [range(at(50)), range(at(50), { clock: other })];
        const [missed, open] = await save(slip([held, overdueEvent]), slip([held]));
        const [missedThere, later] = await save(
          slip([held, overdueEvent], { clock: other }),
          slip([held], { clock: other, data: { deadline: at(100) } }),
        );
        const page = await store.inUnit((unit) => unit.toConclude(partition, both, ''));
        expect(idsOf(page.slips)).toEqual(idsOf([missed!, missedThere!]).toSorted());
        expect(await store.inUnit((unit) => unit.finishClocks(partition, both))).toEqual([both[1]]);
        expect(await store.lookout.concluded(both)).toEqual([both[1]]);
        expect([await kept(later!), await kept(missedThere!)]).toEqual([null, null]);
        expect([await kept(open!), await kept(missed!)]).toEqual([open, missed]);
      });
    });
  });
}

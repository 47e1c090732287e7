import { describe, expect, test } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import fc from 'fast-check';
import { v7 } from 'uuid';
import { PartitionLog } from '../../../test/partition-log.ts';
import {
  acknowledged,
  approved,
  at,
  held,
  intended,
  notSent,
  policy,
  refused,
  returned,
  settled,
  submitted,
  told,
  unanswered,
} from '../../../test/story.ts';
import { emptySnapshot, HotPartition } from '../../application/quiet/hot-partition.ts';
import { isHeld, isInTime } from '../../application/quiet/hot-set.ts';
import { offsetsMax } from '../../application/quiet/slip-record.ts';
import { Tally } from '../../application/returns/tally.ts';
import { flightOf } from '../../domain/returns/flight.ts';
import { fold, watch } from '../../domain/watch/watched-slip.ts';
import { foldQuietly } from './quiet-fold.ts';

const slipId = v7();

function partition() {
  const log = new PartitionLog();
  const into = new HotPartition(0, emptySnapshot(0));
  const fold = (event: SlipEvent, { clock = 'wall', id = slipId, received = at(1), room = true } = {}) => {
    log.append({ slipId: id, event, clock, time: at(1), receivedTime: received });
    const walk = log.at(log.end - 1);
    expect(walk.peek()).toBe(true);
    return foldQuietly(walk, into, room);
  };
  return { into, fold, slot: () => into.find(slipId) };
}

const micros = (instant: string) => Date.parse(instant) * 1_000;

/** What the gateway says of a slip: calls one after the other, each ended somehow, and perhaps an outcome. */
const calls = fc.array(fc.constantFrom('not_sent', 'unanswered', 'open'), { maxLength: 3 });

describe('what is dispatched and returned', () => {
  test('is counted in memory as it is of rows, from a snapshot too', () => {
    fc.assert(
      fc.property(calls, fc.boolean(), fc.nat({ max: 7 }), (ends, returns, cut) => {
        const events: SlipEvent[] = [submitted(), held];
        for (const [i, end] of ends.entries()) {
          events.push(intended(i + 1));
          if (end === 'not_sent') events.push(notSent('connection_refused', i + 1));
          if (end === 'unanswered') events.push(unanswered('timeout', i + 1));
        }
        if (returns) events.push(returned());
        fc.pre(events.length <= offsetsMax);
        const log = new PartitionLog();
        for (const [i, event] of events.entries())
          log.append({ slipId, event, clock: 'wall', time: at(1 + i), receivedTime: at(1 + i) });

        let into = new HotPartition(0, emptySnapshot(0));
        const inMemory = events.flatMap((_, offset) => {
          if (offset === cut) into = new HotPartition(0, into.snapshot(offset, new Map()));
          const walk = log.at(offset);
          expect(walk.peek() && foldQuietly(walk, into, true)).toBe('quiet');
          return into.take().tally.steps();
        });

        let slip = watch(0, told(events[0]!, at(1)))!;
        const ofRows = events.slice(1).flatMap((event, i) => {
          const recorded = told(event, at(2 + i));
          const before = slip.state;
          slip = fold(slip, recorded);
          const flight = flightOf(before, slip.state, recorded);
          const tally = new Tally();
          if (flight) tally.add(flight);
          return tally.steps();
        });
        expect(inMemory).toEqual(ofRows);
        const kinds = inMemory.map(({ kind }) => kind);
        if (returns && ends[0] === 'unanswered') expect(kinds).toEqual(['dispatched', 'returned']);
      }),
    );
  });
});

describe('folding in memory', () => {
  test('reads a slip’s terms where the schema has them', () => {
    const { into, fold, slot } = partition();
    expect(fold(submitted({ policy: { ...policy, graceMs: 250 } }))).toBe('quiet');
    const { deadline, due, amount, currency } = into.hot.get(slot());
    expect(deadline).toBe(micros(at(10)));
    expect(due).toBe(micros(at(10)) + 250_000);
    expect(amount).toBe(1250);
    expect(currency).toBe(0x455552);
  });

  test('follows a whole life, and forgets the slip at its end', () => {
    const { into, fold, slot } = partition();
    const types = [submitted(), held, acknowledged, returned({ amount: { amount: 1250n, currency: 'EUR' } })];
    for (const event of types) expect(fold(event)).toBe('quiet');
    expect(into.hot.has(slot(), isHeld) && into.hot.has(slot(), isInTime)).toBe(true);
    expect(into.hot.offsets(slot(), 4)).toEqual([0, 1, 2, 3]);
    expect(fold(settled)).toBe('quiet');
    expect(slot()).toBe(-1);
    expect(into.taken).toMatchObject({ slips: 1, inTime: 1 });
  });

  test('takes an answer for in time up to the very microsecond of the deadline', () => {
    for (const [received, folded] of [
      ['2026-11-22T10:00:10.000000Z', 'quiet'],
      ['2026-11-22T10:00:10.000001Z', 'loud'],
    ] as const) {
      const { fold } = partition();
      fold(submitted());
      expect(fold(returned(), { received })).toBe(folded);
    }
  });

  test.each<[string, SlipEvent]>([
    ['a failure', returned({ outcome: 'failed' })],
    ['another amount', returned({ amount: { amount: 1249n, currency: 'EUR' } })],
    ['another currency', returned({ amount: { amount: 1250n, currency: 'USD' } })],
    ['a refusal', refused],
    ['money that moved without an answer', settled],
    ['a second beginning', submitted()],
  ])('is loud about %s, and changes nothing', (_, event) => {
    const { into, fold, slot } = partition();
    fold(submitted());
    fold(held);
    const before = { ...into.hot.get(slot()), offsets: into.hot.offsets(slot(), 9) };
    expect(fold(event)).toBe('loud');
    expect({ ...into.hot.get(slot()), offsets: into.hot.offsets(slot(), 9) }).toEqual(before);
  });

  test('is loud about what it does not follow: imports, other ids, unknown slips, more than there is room for', () => {
    const { into, fold } = partition();
    expect(fold(submitted(), { clock: 'import-1' })).toBe('loud');
    expect(fold(submitted(), { id: 'slip-1' })).toBe('loud');
    expect(fold(submitted(), { id: slipId.toUpperCase() })).toBe('loud');
    expect(fold(submitted(), { room: false })).toBe('loud');
    expect(fold(submitted({ amount: { amount: 2n ** 60n, currency: 'EUR' } }))).toBe('loud');
    expect(fold(held)).toBe('loud');
    expect(into.hot.size).toBe(0);
  });

  test('moves the deadline of what was in review, once', () => {
    const { into, fold, slot } = partition();
    const stages = { submitted: null, held: null, dispatching: null, returned: null };
    const limited = { ...policy, graceMs: 250, stages: { ...stages, review: { warnMs: 1_000, actMs: 0 } } };
    fold(submitted({ reviewRequired: true, policy: limited }));
    expect(fold(approved(at(20)))).toBe('quiet');
    expect(into.hot.get(slot())).toMatchObject({ deadline: micros(at(20)), due: micros(at(20)) + 250_000 });
    const due = micros(at(20.25));
    expect([into.due(due, due - 1, 9), into.due(due, due, 9)]).toEqual([[], [slot()]]);
    expect(fold(approved(at(30)))).toBe('loud');
    expect(fold(held)).toBe('quiet');
    expect([into.due(due - 1, 0, 9), into.due(due, 0, 9)]).toEqual([[], [slot()]]);
  });

  test('is loud about an approval of what is in no review that it knows of', () => {
    const stages = { submitted: null, held: null, dispatching: null, review: null, returned: null };
    for (const [reviewRequired, terms] of [
      [true, policy],
      [false, { ...policy, stages }],
    ] as const) {
      const { fold } = partition();
      fold(submitted({ reviewRequired, policy: terms }));
      expect(fold(approved(at(20)))).toBe('loud');
    }
  });

  test('is loud when a slip has more events than are noted', () => {
    const { fold } = partition();
    fold(submitted());
    const folded = Array.from({ length: 7 }, () => fold(acknowledged));
    expect(folded).toEqual([...Array(5).fill('quiet'), 'loud', 'loud']);
  });
});

import { describe, expect, test } from '@jest/globals';
import { instantFromMs, instantToMs } from '@slipstream/kernel';
import type { PendingEvent, SlipEvent } from '@slipstream/slip';
import { v7 } from 'uuid';
import { PartitionLog } from '../../../test/partition-log.ts';
import { at, held, intended, returned, submitted } from '../../../test/story.ts';
import { MarkStore } from '../../adapters/kafka/mark-store.ts';
import { foldQuietly } from '../../adapters/kafka/quiet-fold.ts';
import { emptySnapshot, HotPartition } from '../quiet/hot-partition.ts';
import type { ReturnCurveView } from '../reads.ts';
import { createSlowTeller } from './tell-slow.ts';

const curve: ReturnCurveView = {
  ...{ provider: 'acme', route: 'default', slips: 5_000, fallingSince: null },
  ...{
    p50Ms: 500,
    p90Ms: 1_000,
    p99Ms: 2_000,
    p999Ms: 3_000,
    suggestedDeadlineMs: 3_000,
    notReturnedRate: 0,
  },
};

/** One partition with slips dispatched at second 0, due at second 10. */
function world(more: Partial<ReturnCurveView> = {}) {
  const log = new PartitionLog();
  let hot = new HotPartition(0, emptySnapshot(0));
  const fold = (slipId: string, event: SlipEvent, seconds: number) => {
    log.append({ slipId, event, clock: 'wall', time: at(seconds), receivedTime: at(seconds) });
    const walk = log.at(log.end - 1);
    walk.peek();
    return foldQuietly(walk, hot, true);
  };
  const marks = new MarkStore();
  const told: PendingEvent[] = [];
  const given = { isOurs: true };
  const tell = createSlowTeller({
    ...{ marks, clocks: () => ({ trouble: null, spreadMs: 0 }), curves: async () => [{ ...curve, ...more }] },
    owned: { nextOffsets: () => new Map([[0, log.end]]) },
    quiet: {
      slow: (_, ...rest) => hot.slow(...rest),
      saidSlow: (_, slipIds) => hot.saidSlow(slipIds),
    },
    slowId: (slipId) => `slow ${slipId}`,
    publish: async (_, events) => {
      if (given.isOurs) told.push(...events);
      return given.isOurs;
    },
  });
  return {
    ...{ told, given, fold },
    begin(slipId = v7()) {
      fold(slipId, submitted(), 0);
      fold(slipId, held, 0);
      fold(slipId, intended(), 0);
      return slipId;
    },
    /** All answers up to then were read. */
    async tellAt(seconds: number) {
      marks.note('gateway', 'wall', 0, { time: at(seconds), offset: log.end, closed: false });
      await tell();
    },
    restart() {
      hot = new HotPartition(0, hot.snapshot(log.end, new Map()));
    },
  };
}

describe('a slip that takes longer than 999 of 1,000', () => {
  test('is told once, with what is usual, over a restart too', async () => {
    const { begin, tellAt, told, restart } = world();
    const slipId = begin();
    await tellAt(2.9);
    expect(told).toEqual([]);
    await tellAt(3.1);
    restart();
    await tellAt(4);
    expect(told).toEqual([
      {
        ...{ slipId, partition: 0, clock: 'wall', id: `slow ${slipId}`, receivedAt: null },
        event: {
          type: 'SlipSlow',
          data: { provider: 'acme', route: 'default', dispatchedAt: at(0), usualMs: 3_000, deadline: at(10) },
        },
      },
    ]);
  });

  test('is told again when it could not be, and not when it is known from the log that it was', async () => {
    const { begin, tellAt, told, given, fold } = world();
    const slipId = begin();
    given.isOurs = false;
    await tellAt(4);
    given.isOurs = true;
    await tellAt(5);
    expect(told).toHaveLength(1);
    const other = begin();
    const { event } = told[0]!;
    expect(fold(other, event, 5)).toBe('quiet');
    await tellAt(6);
    expect(told.map((one) => one.slipId)).toEqual([slipId]);
  });

  test('is none that has returned, is not dispatched, or has missed its deadline', async () => {
    const { begin, tellAt, told, fold } = world();
    fold(begin(), returned(), 1);
    fold(v7(), submitted(), 0);
    await tellAt(5);
    begin();
    await tellAt(10);
    expect(told).toEqual([]);
  });

  test.each<[string, Partial<ReturnCurveView>]>([
    ['too few are known', { slips: 999 }],
    ['nothing ever returned', { suggestedDeadlineMs: null }],
    ['all are slow, which is told of the provider', { fallingSince: instantFromMs(instantToMs(at(0))) }],
    ['it is another route', { route: 'other' }],
  ])('is not told when %s', async (_, more) => {
    const { begin, tellAt, told } = world(more);
    begin();
    await tellAt(5);
    expect(told).toEqual([]);
  });

  test('a storm is told in parts', async () => {
    const { begin, tellAt, told } = world();
    for (let i = 0; i < 60; i++) begin();
    await tellAt(5);
    expect(told).toHaveLength(50);
    await tellAt(5.5);
    expect(told).toHaveLength(60);
    expect(new Set(told.map(({ slipId }) => slipId)).size).toBe(60);
  });
});

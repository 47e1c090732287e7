import { describe, expect, test } from '@jest/globals';
import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import type { DataOf, PendingEvent, SlipEvent, StagePolicy } from '@slipstream/slip';
import { v7 } from 'uuid';
import { MemoryStore } from '../../../test/memory-store.ts';
import { PartitionLog } from '../../../test/partition-log.ts';
import {
  acknowledged,
  approved,
  at,
  doubted,
  held,
  intended,
  policy,
  returned,
  submitted,
  told as toldAt,
} from '../../../test/story.ts';
import { MarkStore } from '../../adapters/kafka/mark-store.ts';
import { foldQuietly } from '../../adapters/kafka/quiet-fold.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import { fold as folded } from '../../domain/watch/watched-slip.ts';
import { unchanged } from '../advance.ts';
import { emptySnapshot, HotPartition } from '../quiet/hot-partition.ts';
import { readSlips } from '../quiet/looked-at.ts';
import { createStageTeller } from './tell-late-stages.ts';

const stages: StagePolicy = {
  submitted: { warnMs: 1_000, actMs: 2_000 },
  held: { warnMs: 0, actMs: 3_000 },
  dispatching: { warnMs: 2_000, actMs: 4_000 },
  review: null,
  returned: { warnMs: 1_000, actMs: 0 },
};
const reviewed: StagePolicy = { ...stages, review: { warnMs: 3_000, actMs: 0 } };

/** One partition with slips submitted at second 0, due at second 10. */
function world() {
  const log = new PartitionLog();
  let hot = new HotPartition(0, emptySnapshot(0));
  const fold = (slipId: string, event: SlipEvent, seconds: number) => {
    log.append({ slipId, event, clock: 'wall', time: at(seconds), receivedTime: at(seconds) });
    const walk = log.at(log.end - 1);
    walk.peek();
    expect(foldQuietly(walk, hot, true)).toBe('quiet');
  };
  const marks = new MarkStore();
  const told: PendingEvent[] = [];
  const given = { isOurs: true, stalls: [] as Stall[] };
  const rows = new MemoryStore(at(0));
  const tell = createStageTeller({
    ...{ marks, clocks: () => ({ trouble: null, spreadMs: 0 }), stalls: () => given.stalls },
    owned: {
      nextOffsets: () => new Map([[0, log.end]]),
      inPartition: async (_, work) => {
        if (given.isOurs) await work(rows.unit());
        return given.isOurs;
      },
    },
    lookout: rows.lookout(),
    quiet: {
      lateStages: (_, ...rest) => hot.lateStages(...rest),
      saidLate: (_, late) => {
        for (const { slipId, stage, point } of late) hot.saidLate(hot.find(slipId), stage, point);
      },
    },
    stageLateId: (...about) => about.join(' '),
    publish: async (_, events) => {
      if (given.isOurs) told.push(...events);
      return given.isOurs;
    },
    told: () => {},
  });
  return {
    ...{ told, given, fold, rows },
    begin(more: Partial<DataOf<'SlipSubmitted'>> = {}) {
      const slipId = v7();
      fold(slipId, submitted({ policy: { ...policy, stages }, ...more }), 0);
      return slipId;
    },
    /** All that the gateway and the ledger received up to then was read. */
    async tellAt(seconds: number, ledgerSeconds = seconds) {
      marks.note('gateway', 'wall', 0, { time: at(seconds), offset: log.end, closed: false });
      marks.note('ledger', 'wall', 0, { time: at(ledgerSeconds), offset: log.end, closed: false });
      await tell();
    },
    restart() {
      hot = new HotPartition(0, hot.snapshot(log.end, new Map()));
    },
    /** Something may follow from what was read: it is a row from now on. */
    async lookAt(slipId: string, ...events: readonly SlipEvent[]) {
      const slot = hot.find(slipId);
      const left = new Map([[slipId, hot.left(slot, log.end)]]);
      hot.hot.remove(slot);
      const read = async (_: number, offsets: readonly number[]) =>
        new Map(offsets.map((offset) => [offset, slipEventOf(readEnvelope(log.at(offset).value()!))!]));
      const [slip] = [...(await readSlips({ events: read }, 0, left)).values()];
      const now = events.reduce((known, event, n) => folded(known, toldAt(event, at(n), { slipId })), slip!);
      await rows.unit().save([{ ...unchanged(now), before: null }]);
    },
    said: () =>
      [...told, ...rows.published].map(({ event }) => {
        const { stage, point } = event.data as DataOf<'StageLate'>;
        return `${stage} ${point}`;
      }),
  };
}

describe('a stage that takes too long', () => {
  test('is told once at each point, over a restart too, with the service that should have ended it', async () => {
    const { begin, tellAt, told, said, restart } = world();
    const slipId = begin();
    await tellAt(1);
    expect(said()).toEqual([]);
    await tellAt(1.5);
    restart();
    await tellAt(1.9);
    await tellAt(2.5);
    restart();
    await tellAt(5);
    expect(said()).toEqual(['submitted warn', 'submitted act']);
    expect(told[1]).toEqual({
      ...{ slipId, partition: 0, clock: 'wall', id: `${slipId} submitted act`, receivedAt: null },
      event: {
        type: 'StageLate',
        data: {
          stage: 'submitted',
          point: 'act',
          service: 'ledger',
          since: at(0),
          limitMs: 2_000,
          provider: null,
        },
      },
    });
  });

  test('is followed by the next one, which has limits of its own', async () => {
    const { begin, fold, tellAt, told, said } = world();
    const slipId = begin();
    await tellAt(1.5);
    fold(slipId, held, 2);
    await tellAt(4.9);
    await tellAt(5.1);
    fold(slipId, intended(), 5.5);
    await tellAt(7.6);
    expect(said()).toEqual(['submitted warn', 'held act', 'dispatching warn']);
    expect(told[2]!.event.data).toMatchObject({
      service: 'provider-gateway',
      provider: 'acme',
      since: at(5.5),
    });
    fold(slipId, acknowledged, 8);
    await tellAt(8.9);
    expect(said()).toHaveLength(3);
    await tellAt(9.1);
    await tellAt(9.9);
    expect(said().slice(3)).toEqual(['returned warn']);
    expect(told[3]!.event.data).toMatchObject({
      ...{ service: 'provider-gateway', provider: 'acme', since: at(8), limitMs: 1_000 },
    });
  });

  test('is a review that people let lie, and then the way of what they approved, to its own deadline', async () => {
    const { begin, fold, tellAt, told, said, restart } = world();
    const slipId = begin({ reviewRequired: true, policy: { ...policy, stages: reviewed } });
    await tellAt(2.9);
    expect(said()).toEqual([]);
    await tellAt(3.1);
    restart();
    await tellAt(6);
    expect(said()).toEqual(['review warn']);
    expect(told[0]!.event.data).toMatchObject({ service: 'intake', since: at(0), provider: null });
    fold(slipId, approved(at(20)), 9);
    restart();
    await tellAt(9.9);
    expect(said()).toHaveLength(1);
    await tellAt(10.1);
    restart();
    await tellAt(11.1);
    fold(slipId, held, 12);
    await tellAt(15.1);
    await tellAt(20);
    expect(said().slice(1)).toEqual(['submitted warn', 'submitted act', 'held act']);
  });

  test('is not told of before the service that ends it vouches for that long', async () => {
    const { begin, tellAt, said } = world();
    begin();
    await tellAt(5, 1);
    expect(said()).toEqual([]);
    await tellAt(6, 2.1);
    expect(said()).toEqual(['submitted act']);
  });

  test('may take as much longer as a service of ours stood still', async () => {
    const { begin, tellAt, said, given } = world();
    begin();
    given.stalls = [{ service: 'ledger', from: at(0.5), until: at(3) }];
    await tellAt(3.5);
    expect(said()).toEqual([]);
    await tellAt(3.6);
    expect(said()).toEqual(['submitted warn']);
  });

  test('is told again when it could not be, and not when the log says that it was', async () => {
    const { begin, tellAt, told, given, fold } = world();
    const slipId = begin();
    given.isOurs = false;
    await tellAt(3);
    given.isOurs = true;
    await tellAt(3.1);
    expect(told.map((one) => one.slipId)).toEqual([slipId]);
    const other = begin();
    fold(other, told[0]!.event, 3);
    await tellAt(4);
    expect(told).toHaveLength(1);
  });

  test('is none of a slip without limits, in review, that has returned, or has missed its deadline', async () => {
    const { begin, fold, tellAt, said } = world();
    begin({ policy });
    begin({ reviewRequired: true });
    const back = begin();
    for (const [seconds, event] of [held, intended(), returned()].entries()) fold(back, event, seconds / 10);
    await tellAt(9.9);
    expect(said()).toEqual([]);
    begin();
    await tellAt(10);
    expect(said()).toEqual([]);
  });

  test('is told of slips that are rows, too, and of none again that was told of in memory', async () => {
    const { begin, fold, tellAt, rows, said, lookAt, given } = world();
    const slipId = begin();
    await tellAt(1.5);
    expect(said()).toEqual(['submitted warn']);
    await lookAt(slipId);
    await tellAt(1.9);
    expect(said()).toHaveLength(1);
    given.isOurs = false;
    await tellAt(2.5);
    expect(rows.published).toEqual([]);
    given.isOurs = true;
    await tellAt(2.5);
    await tellAt(2.6);
    expect(said()).toEqual(['submitted warn', 'submitted act']);
    expect(rows.published[0]).toMatchObject({
      ...{ slipId, id: `${slipId} submitted act` },
      event: { data: { service: 'ledger', since: at(0), limitMs: 2_000, provider: null } },
    });
    const odd = begin();
    for (const [seconds, event] of [held, intended()].entries()) fold(odd, event, seconds);
    await lookAt(odd, doubted());
    await tellAt(2.9, 1);
    expect(said().slice(2)).toEqual(['returned warn']);
    expect(rows.published[1]!.event.data).toMatchObject({ service: 'provider-gateway', provider: 'acme' });
  });

  test('of rows is excused by our own stalls, and keeps no other row waiting meanwhile', async () => {
    const { begin, tellAt, rows, given, lookAt, fold } = world();
    const waiting = [];
    for (let n = 0; n < 60; n++) waiting.push(begin());
    for (const slipId of waiting) await lookAt(slipId);
    const held3 = begin();
    fold(held3, held, 0.1);
    await lookAt(held3);
    given.stalls = [{ service: 'intake', from: at(0), until: at(3) }];
    for (let round = 0; round < 2; round++) await tellAt(3.5);
    expect(rows.published.map((one) => one.slipId)).toEqual([held3]);
    for (let round = 0; round < 4; round++) await tellAt(4.5);
    expect(new Set(rows.published.map((one) => one.slipId)).size).toBe(61);
    expect(rows.published).toHaveLength(61);
  });

  test('of many slips is told in parts', async () => {
    const { begin, tellAt, told } = world();
    for (let i = 0; i < 60; i++) begin();
    await tellAt(3);
    expect(told).toHaveLength(50);
    await tellAt(3.1);
    expect(new Set(told.map(({ slipId }) => slipId)).size).toBe(60);
  });
});

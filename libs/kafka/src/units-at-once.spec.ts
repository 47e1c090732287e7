import { expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import type { PartitionPosition, Span, Subscription, UnitHandler } from './ports.ts';
import type { GrowingSpan } from './span.ts';
import { MemoryStore, type MemoryTx } from './test-support/memory-store.ts';
import { type LanePartition, UnitLane } from './unit-lane.ts';
import type { UnitQueue } from './unit-queue.ts';

const recordsMax = 10;

interface Partition extends Omit<LanePartition, 'queue'> {
  waiting: number;
  /** Committed up to here. */
  done: number;
  failures: number;
  readonly queue: Pick<UnitQueue, 'planned'> & {
    position: PartitionPosition;
    grow(handler: unknown, span: GrowingSpan, recordsMax: number): 'more' | 'empty';
  };
}

interface Commit {
  readonly partitions: readonly number[];
  readonly records: number;
  end(error?: Error): void;
}

/** Partitions whose records have no content, and a store whose commits end when they are told to. */
async function rig(partitionCount: number, unitsAtOnce: number) {
  const store = new MemoryStore();
  const commits: Commit[] = [];
  const partitions = await Promise.all(
    Array.from({ length: partitionCount }, async (_, partition) => {
      const position = await store.claim('group', 'topic', partition, null);
      const one: Partition = {
        ...{ partition, waiting: 0, done: 0, failures: 0 },
        ...{ waitingBytes: 0, isAlone: false, isOdd: false, odd() {} },
        queue: {
          position: { ...position, nextOffset: 0 },
          grow(_: unknown, span: GrowingSpan, most: number) {
            const taken = Math.min(one.waiting, most, 4);
            one.waiting -= taken;
            span.nextOffset += taken;
            span.records += taken;
            return one.waiting > 0 ? 'more' : 'empty';
          },
          planned(span: GrowingSpan) {
            one.queue.position = span.after();
          },
        },
        get canJoin() {
          return one.waiting > 0;
        },
        committed(span: GrowingSpan) {
          // In their order, and none twice.
          expect(span.position.nextOffset).toBe(one.done);
          one.done = span.nextOffset;
        },
        failed() {
          one.failures += 1;
        },
      };
      return one;
    }),
  );
  const handler: UnitHandler<MemoryTx> = {
    ...{ unitsAtOnce, open: async () => {}, close() {}, begin() {}, take: () => true },
    unit: (spans: readonly Span[]) => ({
      write: () =>
        new Promise<void>((resolve, reject) => {
          const commit: Commit = {
            partitions: spans.map(({ position }) => position.partition),
            records: spans.reduce((sum, { records }) => sum + records, 0),
            end(error) {
              commits.splice(commits.indexOf(commit), 1);
              if (error) reject(error);
              else resolve();
            },
          };
          commits.push(commit);
        }),
    }),
  };
  const commitUnit = async (_: unknown, work: (tx: MemoryTx) => Promise<void>) => work({} as MemoryTx);
  const lane = new UnitLane<MemoryTx>({
    store: Object.assign(store, { commitUnit }) as never,
    subscription: { topic: 'topic' } as Subscription<MemoryTx>,
    ...{ handler, metrics: {}, unitRecordsMax: recordsMax, waitingBytesMax: 1_000_000 },
  });
  for (const one of partitions) lane.join(one as unknown as LanePartition);
  lane.start();
  const come = (partition: number, records: number) => {
    partitions[partition]!.waiting += records;
    lane.wake();
  };
  return { commits, partitions, come, lane };
}

const aWhile = () => new Promise((resolve) => setTimeout(resolve, 2));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await aWhile();
}

test('full units of different partitions are committed at once, and no more than may be', async () => {
  const { commits, come, lane } = await rig(4, 2);
  for (let partition = 0; partition < 4; partition++) come(partition, recordsMax);
  await until(() => commits.length === 2);
  await aWhile();
  expect(commits.map(({ partitions, records }) => ({ partitions, records }))).toEqual([
    { partitions: [0], records: recordsMax },
    { partitions: [1], records: recordsMax },
  ]);
  commits[1]!.end();
  await until(() => commits.length === 2);
  expect(commits.map(({ partitions }) => partitions)).toEqual([[0], [2]]);
  while (commits.length > 0) commits[0]!.end();
  await until(() => commits.length === 1);
  commits[0]!.end();
  await lane.stop();
});

test('what comes for a partition under way waits until that has ended, however many may be', async () => {
  const { commits, partitions, come, lane } = await rig(2, 2);
  come(0, 3);
  await until(() => commits.length === 1);
  come(0, recordsMax);
  await aWhile();
  expect(commits).toHaveLength(1);
  come(1, recordsMax);
  await until(() => commits.length === 2);
  expect(partitions[0]!.waiting).toBe(recordsMax);
  commits[0]!.end();
  await until(() => partitions[0]!.waiting === 0 && commits.length === 2);
  while (commits.length > 0) commits[0]!.end();
  await lane.stop();
});

test('what failed takes nothing with it that is under way or waits for its turn', async () => {
  const { commits, partitions, come, lane } = await rig(3, 2);
  for (let partition = 0; partition < 3; partition++) come(partition, recordsMax);
  await until(() => commits.length === 2);
  commits[0]!.end(new Error('lost'));
  await until(() => commits.length === 2);
  while (commits.length > 0) commits[0]!.end();
  await until(() => partitions[2]!.done === recordsMax);
  expect(partitions.map(({ done, failures }) => [done, failures])).toEqual([
    [0, 1],
    [recordsMax, 0],
    [recordsMax, 0],
  ]);
  await lane.stop();
});

test.each([1, 2, 3])(
  '%s at once: whatever comes is committed once, in order, each partition in one unit at a time',
  async (unitsAtOnce) => {
    const seed = Number(process.env.SEED ?? 20261126);
    console.log(`seed ${seed}`);
    const random = seededRandom(seed + unitsAtOnce);
    const { commits, partitions, come, lane } = await rig(5, unitsAtOnce);
    const sent = [0, 0, 0, 0, 0];
    for (let n = 0; n < 300; n++) {
      const partition = random.integer(0, 4);
      const records = random.integer(1, 12);
      sent[partition]! += records;
      come(partition, records);
      if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
      expect(commits.length).toBeLessThanOrEqual(unitsAtOnce);
      const underWay = commits.flatMap((commit) => commit.partitions);
      expect(new Set(underWay).size).toBe(underWay.length);
      if (commits.length > 0 && random.chance(0.5)) random.pick(commits).end();
    }
    while (partitions.some(({ done }, index) => done < sent[index]!)) {
      for (const commit of [...commits]) commit.end();
      await aWhile();
    }
    expect(partitions.map(({ done }) => done)).toEqual(sent);
    await lane.stop();
  },
);

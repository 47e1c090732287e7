import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Span, Subscription, UnitHandler } from './ports.ts';
import { GrowingSpan } from './span.ts';
import { MemoryStore, type MemoryTx } from './test-support/memory-store.ts';
import { type LanePartition, UnitLane } from './unit-lane.ts';
import type { UnitQueue } from './unit-queue.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

/** One partition whose records have no content. */
async function started(isAwaited: () => boolean, patienceMs = 0, writeMs = 0) {
  const store = new MemoryStore();
  const position = await store.claim('group', 'topic', 0, null);
  const queue = {
    position: { ...position, nextOffset: 0 },
    grow: (_: unknown, span: GrowingSpan) => {
      span.nextOffset += waiting;
      span.records += waiting;
      waiting = 0;
      return 'empty' as const;
    },
    planned(span: GrowingSpan) {
      queue.position = span.after();
    },
  };
  const partition = {
    ...{ partition: 0, queue: queue as unknown as UnitQueue, waitingBytes: 0, isAlone: false, isOdd: false },
    get canJoin() {
      return waiting > 0;
    },
    odd() {},
    committed() {},
    failed(error: unknown) {
      throw error;
    },
  } as LanePartition;
  const units: number[] = [];
  const handler: UnitHandler<MemoryTx> = {
    open: async () => {},
    close() {},
    begin() {},
    take: () => true,
    ...{ isAwaited, patienceMs },
    unit: (spans: readonly Span[]) => ({
      write: async () => {
        units.push(spans.reduce((sum, { records }) => sum + records, 0));
        if (writeMs > 0) await new Promise((resolve) => setTimeout(resolve, writeMs));
      },
    }),
  };
  const commitUnit = async (_: unknown, work: (tx: MemoryTx) => Promise<void>) => work({} as MemoryTx);
  const lane = new UnitLane<MemoryTx>({
    store: Object.assign(store, { commitUnit }) as never,
    subscription: { topic: 'topic' } as Subscription<MemoryTx>,
    ...{ handler, metrics: {}, unitRecordsMax: 1_000, waitingBytesMax: 1_000_000 },
  });
  let waiting = 0;
  lane.join(partition);
  lane.start();
  const come = (records: number) => {
    waiting += records;
    lane.wake();
  };
  const passed = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  return { units, come, passed, lane, partition };
}

test('the first record is handled at once; those that trickle in after it, together', async () => {
  const { units, come, passed, lane } = await started(() => true);
  come(1);
  await passed(0);
  expect(units).toEqual([1]);
  for (let n = 0; n < 5; n++) {
    come(1);
    await passed(1);
  }
  expect(units).toEqual([1]);
  await passed(20);
  expect(units).toEqual([1, 5]);
  await passed(100);
  come(1);
  await passed(0);
  expect(units).toEqual([1, 5, 1]);
  await lane.stop();
});

test('the longer a unit takes, the more the next waits to take with it', async () => {
  const { units, come, passed, lane } = await started(() => true, 0, 15);
  come(1);
  await passed(16);
  come(1);
  await passed(28);
  expect(units).toEqual([1]);
  await passed(2);
  expect(units).toEqual([1, 1]);
  await passed(20);
  await lane.stop();
});

test('what nobody waits for is written a little later, or with what somebody waits for', async () => {
  let isAwaited = false;
  const { units, come, passed, lane } = await started(() => isAwaited);
  come(1);
  await passed(0);
  come(1);
  await passed(50);
  expect(units).toEqual([1]);
  await passed(15);
  expect(units).toEqual([1, 1]);
  come(1);
  await passed(20);
  isAwaited = true;
  come(1);
  await passed(0);
  expect(units).toEqual([1, 1, 2]);
  await lane.stop();
});

test('a handler with patience has even the first wait, from when it came, unless somebody waits', async () => {
  let isAwaited = false;
  const { units, come, passed, lane } = await started(() => isAwaited, 100);
  come(1);
  await passed(95);
  expect(units).toEqual([]);
  come(1);
  await passed(10);
  expect(units).toEqual([2]);
  await passed(500);
  come(1);
  await passed(50);
  isAwaited = true;
  come(1);
  await passed(0);
  expect(units).toEqual([2, 2]);
  await lane.stop();
});

test('a full unit waits for nothing, and whoever needs the partition free waits for no pause', async () => {
  const { units, come, passed, lane, partition } = await started(() => false);
  come(1);
  await passed(0);
  come(1_000);
  await passed(0);
  expect(units).toEqual([1, 1_000]);
  come(1);
  await passed(1);
  const settled = lane.settled(partition);
  await passed(1);
  await settled;
  expect(units).toEqual([1, 1_000, 1]);
  await lane.stop();
});

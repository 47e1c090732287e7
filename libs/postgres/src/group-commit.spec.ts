import { afterEach, expect, jest, test } from '@jest/globals';
import { GroupCommit } from './group-commit.ts';

afterEach(() => void jest.useRealTimers());

const options = { batchSizeMax: 3, waitingMax: 5, onFull: () => new Error('full') };

test('what arrives during a flush shares the next one, and everybody gets their own result', async () => {
  const batches: number[][] = [];
  const group = new GroupCommit<number, number>(async (items) => {
    batches.push([...items]);
    return items.map((item) => item * 10);
  }, options);
  expect(await Promise.all([1, 2, 3, 4].map((item) => group.submit(item)))).toEqual([10, 20, 30, 40]);
  expect(batches).toEqual([[1, 2, 3], [4]]);
});

test('a failed flush fails its own batch only', async () => {
  let calls = 0;
  const group = new GroupCommit<number, number>(async (items) => {
    if (++calls === 1) throw new Error('boom');
    return [...items];
  }, options);
  const results = await Promise.allSettled([1, 2, 3, 4].map((item) => group.submit(item)));
  expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
});

test('refuses more than it may hold', async () => {
  const group = new GroupCommit<number, number>(async (items) => [...items], options);
  const results = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((item) => group.submit(item)));
  expect(results.at(-1)).toMatchObject({
    status: 'rejected',
    reason: expect.objectContaining({ message: 'full' }),
  });
});

test('with a pause the first is flushed at once, and what comes within it together', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const batches: number[][] = [];
  const flush = async (items: readonly number[]) => {
    batches.push([...items]);
    return [...items];
  };
  const group = new GroupCommit<number, number>(flush, { ...options, pauseMs: 10 });
  expect(await group.submit(1)).toBe(1);
  const later = [2, 3].map((item) => group.submit(item));
  await jest.advanceTimersByTimeAsync(9);
  expect(batches).toEqual([[1]]);
  await jest.advanceTimersByTimeAsync(1);
  expect(await Promise.all(later)).toEqual([2, 3]);
  expect(batches).toEqual([[1], [2, 3]]);
  await jest.advanceTimersByTimeAsync(10);
  expect(await group.submit(4)).toBe(4);
  expect(batches).toEqual([[1], [2, 3], [4]]);
});

test('tells how long the next one waits: by what flushes took, and by how long this one takes already', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const ends: (() => void)[] = [];
  const flush = (items: readonly number[]) =>
    new Promise<number[]>((resolve) => ends.push(() => resolve([...items])));
  const group = new GroupCommit<number, number>(flush, { ...options, waitingMax: 100 });
  const begin = (items: number) => Array.from({ length: items }, (_, item) => group.submit(item));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const end = async (ms: number) => {
    await jest.advanceTimersByTimeAsync(ms);
    ends.shift()!();
    // Its end is told in the first, the next begins in the second.
    await turn();
    await turn();
  };
  expect(group.expectedWaitMs).toBe(0);
  const all = [...begin(1)];
  await turn();
  for (let i = 0; i < 40; i++) {
    all.push(...begin(1));
    await end(100);
  }
  // One runs, as long as all before it.
  expect(Math.round(group.expectedWaitMs)).toBe(100);
  await jest.advanceTimersByTimeAsync(40);
  expect(Math.round(group.expectedWaitMs)).toBe(60);
  all.push(...begin(2));
  expect(Math.round(group.expectedWaitMs)).toBe(60);
  all.push(...begin(5));
  expect(Math.round(group.expectedWaitMs)).toBe(260);
  // It hangs: nobody knows for how long.
  await jest.advanceTimersByTimeAsync(960);
  expect(Math.round(group.expectedWaitMs)).toBe(3_000);
  while (ends.length > 0) await end(0);
  await Promise.all(all);
  expect(group.expectedWaitMs).toBe(0);
});

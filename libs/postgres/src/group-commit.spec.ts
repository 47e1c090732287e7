import { expect, test } from '@jest/globals';
import { GroupCommit } from './group-commit.ts';

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

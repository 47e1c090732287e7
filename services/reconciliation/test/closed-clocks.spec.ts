import { expect, test } from '@jest/globals';
import { MarkStore } from '../src/adapters/kafka/mark-store.ts';
import { createDetector } from '../src/application/detect.ts';
import { noBudget } from '../src/domain/repair/budget.ts';
import { MemoryStore } from './memory-store.ts';
import { at, storyMeans } from './story.ts';

test('thousands of imports that end at once take a few transactions, and keep no round for themselves', async () => {
  const store = new MemoryStore(at(100));
  const marks = new MarkStore();
  const clocks = Array.from({ length: 1_200 }, (_, n) => `import-${n}`);
  for (const clock of clocks) {
    for (const owner of ['intake', 'gateway', 'ledger'] as const)
      marks.note(owner, clock, 0, { time: at(50), offset: 1, closed: true });
  }
  const transactions: number[] = [];
  let rounds = 0;
  const detect = createDetector({
    ...{ marks, means: () => storyMeans, budget: noBudget, lookout: store.lookout() },
    owned: {
      nextOffsets: () => new Map([[0, 1]]),
      inPartition: async (_, work) => {
        transactions[rounds] = (transactions[rounds] ?? 0) + 1;
        await work(store.unit());
        return true;
      },
    },
    clocks: () => ({ trouble: null, spreadMs: 0 }),
    monotonicMs: () => 0,
  });
  for (; rounds < 4; rounds++) await detect();
  expect(transactions).toEqual([1, 1, 1]);
  const ranges = clocks.map((clock) => ({
    ...{ partition: 0, clock, through: at(50), holdsThrough: at(50), closed: true },
  }));
  expect(await store.lookout().concluded(ranges)).toHaveLength(1_200);
});

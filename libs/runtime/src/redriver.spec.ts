import { expect, test } from '@jest/globals';
import type { RedriveQueue } from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { Redriver } from './redriver.ts';

test('a redriver that is alone asks the database when something was decided here, or a partition came', async () => {
  let [rounds, asked, isAlone] = [0, 0, true];
  const partitions = new Map([[0, {}]]);
  const consumer = {
    subscription: { group: 'g', topic: 't' },
    positions: () => {
      rounds++;
      return partitions;
    },
  };
  const queue = {
    queueTooNew: async () => 0,
    next: async () => {
      asked++;
      return [];
    },
  } as unknown as RedriveQueue;
  const redriver = new Redriver({
    consumers: () => [consumer as never],
    queue,
    store: { classify: () => 'unknown' } as never,
    newId: () => 'id',
    log: () => {},
    onError: (error) => {
      throw error;
    },
    everyMs: 1,
    isAlone: () => isAlone,
  });
  const manyRounds = async () => {
    const from = rounds;
    await waitFor(() => rounds > from + 20, { what: 'rounds' });
  };
  await redriver.start();
  await manyRounds();
  expect(asked).toBe(1);
  redriver.wake();
  await manyRounds();
  expect(asked).toBe(2);
  partitions.set(1, {});
  await manyRounds();
  expect(asked).toBe(3);
  isAlone = false;
  await waitFor(() => asked > 10, { what: 'it asks again and again beside another instance' });
  await redriver.stop();
});

import { expect, test } from '@jest/globals';
import { intakeStore } from './intake-store.ts';

const now = '2026-11-26T12:00:00.000000Z';

test('a batch that is never judged in time is refused for now: nothing was done, and it may come again', async () => {
  let tries = 0;
  const unitOfWork = {
    query: async () => [{ now }] as never,
    append: async () => {
      tries++;
      return [{ place: '0', outcome: 'again', event_at: now }] as never;
    },
  };
  const store = intakeStore(unitOfWork, () => {
    throw new Error('nothing is accepted here');
  });
  await expect(store.settle(() => [])).rejects.toMatchObject({ code: 'unavailable' });
  expect(tries).toBe(5);
});

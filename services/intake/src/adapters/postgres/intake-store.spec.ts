import { expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import { DatabaseClock } from './database-clock.ts';
import { intakeStore } from './intake-store.ts';
import * as sql from './statements.ts';

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

test('where statements and their answers are long on their way, each batch is tried once', async () => {
  const judgedAt = sql.judgedColumns.parameters([]).length + 2;
  const world = { ms: 0, offMs: 0, there: 1, back: 1, tries: 0 };
  const time = () => addMs(now, world.ms + world.offMs);
  const unitOfWork = {
    query: async () => [{ now: time() }] as never,
    append: async (_: unknown, __: string, parameters: unknown[]) => {
      world.tries++;
      world.ms += world.there;
      const judged = parameters[judgedAt] as Instant;
      // As `submit_slips` does.
      const isAgain = judged > time() || judged < addMs(time(), -500);
      const rows = [{ place: '0', outcome: isAgain ? 'again' : 'done', event_at: time() }];
      world.ms += world.back;
      return rows as never;
    },
  };
  const store = intakeStore(
    unitOfWork,
    () => {
      throw new Error('nothing is accepted here');
    },
    new DatabaseClock(() => world.ms),
  );
  const settle = async () => {
    world.tries = 0;
    await store.settle(() => []);
    return world.tries;
  };
  expect(await settle()).toBe(1);
  Object.assign(world, { there: 200, back: 400 });
  expect([await settle(), await settle(), await settle()]).toEqual([1, 1, 1]);
  // A clock that was set back is seen once.
  Object.assign(world, { offMs: -3_000, there: 1, back: 1 });
  expect([await settle(), await settle()]).toEqual([2, 1]);
});

import { expect, test } from '@jest/globals';
import { instantFromMs } from '@slipstream/kernel';
import { DatabaseTime } from './database-time.ts';

const noon = Date.parse('2026-11-22T12:00:00Z');
const hour = 3_600_000;

test('is what the database said and what has passed since, however far the process is off', () => {
  let monotonicMs = 5_000;
  const time = new DatabaseTime(
    () => monotonicMs,
    () => noon + hour,
  );
  // Nobody knows better yet.
  expect(time.nowMs()).toBe(noon + hour);
  time.hear(instantFromMs(noon));
  monotonicMs += 700;
  expect(time.nowMs()).toBe(noon + 700);
  // Its clock was set back: what it says last counts.
  time.hear(instantFromMs(noon - 2_000));
  expect(time.nowMs()).toBe(noon - 2_000);
});

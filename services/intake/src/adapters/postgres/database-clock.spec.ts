import { expect, test } from '@jest/globals';
import { DatabaseClock } from './database-clock.ts';

test('a reading is carried on, somewhat behind, and not for ever', () => {
  let ms = 500;
  const clock = new DatabaseClock(() => ms);
  expect(clock.now).toBeNull();
  clock.heard('2026-11-22T10:39:00.000007Z');
  expect(clock.now).toBe('2026-11-22T10:39:00.000007Z');
  ms += 2_000;
  expect(clock.now).toBe('2026-11-22T10:39:01.998007Z');
  ms += 58_001;
  expect(clock.now).toBeNull();
});

test('a reading that was long on its way takes nothing from what is known, unless the clock is another', () => {
  let ms = 0;
  const clock = new DatabaseClock(() => ms);
  clock.heard('2026-11-22T10:39:00.000000Z');
  ms = 1_000;
  clock.heard('2026-11-22T10:39:00.400000Z');
  expect(clock.now).toBe('2026-11-22T10:39:00.999000Z');
  clock.heard('2026-11-22T10:39:01.000000Z');
  expect(clock.now).toBe('2026-11-22T10:39:01.000000Z');
  clock.becomes('2026-11-22T10:38:00.000000Z');
  expect(clock.now).toBe('2026-11-22T10:38:00.000000Z');
});

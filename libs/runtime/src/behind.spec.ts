import { expect, test } from '@jest/globals';
import { Behind } from './behind.ts';

test('a service is as far behind as the partition whose records lay longest, as far as it handles any', () => {
  const world = { ms: 10_000 };
  const behind = new Behind({ nowMs: () => world.ms, monotonicMs: () => world.ms });
  expect(behind.ms).toBe(0);
  behind.handled(0, 7_000);
  behind.handled(1, 9_500);
  expect(behind.ms).toBe(3_000);
  behind.handled(0, 9_900);
  expect(behind.ms).toBe(500);
  world.ms += 2_000;
  expect(behind.ms).toBe(500);
  world.ms += 1;
  expect(behind.ms).toBe(0);
});

test('a record from a clock that is ahead was handled at once', () => {
  const behind = new Behind({ nowMs: () => 0, monotonicMs: () => 0 });
  behind.handled(0, 5);
  expect(behind.ms).toBe(0);
});

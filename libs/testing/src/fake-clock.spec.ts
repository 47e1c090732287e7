import { describe, expect, test } from '@jest/globals';
import { fakeClock } from './fake-clock.ts';

describe('a fake clock', () => {
  test('moves only when told', () => {
    const clock = fakeClock('2026-11-22T10:00:00.000000Z');
    clock.advanceMs(1_500);
    expect(clock.now()).toBe('2026-11-22T10:00:01.500000Z');
    expect(clock.monotonicMs()).toBe(1_500);
  });

  test('a step back moves the time of day and not the monotonic reading', () => {
    const clock = fakeClock('2026-11-22T10:00:00.000000Z');
    clock.stepMs(-1_000);
    expect(clock.now()).toBe('2026-11-22T09:59:59.000000Z');
    expect(clock.monotonicMs()).toBe(0);
    expect(() => clock.advanceMs(-1)).toThrow(RangeError);
  });
});

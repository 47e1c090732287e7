import { describe, expect, test } from '@jest/globals';
import { pointPassed, type StallMs } from './late-stage.ts';

const limits = { warnMs: 2_000, actMs: 5_000 };
const stall = (service: StallMs['service'], from: number, until: number): StallMs => ({
  service,
  from,
  until,
});

describe('a stage that began at 0', () => {
  test.each([
    [2_000, null],
    [2_001, 'warn'],
    [5_000, 'warn'],
    [5_001, 'act'],
  ])('has come, after %i ms, to %s', (now, point) => {
    expect(pointPassed('held', limits, { since: 0, now }, [])).toBe(point);
  });

  test('is not warned of where there is no warning', () => {
    const quiet = { ...limits, warnMs: 0 };
    expect(pointPassed('held', quiet, { since: 0, now: 5_000 }, [])).toBeNull();
    expect(pointPassed('held', quiet, { since: 0, now: 5_001 }, [])).toBe('act');
  });

  test('is warned of alone where something else ends it', () => {
    const warning = { warnMs: 2_000, actMs: 0 };
    expect(pointPassed('returned', warning, { since: 0, now: 2_000 }, [])).toBeNull();
    expect(pointPassed('returned', warning, { since: 0, now: 9_000 }, [])).toBe('warn');
    expect(pointPassed('review', { warnMs: 0, actMs: 0 }, { since: 0, now: 9_000 }, [])).toBeNull();
  });

  test.each<[string, readonly StallMs[], number]>([
    ['one that it goes through', [stall('gateway', 1_000, 4_000)], 3_000],
    ['two of them at once', [stall('ledger', 1_000, 3_000), stall('gateway', 2_000, 4_000)], 3_000],
    ['one that began before it', [stall('ledger', -9_000, 1_000)], 1_000],
    ['one that it does not go through', [stall('intake', 1_000, 4_000)], 0],
    ['one that was over before', [stall('gateway', -5_000, 0)], 0],
  ])('may take so much longer beside the stall of %s', (_, stalls, lost) => {
    const of = (now: number) => pointPassed('held', limits, { since: 0, now }, stalls);
    expect(of(5_000 + lost)).toBe('warn');
    expect(of(5_001 + lost)).toBe('act');
  });
});

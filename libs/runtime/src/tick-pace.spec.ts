import { describe, expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import {
  busyMs,
  heartbeatMs,
  nextTick,
  type PaceInput,
  silentMs,
  startPace,
  tickMs,
  waitedLongTickMs,
} from './tick-pace.ts';

const t0: Instant = '2026-11-22T10:00:00.000000Z';
const input = (more: Partial<PaceInput> = {}): PaceInput => ({
  ...{ awaited: null, open: true, importing: false, vouched: t0, now: t0, monotonicMs: 0 },
  ...more,
});
const inMs = (more: Partial<PaceInput>) => nextTick(startPace, input(more)).inMs;

describe('a tick comes', () => {
  test('seldom while nobody waits, whatever is open', () => {
    expect(inMs({})).toBe(heartbeatMs);
    expect(inMs({ awaited: addMs(t0, 60_000) })).toBe(heartbeatMs);
  });

  test('every second while a time that somebody waits for is near: whoever stands still then is missed soon', () => {
    expect(inMs({ awaited: addMs(t0, 30_000) })).toBe(heartbeatMs);
    expect(inMs({ awaited: addMs(t0, 29_999) })).toBe(busyMs);
  });

  test('when a time comes that somebody waits for, then often until it is vouched for', () => {
    const awaited = addMs(t0, 300);
    expect(inMs({ awaited })).toBe(301);
    expect(inMs({ awaited, now: awaited, vouched: t0 })).toBe(tickMs);
    expect(inMs({ awaited, now: awaited, vouched: null })).toBe(tickMs);
    expect(inMs({ awaited, now: addMs(awaited, 5), vouched: awaited })).toBe(heartbeatMs);
  });

  test('often for a while after a wait: deadlines come in crowds', () => {
    const { pace } = nextTick(startPace, input({ awaited: t0, vouched: null }));
    expect(nextTick(pace, input({ monotonicMs: 999 })).inMs).toBe(tickMs);
    expect(nextTick(pace, input({ monotonicMs: 1_000 })).inMs).toBe(heartbeatMs);
  });

  test('less often when a wait has no end', () => {
    const waiting = (monotonicMs: number) => input({ awaited: t0, vouched: null, monotonicMs });
    const { pace } = nextTick(startPace, waiting(0));
    expect(nextTick(pace, waiting(1_999)).inMs).toBe(tickMs);
    expect(nextTick(pace, waiting(2_000)).inMs).toBe(waitedLongTickMs);
    expect(nextTick(pace, { ...waiting(60_000), awaited: addMs(t0, -1) }).inMs).toBe(tickMs);
  });

  test('as after a long wait while something is open, when nobody says what he waits for', () => {
    expect(inMs({ awaited: undefined })).toBe(waitedLongTickMs);
    expect(inMs({ awaited: undefined, open: false })).toBe(busyMs);
  });

  test('often while an import goes on', () => {
    expect(inMs({ importing: true })).toBe(tickMs);
  });
});

describe('a tick tells how long nothing was said', () => {
  const told = { reading: t0, nextInMs: 1_000 };
  test.each([
    ['that came when it was due', 1_000, 0],
    ['that came two seconds late: a busy machine', 3_000, 0],
    ['that came later', 3_001, 3_001],
    ['that came after days, but not for how many', 100 * 3_600_000, 24 * 3_600_000],
  ])('one %s', (_, afterMs, ms) => {
    expect(silentMs(told, addMs(t0, afterMs))).toBe(ms);
  });
});

import { describe, expect, test } from '@jest/globals';
import { happenings, isMissing, missingBy, shapeOf, steadyFrom } from './slip-stream.ts';

const open = 500;
const all = [...happenings(shapeOf(open, 3_000, true))];
const life = ['SlipSubmitted', 'FundsHeld', 'DispatchIntended', 'SlipAcknowledged'];

describe('the stream that services and peers are measured with', () => {
  test('is told in the order of its times', () => {
    const times = all.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('tells each life to its end, but of those that never return', () => {
    const steps = Map.groupBy(all, ({ slip }) => slip);
    expect(steps.size).toBe(3_000);
    const ends = [...life, 'SlipReturned', 'SlipSettled'];
    const strange = [...steps].filter(([slip, told]) => {
      const expected = isMissing(slip) ? life : ends;
      return told.map(({ step }) => step).join() !== expected.join();
    });
    expect(strange).toEqual([]);
  });

  test('has returns before the deadline only, so that the missing ones alone are to be found', () => {
    const shape = shapeOf(open, 3_000, true);
    const submitted = new Map<number, number>();
    let longestMs = 0;
    for (const { slip, step, atMs } of all) {
      if (step === 'SlipSubmitted') submitted.set(slip, atMs);
      if (step === 'SlipReturned') longestMs = Math.max(longestMs, atMs - submitted.get(slip)!);
    }
    expect(longestMs).toBeLessThan(shape.deadlineMs);
    const missing = missingBy(shape, Number.POSITIVE_INFINITY);
    expect([...missing].every(isMissing)).toBe(true);
    expect(missing.size).toBeGreaterThan(10);
  });

  test('says of a time which slips are due by then', () => {
    const shape = shapeOf(open, 3_000, false);
    const [first, second] = [...missingBy(shape, Number.POSITIVE_INFINITY)];
    const dueMs = Math.floor((second! * 1_000) / shape.perSecond) + shape.deadlineMs;
    expect([...missingBy(shape, dueMs)]).toEqual([first, second]);
    expect([...missingBy(shape, dueMs - 1)]).toEqual([first]);
  });

  test('has as many slips open at a time as it was asked for', () => {
    const counts: number[] = [];
    let isOpen = 0;
    for (const { slip, step } of happenings(shapeOf(open, 3_000, false))) {
      if (step === 'SlipSubmitted' && !isMissing(slip)) isOpen += 1;
      if (step === 'SlipSettled') isOpen -= 1;
      if (step === 'SlipSubmitted' && slip >= steadyFrom(open)) counts.push(isOpen);
    }
    expect(Math.min(...counts)).toBeGreaterThan(open * 0.9);
    expect(Math.max(...counts)).toBeLessThan(open * 1.15);
  });

  test('cannot have lives that end before they were called for', () => {
    expect(() => shapeOf(100, 1_000, true)).toThrow('too few');
  });
});

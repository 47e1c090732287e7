import { expect, test } from '@jest/globals';
import { type CallEnd, circuitOver, type LoggedCall } from './circuit.ts';

const window = { failedShare: 0.5, calls: 50, callsMin: 20 };

/** One call a second, each of a tenth of one. */
function calls(...ends: readonly (readonly [CallEnd, number])[]): LoggedCall[] {
  const all = ends.flatMap(([end, times]) => Array.from({ length: times }, () => end));
  return all.map((end, n) => ({ startMs: n * 1_000, endMs: n * 1_000 + 100, end }));
}
const over = (log: readonly LoggedCall[], openMs: number) =>
  circuitOver(log, window, openMs, log.length * 1_000);

test.each<[string, readonly (readonly [CallEnd, number])[], number]>([
  [
    'half of the last calls failed, and no more',
    [
      ['failed', 10],
      ['answered', 40],
    ],
    0,
  ],
  ['too few were made', [['failed', 19]], 0],
  ['all of the first twenty failed', [['failed', 20]], 1],
  [
    'more than half of the last fifty failed',
    [
      ['answered', 50],
      ['failed', 26],
    ],
    1,
  ],
  [
    'just half of them did',
    [
      ['answered', 50],
      ['failed', 25],
    ],
    0,
  ],
  ['nobody heard of any', [['untold', 40]], 0],
])('where %s: opened %#', (_, ends, opened) => {
  expect(over(calls(...ends), 1_000_000)).toMatchObject({ opened });
});

test('one call tries it again, and closes or opens it', () => {
  // The 20th call ends at 19.1 s: those of 20 to 24 s are kept back, that of 25 s fails, that of 31 s does not.
  const log = calls(['failed', 31], ['answered', 29]);
  expect(over(log, 5_000)).toEqual({
    ...{ opened: 2, openMs: 31_100 - 19_100, refused: 10, refusedMade: 10, assumed: 0 },
  });
});

test('the longer it stays open the more is kept back, and the later it closes', () => {
  const log = calls(['failed', 20], ['refused', 5], ['failed', 1], ['refused', 5], ['answered', 30]);
  expect(over(log, 5_000)).toEqual({ opened: 2, openMs: 12_000, refused: 10, refusedMade: 0, assumed: 0 });
  expect(over(log, 20_000)).toEqual({ opened: 1, openMs: 21_000, refused: 20, refusedMade: 10, assumed: 0 });
});

test('what was never made ends as the last one that was', () => {
  const log = calls(['failed', 20], ['refused', 5], ['failed', 1], ['refused', 5], ['answered', 30]);
  const { assumed, refused, opened } = over(log, 2_000);
  expect([assumed, opened]).toEqual([2, 4]);
  expect(refused).toBe(8);
});

test('it is open to the end of the log where nothing closes it', () => {
  expect(circuitOver(calls(['failed', 20]), window, 5_000, 60_000)).toMatchObject({
    opened: 1,
    openMs: 40_900,
  });
});

test('a call from before that fails after it closed counts again', () => {
  const late: LoggedCall = { startMs: 19_500, endMs: 26_500, end: 'failed' };
  const log = [...calls(['failed', 20], ['refused', 5], ['answered', 10]), late];
  log.sort((a, b) => a.startMs - b.startMs);
  expect(over(log, 5_000)).toMatchObject({ opened: 1, openMs: 25_100 - 19_100 });
});

import { expect, test } from '@jest/globals';
import { createDetectorWatch } from './watch-detector.ts';

function watched() {
  const given = { detector: 1_000, ourselves: 100, slips: 2, said: false };
  const told: string[] = [];
  const watch = createDetectorWatch({
    silentMs: () => given,
    awaited: async () => ({ slips: given.slips, money: [{ amount: 5n, currency: 'EUR' }] }),
    wasSaid: async () => given.said,
    sayBlinded: async (silentMs, { slips }) => void told.push(`blinded ${silentMs} ${slips}`),
    sayRestored: async () => void told.push('restored'),
  });
  return { given, told, watch };
}

test('a reconciler that is silent for fifteen seconds is told of once, and once that it is back', async () => {
  const { given, told, watch } = watched();
  await watch();
  given.detector = 15_000;
  await watch();
  expect(told).toEqual([]);
  given.detector = 15_001;
  for (let i = 0; i < 3; i++) await watch();
  expect(told).toEqual(['blinded 15001 2']);
  given.detector = 50;
  for (let i = 0; i < 3; i++) await watch();
  expect(told).toEqual(['blinded 15001 2', 'restored']);
});

test.each([
  ['nothing is waited for', { slips: 0 }],
  ['nobody hears anybody: the bus is away', { ourselves: 20_000 }],
  ['it was never heard: nobody runs one', { detector: Number.POSITIVE_INFINITY }],
  ['it was said before this process began', { said: true }],
])('nothing is told when %s', async (_, more) => {
  const { given, told, watch } = watched();
  Object.assign(given, { detector: 20_000 }, more);
  await watch();
  expect(told).toEqual([]);
});

test('what was said before this process began is taken back', async () => {
  const { given, told, watch } = watched();
  given.said = true;
  await watch();
  expect(told).toEqual(['restored']);
});

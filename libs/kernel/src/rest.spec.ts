import { expect, test } from '@jest/globals';
import { restMs } from './rest.ts';

test('rounds that are quick lie 20 ms apart; slow ones take a third of the time, up to 60 ms', () => {
  expect([0, 5, 10, 15, 20, 1_000].map(restMs)).toEqual([20, 20, 30, 45, 60, 60]);
});

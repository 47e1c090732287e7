import { describe, expect, test } from '@jest/globals';
import { seededRandom } from './seeded-random.ts';

describe('a seeded random', () => {
  test('gives the same values for the same seed, and others for another', () => {
    const row = (seed: number) => Array.from({ length: 5 }, seededRandom(seed).next);
    expect(row(7)).toEqual(row(7));
    expect(row(7)).not.toEqual(row(8));
  });

  test('integers reach both ends and stay between them', () => {
    const random = seededRandom(1);
    const seen = new Set(Array.from({ length: 200 }, () => random.integer(3, 5)));
    expect([...seen].sort()).toEqual([3, 4, 5]);
  });

  test('shuffling keeps every item and leaves the original alone', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = seededRandom(2).shuffle(items);
    expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort()).toEqual(items);
  });

  test('nothing can be picked from an empty list', () => {
    expect(() => seededRandom(3).pick([])).toThrow(RangeError);
  });
});

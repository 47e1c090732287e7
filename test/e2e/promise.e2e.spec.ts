import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { playPromise, promiseStack } from '../drills/promise.drill.ts';
import { bootStack, type TestStack } from './support.ts';

const slips = 4;
let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack(promiseStack);
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

test('a provider that executes later than it promised, or what it cancelled, is seen, and believed no more until people say so', async () => {
  const results = await playPromise(booted.stack, { slips }, (line) => console.error(line));
  expect(results.map(({ provider }) => provider)).toEqual(['cumulus', 'borealis']);
  for (const result of results) {
    expect(result).toMatchObject({
      ...{ seen: result.broken, certified: result.refunded, proof_off: true },
      ...{ later_denied: 0, restored: true },
    });
    // Where it does not hold all that was found is shown.
    if (!result.holds) expect(result).toEqual({ holds: true });
  }
}, 600_000);

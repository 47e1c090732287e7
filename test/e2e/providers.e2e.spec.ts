import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { playProviders, providersStack } from '../drills/providers.drill.ts';
import { bootStack, type TestStack } from './support.ts';

const seeds = [1, 20_261_126, 4_294_967_295];
let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack(providersStack);
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

/** Even and odd: each protocol meets every fault. */
test(`every fault at once through both protocols, seeds ${seeds.join(', ')}: nothing twice, nothing lost, the money as the truth`, async () => {
  const result = await playProviders(booted.stack, { seeds, slips: 100, frozenMs: 4_000 }, (line) =>
    console.error(line),
  );
  for (const one of result.seeds) {
    expect(one).toMatchObject({
      ...{ slips: 100, lost: 0, unended: 0, executed_twice: 0, executed_by_two: 0, money_differs: 0 },
      holds: true,
    });
  }
  expect(result).toMatchObject({ holds: true });
}, 360_000);

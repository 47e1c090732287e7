import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ledgerStack, playLedger } from '../drills/ledger.drill.ts';
import { bootStack, type TestStack } from './support.ts';

let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack(ledgerStack);
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

test('a ledger that is killed five times under load loses no event, posts nothing twice, and reads all of it again for nothing', async () => {
  const drill = { events: 12_000, kills: 5, seed: Number(process.env.SEED ?? 20_261_126) };
  const result = await playLedger(booted.stack, drill, (line) => console.error(line));
  expect(result).toMatchObject({
    ...{
      restarts: 6,
      gaps: 0,
      differing: [],
      posted_otherwise: 0,
      broken: [],
      changed: [],
      alarm: null,
      ok: true,
    },
  });
  expect(result.events).toBeGreaterThanOrEqual(drill.events);
  expect(result.transactions).toBeGreaterThan(0);
}, 360_000);

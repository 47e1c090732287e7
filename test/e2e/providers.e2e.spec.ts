import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DetectionWorld, playDetection } from '../drills/detection.drill.ts';
import { playProviders } from '../drills/providers.drill.ts';
import { bootStack, type TestStack } from './support.ts';

const seeds = [1, 20_261_126, 4_294_967_295];
let folder: string;
let world: DetectionWorld;
let booted: TestStack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipstream-detection-'));
  world = new DetectionWorld(folder);
  booted = await bootStack(world.options);
}, 240_000);
afterAll(async () => {
  await booted?.stop();
  await world?.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Even and odd: each protocol meets every fault. */
test(`every fault at once through both protocols, seeds ${seeds.join(', ')}: nothing twice, nothing lost, the money as the truth`, async () => {
  // How many are settled is the machine's speed: the full drill asks for that. Here it is asked whether any are.
  const options = { seeds, slips: 100, frozenMs: 4_000, settledShareMin: 0.1 };
  const result = await playProviders(booted.stack, options, (line) => console.error(line));
  for (const one of result.seeds) {
    expect(one).toMatchObject({
      ...{ slips: 100, lost: 0, unended: 0, executed_twice: 0, executed_by_two: 0, money_differs: 0 },
      holds: true,
    });
  }
  expect(result).toMatchObject({ holds: true });
}, 360_000);

/** Each lasts for less than in `npm run drill -- detection`, and one follows the other; Kafka is restarted there alone. */
const troubles = ['relay-stalled', 'ledger-stopped', 'clock-stepped', 'reconciler-stopped'] as const;

test('with troubles of our own meanwhile: every verdict that is due, and no other one', async () => {
  const options = { seed: seeds[1]!, slips: 200, overMs: 16_000, forMs: 4_000 };
  const run = await playDetection(booted.stack, world, troubles, options, (line) => console.error(line));
  expect(run).toMatchObject({
    slips: 200,
    false_alarms: 0,
    missed: 0,
    verdict_differs: 0,
    stuck: 0,
    holds: true,
  });
  expect(run.overdue).toBeGreaterThan(0);
}, 360_000);

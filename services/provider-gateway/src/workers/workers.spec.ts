import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { UseCases } from '../application/use-cases.ts';
import { workers } from './workers.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

async function started() {
  const world = { inHand: false, looks: 0 };
  const look = async () => {
    world.looks++;
    return 0;
  };
  const does = {
    ...{ dispatchDueSlips: look, inquireDue: look, recoverAbandoned: look, releaseParked: look },
    giveUpLapsed: async () => 0,
    reroute: async () => 0,
    takeUpOrphans: async () => 0,
    recheckDue: async () => 0,
    keepDelays: async () => 0,
    keepCallbackCounts: async () => 0,
    anythingInHand: async () => world.inHand,
  } as unknown as UseCases;
  const slots = { idle: async () => {} } as never;
  const work = workers({
    ...{ does, providers: new Map(), dispatchSlots: slots, inquirySlots: slots, drainTimeoutMs: 1_000 },
    upstream: () => [],
    hasChoice: true,
    mayPass: () => true,
    onError: (error) => {
      throw error;
    },
  });
  for (const part of work.parts) await part.start();
  const looksIn = async (ms: number) => {
    const before = world.looks;
    await jest.advanceTimersByTimeAsync(ms);
    return world.looks - before;
  };
  const stop = () => Promise.all(work.parts.map((part) => part.stop()));
  return { work, world, looksIn, stop };
}

test('while nothing is in hand the four workers look once in five seconds each', async () => {
  const { looksIn, stop } = await started();
  await looksIn(20_000);
  expect(await looksIn(60_000)).toBe(4 * 12);
  await stop();
});

const nothing = { calls: 0, inquiries: 0 };

test('what became due is looked for at once, by whom it is for', async () => {
  const { work, looksIn, stop } = await started();
  await looksIn(20_000);
  work.wake({ ...nothing, calls: 1 });
  expect(await looksIn(10)).toBe(1);
  await looksIn(20_000);
  work.wake({ ...nothing, inquiries: 1 });
  expect(await looksIn(10)).toBe(1);
  await stop();
});

test('what may become due is looked for at the pace of each, not once for every batch', async () => {
  const { work, world, looksIn, stop } = await started();
  await looksIn(20_000);
  world.inHand = true;
  for (let batch = 0; batch < 10; batch++) work.stir();
  expect(await looksIn(400)).toBe(0);
  expect(await looksIn(700)).toBeGreaterThanOrEqual(4);
  await looksIn(20_000);
  // Calls and questions every 500 ms, the others every second.
  expect(await looksIn(60_000)).toBe(2 * 120 + 2 * 60);
  await stop();
});

test('what is committed while it is asked whether anything is in hand is looked for', async () => {
  const { work, world, looksIn, stop } = await started();
  await looksIn(20_000);
  const answers = Promise.withResolvers<boolean>();
  Object.defineProperty(world, 'inHand', { get: () => answers.promise });
  await looksIn(10_000);
  work.stir();
  answers.resolve(false);
  expect(await looksIn(1_010)).toBeGreaterThanOrEqual(4);
  await stop();
});

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Unwritten } from '@slipstream/runtime';
import { waitFor } from '@slipstream/testing';
import type { ReceivedCallback } from '../application/receive-callbacks.ts';
import type { UseCases } from '../application/use-cases.ts';
import { workers } from './workers.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const away = new Error('away');

async function started() {
  const world = { inHand: false, looks: 0, isAway: false, tries: 0, written: [] as string[] };
  const unwritten = new Unwritten();
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
    receiveCallbacks: async (callbacks: readonly ReceivedCallback[]) => {
      world.tries += 1;
      if (world.isAway) throw away;
      world.written.push(...callbacks.map(({ webhookId }) => webhookId));
    },
  } as unknown as UseCases;
  const slots = { idle: async () => {} } as never;
  const work = workers({
    ...{ does, providers: new Map(), dispatchSlots: slots, inquirySlots: slots, drainTimeoutMs: 1_000 },
    upstream: () => [],
    hasChoice: true,
    mayPass: (error) => error === away,
    unwritten,
    onError: (error) => {
      if (error !== away) throw error;
    },
  });
  for (const part of work.parts) await part.start();
  const looksIn = async (ms: number) => {
    const before = world.looks;
    await jest.advanceTimersByTimeAsync(ms);
    return world.looks - before;
  };
  const stop = () => Promise.all(work.parts.map((part) => part.stop()));
  return { work, world, unwritten, looksIn, stop };
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

const callback = (webhookId: string) => ({ webhookId, provider: 'aurora' }) as ReceivedCallback;

describe('a callback that could not be written', () => {
  // The pauses between its tries are Node's own.
  beforeEach(() => void jest.useRealTimers());

  test('is kept, one of them all, and no watermark is told until it is written', async () => {
    const { work, world, unwritten, stop } = await started();
    world.isAway = true;
    work.callbacks.failed(callback('first'), away);
    work.callbacks.failed(callback('second'), away);
    await waitFor(() => world.tries > 2, { what: 'tries' });
    expect(unwritten.holding()).toEqual(['callbacks']);
    world.isAway = false;
    await waitFor(() => unwritten.holding().length === 0, { what: 'no watermark held back' });
    expect(world.written).toEqual(['first']);
    await stop();
  });

  test('holds nothing back because of its own content, nor when others after it are written', async () => {
    const { work, world, unwritten, stop } = await started();
    world.isAway = true;
    work.callbacks.failed(callback('odd'), new Error('too long'));
    expect(unwritten.holding()).toEqual([]);
    work.callbacks.failed(callback('alone'), away);
    work.callbacks.written();
    await waitFor(() => world.tries > 2, { what: 'tries' });
    expect(unwritten.holding()).toEqual([]);
    await stop();
  });
});

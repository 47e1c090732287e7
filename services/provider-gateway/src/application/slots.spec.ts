import { describe, expect, test } from '@jest/globals';
import type { Providers } from './ports.ts';
import { callSlots, Slots, shareOf } from './slots.ts';

function bank(limit: number) {
  const slots = new Slots(new Map([['acme', limit]]), (error) => {
    throw error;
  });
  const ends: (() => void)[] = [];
  const told: string[] = [];
  const call = () =>
    slots.run(
      'acme',
      () => new Promise((end) => ends.push(end)),
      () => void told.push('free'),
    );
  const end = async () => {
    ends.shift()!();
    await new Promise(setImmediate);
  };
  return { slots, call, end, told };
}

test('given a look that left places free, the end of a call is told to nobody: nothing waits for it', async () => {
  const { slots, call, end, told } = bank(2);
  const free = slots.free();
  call();
  expect(slots.looked(free, ['acme'])).toBe(false);
  await end();
  expect(told).toEqual([]);
});

test('given a look that took all places, each end is told, until a look finds less', async () => {
  const { slots, call, end, told } = bank(2);
  const free = slots.free();
  call();
  call();
  expect(slots.looked(free, ['acme', 'acme'])).toBe(false);
  await end();
  expect([told, slots.short]).toEqual([['free'], ['acme']]);
  slots.looked(slots.free(), []);
  expect(slots.short).toEqual([]);
  await end();
  expect(told).toEqual(['free']);
});

test('a look that found no place free at all is followed by another when a call ends', async () => {
  const { slots, call, end, told } = bank(1);
  call();
  slots.looked(slots.free(), []);
  await end();
  expect(told).toEqual(['free']);
});

test('a call that ended during the look makes room at once for what the look had to leave', async () => {
  const { slots, call, end } = bank(2);
  call();
  const free = slots.free();
  await end();
  call();
  expect(slots.looked(free, ['acme'])).toBe(true);
});

test('a place is taken without a look while none waits for it, and given back when it is not used', async () => {
  const { slots, told } = bank(1);
  expect(slots.take('acme')).toBe(true);
  expect([slots.take('acme'), slots.free().size]).toEqual([false, 0]);
  slots.giveBack('acme', () => void told.push('free'));
  expect([told, slots.take('acme')]).toEqual([[], true]);
  expect(slots.take('unheard of')).toBe(false);
});

test('none is taken past what a look had to leave, nor while a look has them all', async () => {
  const { slots, told } = bank(2);
  const free = slots.takeFree();
  expect([free.get('acme'), slots.take('acme')]).toEqual([2, false]);
  slots.giveBackRest(free, ['acme']);
  expect([slots.taken('acme'), slots.take('acme')]).toEqual([1, true]);
  slots.looked(slots.takeFree(), []);
  slots.giveBack('acme', () => void told.push('free'));
  expect([told, slots.take('acme')]).toEqual([['free'], false]);
});

test('a place that is only taken keeps it from being idle', async () => {
  const { slots } = bank(1);
  slots.take('acme');
  let isIdle = false;
  const idle = slots.idle().then(() => {
    isIdle = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(isIdle).toBe(false);
  slots.giveBack('acme', () => {});
  await idle;
});

describe('what a provider bears at once', () => {
  test.each([
    [32, 1, 32],
    [32, 3, 10],
    [2, 2, 1],
    // Or nothing would ever be sent by some of them.
    [2, 5, 1],
  ])('%i calls are shared by %i instances: each makes %i', (limit, instances, share) => {
    expect(shareOf(limit, instances)).toBe(share);
  });

  test('is shared anew when an instance comes or goes, by calls and questions alike', () => {
    const world = { instances: 1 };
    const provider = { id: 'acme', capabilities: { concurrencyMax: 8, inquiryConcurrencyMax: 2 } };
    const providers = new Map([['acme', provider]]) as unknown as Providers;
    const all = (_: string, limit: number) => limit;
    const circuits = { allowed: all, questions: all };
    const { dispatchSlots, inquirySlots } = callSlots(providers, circuits, () => world.instances, fail);
    const free = () => [dispatchSlots.free().get('acme') ?? 0, inquirySlots.free().get('acme') ?? 0];
    expect(free()).toEqual([8, 2]);
    for (let n = 0; n < 5; n++) expect(dispatchSlots.take('acme')).toBe(true);
    world.instances = 2;
    // What runs may end; nothing new begins before there are few enough.
    expect([free(), dispatchSlots.take('acme')]).toEqual([[0, 1], false]);
    for (let n = 0; n < 2; n++) dispatchSlots.giveBack('acme', () => {});
    expect([free(), dispatchSlots.take('acme')]).toEqual([[1, 1], true]);
    world.instances = 1;
    expect(free()).toEqual([4, 2]);
  });
});

function fail(error: unknown): never {
  throw error;
}

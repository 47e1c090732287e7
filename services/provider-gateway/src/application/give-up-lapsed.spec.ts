import { describe, expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import { giveUpLapsed, type Lapse } from './give-up-lapsed.ts';
import type { Store, StoreTx } from './ports.ts';

const t0: Instant = '2026-11-22T10:00:00.000000Z';

function setUp() {
  const world = { ms: 0, aheadMs: 0, trouble: null as string | null };
  const givenUpTo: Instant[] = [];
  const tx = {
    now: async () => addMs(t0, world.ms + world.aheadMs),
    dispatches: {
      giveUp: async (before: Instant) => {
        givenUpTo.push(before);
        return 3;
      },
    },
  } as unknown as StoreTx;
  const store: Store = {
    run: (work) => work(tx),
  };
  const lapse: Lapse = { reading: null };
  const after = (ms: number) => {
    world.ms += ms;
    return giveUpLapsed({ store, monotonicMs: () => world.ms, clockTrouble: () => world.trouble }, lapse);
  };
  return { world, givenUpTo, after };
}

describe('slips past their deadline are given up', () => {
  test('when a second reading agrees, up to the first', async () => {
    const { givenUpTo, after } = setUp();
    expect(await after(0)).toBe(0);
    expect(await after(4_999)).toBe(0);
    expect(await after(1)).toBe(3);
    expect(givenUpTo).toEqual([t0]);
  });

  test('never by a clock that jumped, however it is read', async () => {
    const { world, givenUpTo, after } = setUp();
    await after(0);
    world.aheadMs = 60_000;
    expect(await after(5_000)).toBe(0);
    world.aheadMs = 0;
    expect(await after(5_000)).toBe(0);
    expect(await after(5_000)).toBe(3);
    expect(givenUpTo).toEqual([addMs(t0, 10_000)]);
  });

  test('not while the clocks are in trouble, nor by what was read before', async () => {
    const { world, givenUpTo, after } = setUp();
    await after(0);
    world.trouble = 'clocks lie 10000 ms apart';
    expect(await after(5_000)).toBe(0);
    world.trouble = null;
    expect(await after(5_000)).toBe(0);
    expect(givenUpTo).toEqual([]);
  });
});

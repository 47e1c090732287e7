import { expect, test } from '@jest/globals';
import { refuseCallback, SuspectLimit, suspectsPerSecondMax } from './ask-about-suspects.ts';
import { CallbackTally } from './callback-tally.ts';
import type { CallbackCount, Store, StoreTx } from './ports.ts';

function asking({ hasIt = true } = {}) {
  let now = 0;
  const asked: string[] = [];
  const counts: CallbackCount[] = [];
  const tx = {
    dispatches: {
      pollNow: async (provider: string, slipId: string) => ({
        willBeAsked: asked.push(`${provider} ${slipId}`) > 0,
        hasIt,
      }),
    },
    callbackCounts: {
      add: async (added: CallbackCount[]) => void counts.push(...added),
      takeTellable: async () => ({ told: [], isMoreUntold: false }),
    },
  } as unknown as StoreTx;
  const store: Store = { run: (work) => work(tx) };
  const parts = { store, suspects: new SuspectLimit(() => now), tally: new CallbackTally(), count: () => {} };
  return {
    ask: (provider: string, slipId: string | null = 'slip-1', isMismatch = true) =>
      refuseCallback(parts, { provider, slipId, isMismatch }),
    asked,
    counted: async () => {
      await parts.tally.keep(store);
      return counts;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('a callback that proves nothing lets its slip be asked about', async () => {
  const { ask, asked } = asking();
  expect(await ask('acme')).toBe(true);
  expect(asked).toEqual(['acme slip-1']);
});

test('a flood of them asks so many questions a second, and each provider has its own', async () => {
  const { ask, asked, pass } = asking();
  for (let n = 0; n < 1_000; n++) await ask('acme', `slip-${n}`);
  expect(asked).toHaveLength(suspectsPerSecondMax);
  expect(await ask('bolt')).toBe(true);
  pass(999);
  expect(await ask('acme')).toBe(false);
  pass(1);
  expect(await ask('acme')).toBe(true);
});

test('all whose signature does not match are counted, and those about slips of the provider as far as anybody looked', async () => {
  const { ask, counted } = asking();
  for (let n = 0; n < 20; n++) await ask('acme', `slip-${n}`);
  await ask('acme', null);
  expect(await counted()).toEqual([
    {
      ...{ provider: 'acme', refused: 21, aboutItsSlips: suspectsPerSecondMax, accepted: 0 },
      slips: Array.from({ length: suspectsPerSecondMax }, (_, n) => `slip-${n}`),
    },
  ]);
});

test('what names slips that the provider does not have is no more than refused', async () => {
  const { ask, counted } = asking({ hasIt: false });
  await ask('acme');
  expect(await counted()).toMatchObject([{ refused: 1, aboutItsSlips: 0, slips: [] }]);
});

test('one that is only too old says nothing about our secret', async () => {
  const { ask, asked, counted } = asking();
  await ask('acme', 'slip-1', false);
  expect(asked).toEqual(['acme slip-1']);
  expect(await counted()).toEqual([]);
});

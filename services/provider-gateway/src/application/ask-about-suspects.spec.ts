import { expect, test } from '@jest/globals';
import { askAboutSuspect, SuspectLimit, suspectsPerSecondMax } from './ask-about-suspects.ts';
import type { Store, StoreTx } from './ports.ts';

function asking() {
  let now = 0;
  const asked: string[] = [];
  const tx = {
    dispatches: {
      pollNow: async (provider: string, slipId: string) => asked.push(`${provider} ${slipId}`) > 0,
    },
  } as unknown as StoreTx;
  const store: Store = { run: (work) => work(tx) };
  const suspects = new SuspectLimit(() => now);
  const ask = (provider: string, slipId = 'slip-1') => askAboutSuspect({ store, suspects }, provider, slipId);
  const pass = (ms: number) => {
    now += ms;
  };
  return { ask, asked, pass };
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

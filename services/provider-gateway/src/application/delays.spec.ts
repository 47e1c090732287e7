import { expect, test } from '@jest/globals';
import { DelayLog, observedDelays } from './delays.ts';
import type { Store } from './ports.ts';

test('delays are counted by their size, and what could not be written is written later', async () => {
  const log = new DelayLog();
  const written: unknown[] = [];
  let away = true;
  const tx = {
    delays: {
      add: async (counts: unknown[]) => {
        if (away) throw new Error('away');
        written.push(...counts);
      },
    },
  };
  const store = { run: (work: (tx: never) => unknown) => work(tx as never) } as unknown as Store;
  expect(await log.keep(store)).toBe(0);
  const observed = { provider: 'acme', kind: 'callback', ms: 100 } as const;
  log.note([observed, observed, { ...observed, ms: 5_000 }]);
  await expect(log.keep(store)).rejects.toThrow('away');
  log.note([observed]);
  away = false;
  expect(await log.keep(store)).toBe(2);
  expect(written).toMatchObject([{ n: 3, kind: 'callback' }, { n: 1 }]);
  expect(await log.keep(store)).toBe(0);
  expect(observedDelays(written as never)).toMatchObject({
    ...{ callback: { count: 4, p50Ms: 128, maxMs: 5_793 }, acceptance: { count: 0, maxMs: null } },
  });
});

import { describe, expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import { dispatch, limits, t0 } from '../domain/dispatch/spec-support.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import { type DispatcherParts, dispatchDueSlips } from './dispatch-due-slips.ts';
import type { Provider, Store, StoreTx } from './ports.ts';
import { Slots } from './slots.ts';

/** A store with these rows due, whose commit takes a while, and a provider that tells until when it may send. */
function setUp(
  due: readonly Dispatch[],
  { now = t0 as Instant, commitMs = 0, trouble = null as string | null } = {},
) {
  const world = { ms: 1_000 };
  const saved: Dispatch[] = [];
  const sendsUntilMs: number[] = [];
  const tx = {
    dispatches: {
      lockDue: async () => ({ now, due }),
      save: async (rows: readonly Dispatch[]) => void saved.push(...rows),
    },
    publish: () => {},
  } as unknown as StoreTx;
  const store: Store = {
    async run(work) {
      const result = await work(tx);
      world.ms += commitMs;
      return result;
    },
  };
  const provider = {
    id: 'acme',
    capabilities: { ...limits, concurrencyMax: 4 },
    prepare: ({ slipId }: Dispatch) => ({ slipId, body: new Uint8Array(), digest: 'd' }),
    send: async (_: unknown, untilMs: number) => {
      sendsUntilMs.push(untilMs);
      return { outcome: { kind: 'not_sent', reason: 'too_late', detail: '' }, released: Promise.resolve() };
    },
  } as unknown as Provider;
  const parts: DispatcherParts = {
    ...{ store, providers: new Map([['acme', provider]]), owner: 'spec' },
    slots: new Slots(new Map([['acme', 4]]), (error) => {
      throw error;
    }),
    monotonicMs: () => world.ms,
    clockTrouble: () => trouble,
    record: async () => {},
    onFree: () => {},
  };
  return { parts, saved, sendsUntilMs };
}

describe('a slip that is due', () => {
  test('is sent no later than the connect timeout after the look that found it, however long the commit took', async () => {
    const { parts, sendsUntilMs } = setUp([dispatch()], { commitMs: 5_000 });
    expect(await dispatchDueSlips(parts)).toBe(1);
    expect(sendsUntilMs).toEqual([1_000 + limits.connectTimeoutMs]);
  });

  test('is not sent while the clocks are in trouble, and stays due', async () => {
    const { parts, saved, sendsUntilMs } = setUp([dispatch()], { trouble: 'clocks lie 10000 ms apart' });
    expect(await dispatchDueSlips(parts)).toBe(0);
    expect([saved, sendsUntilMs]).toEqual([[], []]);
  });

  test('is not given up for one reading of the clock that lies past its deadline', async () => {
    const { parts, saved } = setUp([dispatch()], { now: addMs(t0, 60_000) });
    expect(await dispatchDueSlips(parts)).toBe(0);
    expect(saved).toEqual([]);
  });

  test('that is closed for dispatch is due no more', async () => {
    const { parts, saved } = setUp([dispatch({ closedForDispatch: true })]);
    expect(await dispatchDueSlips(parts)).toBe(0);
    expect(saved).toMatchObject([{ nextAt: null }]);
  });
});

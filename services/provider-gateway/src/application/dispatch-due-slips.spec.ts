import { describe, expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import { publishMsFirst } from '../domain/dispatch/publish-time.ts';
import { dispatch, limits, t0 } from '../domain/dispatch/spec-support.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { CallOutcome } from '../domain/provider/answer.ts';
import { type DispatcherParts, dispatchDueSlips } from './dispatch-due-slips.ts';
import { newPublishing } from './intents.ts';
import type { EventLog, EventPlace, Provider, Store, StoreTx } from './ports.ts';
import { Slots } from './slots.ts';

/** A store with these rows due, whose commit takes a while; a topic; a provider that tells until when it may send. */
function setUp(
  due: readonly Dispatch[],
  { now = t0 as Instant, commitMs = 0, trouble = null as string | null, publishMs = 0 } = {},
) {
  const world = { ms: 1_000 };
  const saved: Dispatch[] = [];
  const sendsUntilMs: number[] = [];
  const committed: ((places: readonly EventPlace[]) => void)[] = [];
  const tx = {
    dispatches: {
      lockDue: async () => ({ now, due }),
      save: async (rows: readonly Dispatch[]) => {
        saved.push(...rows);
        return [];
      },
    },
    publish: () => {},
    afterCommit: (then: (places: readonly EventPlace[]) => void) => void committed.push(then),
  } as unknown as StoreTx;
  const ended: CallOutcome[] = [];
  const run: Store['run'] = async (work) => {
    const result = await work(tx);
    world.ms += commitMs;
    const places = due.map(({ partition }, index) => ({
      topic: 'events',
      partition,
      seq: BigInt(index + 1),
    }));
    for (const then of committed.splice(0)) then(places);
    return result;
  };
  const log: EventLog = {
    watch: () => async (_, untilMs) => {
      if (publishMs === 0) return true;
      const onTopicAtMs = world.ms + publishMs;
      world.ms = Math.min(onTopicAtMs, untilMs);
      return onTopicAtMs <= untilMs;
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
    ...{
      store: { run },
      log,
      publishing: newPublishing(),
      providers: new Map([['acme', provider]]),
      owner: 'spec',
    },
    slots: new Slots(new Map([['acme', 4]]), (error) => {
      throw error;
    }),
    monotonicMs: () => world.ms,
    clockTrouble: () => trouble,
    record: async ({ outcome }) => void ended.push(outcome),
    onFree: () => {},
  };
  return { parts, saved, sendsUntilMs, ended };
}

describe('a slip that is due', () => {
  test('is sent no later than its intent says, counted from the look that found it, however long the commit took', async () => {
    const { parts, sendsUntilMs } = setUp([dispatch()], { commitMs: 5_000 });
    expect(await dispatchDueSlips(parts)).toBe(1);
    await parts.slots.idle();
    expect(sendsUntilMs).toEqual([1_000 + publishMsFirst + limits.connectTimeoutMs]);
  });

  test('is not sent before its intent is on the topic, and not at all when that comes too late', async () => {
    const { parts, sendsUntilMs, ended } = setUp([dispatch()], { publishMs: 60_000 });
    expect(await dispatchDueSlips(parts)).toBe(1);
    await parts.slots.idle();
    expect(sendsUntilMs).toEqual([]);
    expect(ended).toMatchObject([{ kind: 'not_sent', reason: 'not_published' }]);
  });

  test('is sent in the end by way of a broker that takes longer than the connect timeout', async () => {
    const { parts, saved, sendsUntilMs } = setUp([dispatch()], { publishMs: 4 * limits.connectTimeoutMs });
    for (let attempts = 0; sendsUntilMs.length === 0; attempts++) {
      expect(attempts).toBeLessThan(6);
      await dispatchDueSlips(parts);
      await parts.slots.idle();
    }
    // What the intent says is what the sender keeps: a proof counts from there.
    const notAfterMs = Date.parse(saved.at(-1)!.notAfter!) - Date.parse(t0);
    expect(notAfterMs).toBeGreaterThanOrEqual(4 * limits.connectTimeoutMs);
    expect(parts.monotonicMs()).toBeLessThanOrEqual(sendsUntilMs[0]!);
  });

  test.each([
    ['that is near', 1_500, 1_500],
    ['nearer than a connection may take', 100, limits.connectTimeoutMs],
  ])('is given no time beyond a deadline %s', async (_, leftMs, startMs) => {
    const { parts, saved, sendsUntilMs } = setUp([dispatch({ deadline: addMs(t0, leftMs) })]);
    expect(await dispatchDueSlips(parts)).toBe(1);
    await parts.slots.idle();
    expect(sendsUntilMs).toEqual([1_000 + startMs]);
    expect(saved).toMatchObject([{ notAfter: addMs(t0, startMs) }]);
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

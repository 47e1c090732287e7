import { beforeEach, describe, expect, test } from '@jest/globals';
import type { PendingEvent } from '@slipstream/slip';
import { dispatch, final, t0 } from '../domain/dispatch/spec-support.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { Counted, Store, StoreTx } from './ports.ts';
import { type ReceivedCallback, receiveCallbacks } from './receive-callbacks.ts';

const slip = dispatch({ status: 'unanswered', attempt: 1, sentMaybe: true, nextAt: null });

/** What the tables hold: the rows, and the webhook ids that were stored before. */
let rows: Map<string, Dispatch>;
let stored: Set<string>;
let handled: string[];
let published: PendingEvent[];
let counted: Counted[];
beforeEach(() => {
  rows = new Map([[slip.slipId, slip]]);
  stored = new Set();
  [handled, published, counted] = [[], [], []];
});

const tx = {
  callbacks: {
    async add(callbacks: readonly ReceivedCallback[]) {
      const fresh = new Set<number>();
      for (const [index, { provider, webhookId }] of callbacks.entries()) {
        const key = `${provider} ${webhookId}`;
        if (!stored.has(key)) fresh.add(index);
        stored.add(key);
      }
      return fresh;
    },
    async markHandled(callbacks: readonly { handled: string }[]) {
      handled.push(...callbacks.map((one) => one.handled));
    },
  },
  dispatches: {
    async lock(slipIds: readonly string[]) {
      const found = new Map([...rows].filter(([slipId]) => slipIds.includes(slipId)));
      return { now: t0, rows: found };
    },
    async save(changed: readonly Dispatch[]) {
      for (const row of changed) rows.set(row.slipId, row);
    },
  },
  publish: (events: readonly PendingEvent[]) => void published.push(...events),
} as unknown as StoreTx;
const store: Store = {
  run: (work) => work(tx),
};

const callback = (more: Partial<ReceivedCallback> = {}): ReceivedCallback => ({
  provider: 'acme',
  webhookId: 'msg-1',
  body: Buffer.from('{}'),
  message: { slipId: slip.slipId, answer: final('succeeded') },
  ...more,
});
const receive = (...callbacks: ReceivedCallback[]) =>
  receiveCallbacks(store, callbacks, (what) => void counted.push(what));
const types = () => published.map(({ event }) => event.type);

describe('a callback', () => {
  test('about a slip that its provider was given is recorded', async () => {
    expect(await receive(callback())).toEqual(['recorded']);
    expect(types()).toEqual(['SlipReturned']);
  });

  test('of another provider about it moves nothing, and is kept for people', async () => {
    expect(await receive(callback({ provider: 'bolt' }))).toEqual(['orphan']);
    expect({ types: types(), handled, counted }).toEqual({
      types: [],
      handled: ['orphan'],
      counted: ['orphan_callback'],
    });
    expect(rows.get(slip.slipId)).toBe(slip);
  });

  test('about no slip, or one of a reported route, moves nothing', async () => {
    rows.set('reported', { ...slip, slipId: 'reported', mode: 'reported', provider: 'acme' });
    const about = (slipId: string, webhookId: string) =>
      callback({ webhookId, message: { slipId, answer: final('succeeded') } });
    expect(await receive(about('nobody', '1'), about('reported', '2'))).toEqual(['orphan', 'orphan']);
    expect(published).toEqual([]);
  });

  test('whose webhook id came before is not handled again, whatever it says now', async () => {
    await receive(callback({ message: { slipId: slip.slipId, answer: final('failed') } }));
    const again = callback({ message: { slipId: slip.slipId, answer: final('succeeded') } });
    expect(await receive(again, again)).toEqual(['replayed', 'replayed']);
    expect({ types: types(), handled, counted }).toEqual({
      types: ['SlipReturned'],
      handled: ['recorded'],
      counted: ['repeated_answer', 'repeated_answer'],
    });
  });

  test('under an id that another provider used is its own', async () => {
    stored.add('bolt msg-1');
    expect(await receive(callback())).toEqual(['recorded']);
  });
});

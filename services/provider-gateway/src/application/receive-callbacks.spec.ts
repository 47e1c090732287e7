import { beforeEach, describe, expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import type { PendingEvent } from '@slipstream/slip';
import { dispatch, doubtful, final, pending, t0 } from '../domain/dispatch/spec-support.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { Counted, Providers, SharedReference, Store, StoreTx } from './ports.ts';
import { type ReceivedCallback, receiveCallbacks } from './receive-callbacks.ts';

const slip = dispatch({ status: 'unanswered', attempt: 1, sentMaybe: true, nextAt: null });

/** What the tables hold: the rows, and the webhook ids that were stored before. */
let rows: Map<string, Dispatch>;
let stored: Map<string, Uint8Array>;
let handled: string[];
let published: PendingEvent[];
let counted: Counted[];
let asked: string[];
/** What the table says of references that two slips have. */
let shared: SharedReference[];
beforeEach(() => {
  shared = [];
  rows = new Map([[slip.slipId, slip]]);
  stored = new Map();
  [handled, published, counted, asked] = [[], [], [], []];
});

const tx = {
  callbacks: {
    async add(callbacks: readonly ReceivedCallback[]) {
      const fresh = new Set<number>();
      for (const [index, { provider, webhookId, body }] of callbacks.entries()) {
        const key = `${provider} ${webhookId}`;
        if (stored.has(key)) continue;
        fresh.add(index);
        stored.set(key, body);
      }
      return fresh;
    },
    async differing(callbacks: readonly ReceivedCallback[]) {
      const differs = ({ provider, webhookId, body }: ReceivedCallback) =>
        Buffer.compare(stored.get(`${provider} ${webhookId}`)!, body) !== 0;
      return new Set(callbacks.flatMap((one, index) => (differs(one) ? [index] : [])));
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
    async pollNow(provider: string, slipId: string) {
      asked.push(`${provider} ${slipId}`);
      return { willBeAsked: true, hasIt: true };
    },
    async save(changed: readonly Dispatch[]) {
      for (const row of changed) rows.set(row.slipId, row);
      return shared;
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
const capabilities = {
  acceptanceDelayMaxMs: 1_000,
  visibilityDelayMs: 0,
  pollLadderMs: [1_000],
  failuresFinal: true,
};
const providers = new Map([['acme', { id: 'acme', capabilities }]]) as unknown as Providers;
const receive = (...callbacks: ReceivedCallback[]) =>
  receiveCallbacks({ store, providers, count: (what) => void counted.push(what) }, callbacks);
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

  test('with other words under an id that was handled lets its slip be asked about', async () => {
    await receive(callback({ message: { slipId: slip.slipId, answer: pending } }));
    const other = callback({ body: Buffer.from('{"other":1}') });
    expect(await receive(callback(), other)).toEqual(['replayed', 'replayed']);
    expect({ types: types(), asked }).toEqual({
      types: ['SlipAcknowledged'],
      asked: [`acme ${slip.slipId}`],
    });
  });

  test('from which nothing can be learnt is stored, and says so', async () => {
    expect(await receive(callback({ message: { problem: 'no status' } }))).toEqual(['unreadable']);
    expect(asked).toEqual([]);
    expect({ types: types(), handled, counted }).toEqual({
      types: [],
      handled: ['unreadable'],
      counted: ['unreadable_callback'],
    });
  });

  test('that says nothing which can be read of a slip that it names lets it be asked about', async () => {
    const message = { problem: 'no status', names: slip.slipId };
    expect(await receive(callback({ message }))).toEqual(['unreadable']);
    expect(asked).toEqual([`acme ${slip.slipId}`]);
    expect(types()).toEqual([]);
  });

  test('that only acknowledges lets the provider be asked later, in case its news gets lost', async () => {
    rows.set(slip.slipId, { ...slip, notAfter: t0 });
    await receive(callback({ message: { slipId: slip.slipId, answer: pending } }));
    expect(rows.get(slip.slipId)).toMatchObject({ acknowledged: true, pollAt: addMs(t0, 1_000) });
  });

  test('that names a slip as its provider names another one is told, and people look at both', async () => {
    shared = [{ slipId: slip.slipId, other: 'slip-2' }];
    await receive(callback());
    expect(published.map(({ event }) => event)).toMatchObject([
      { type: 'SlipReturned' },
      {
        type: 'AnswerDoubted',
        data: { doubt: 'reference_shared', said: 'p-1, which names slip-2', evidence: 'signed_callback' },
      },
    ]);
  });

  test('that settles nothing is told, and its slip asked about at once', async () => {
    expect(await receive(callback({ message: { slipId: slip.slipId, answer: doubtful } }))).toEqual([
      'doubtful',
    ]);
    expect({ types: types(), counted }).toEqual({ types: ['AnswerDoubted'], counted: ['doubtful_answer'] });
    expect(rows.get(slip.slipId)!.pollAt).toBe(t0);
  });

  test('under an id that another provider used is its own', async () => {
    stored.set('bolt msg-1', Buffer.from('{}'));
    expect(await receive(callback())).toEqual(['recorded']);
  });
});

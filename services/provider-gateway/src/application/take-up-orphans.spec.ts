import { expect, test } from '@jest/globals';
import { dispatch, final, t0 } from '../domain/dispatch/spec-support.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { OrphanPlace, Providers, Store, StoredCallback, StoreTx } from './ports.ts';
import { newOrphanSweep, takeUpOrphans } from './take-up-orphans.ts';

const slip = dispatch({ status: 'unanswered', attempt: 1, sentMaybe: true, nextAt: null });
const orphan = (webhookId: string, slipId = slip.slipId): StoredCallback => ({
  ...{ provider: 'acme', webhookId, slipId },
  body: Buffer.from(slipId),
});

function world(pages: { matched: StoredCallback[]; next: OrphanPlace | null }[]) {
  const seen = { after: [] as OrphanPlace[], handled: [] as string[], types: [] as string[] };
  const rows = new Map<string, Dispatch>([[slip.slipId, slip]]);
  const tx = {
    callbacks: {
      lockMatched: async (after: OrphanPlace) => {
        seen.after.push(after);
        return pages.shift() ?? { matched: [], next: null };
      },
      markHandled: async (all: readonly { webhookId: string; handled: string }[]) =>
        void seen.handled.push(...all.map(({ webhookId, handled }) => `${webhookId} ${handled}`)),
    },
    dispatches: {
      lock: async () => ({ now: t0, rows: new Map(rows) }),
      save: async (all: readonly Dispatch[]) => {
        for (const row of all) rows.set(row.slipId, row);
        return [];
      },
    },
    publish: (events: readonly { event: { type: string } }[]) =>
      void seen.types.push(...events.map(({ event }) => event.type)),
  } as unknown as StoreTx;
  const store: Store = { run: (work) => work(tx) };
  const understand = (body: Buffer) => ({ slipId: body.toString(), answer: final('succeeded') });
  const providers = new Map([['acme', { callbackReader: { understand } }]]) as unknown as Providers;
  const sweep = newOrphanSweep();
  return { ...seen, take: () => takeUpOrphans({ store, providers, count: () => {} }, sweep) };
}

test('a callback that came before its slip is handled when the slip is there', async () => {
  const { take, handled, types } = world([{ matched: [orphan('m-1'), orphan('m-2')], next: null }]);
  expect(await take()).toBe(2);
  expect(types).toEqual(['SlipReturned']);
  expect(handled).toEqual(['m-1 recorded', 'm-2 repeated']);
  expect(await take()).toBe(0);
});

test('one whose provider is not configured any more stays what it is', async () => {
  const stranger = { ...orphan('m-1'), provider: 'gone' };
  const { take, handled, types } = world([{ matched: [stranger], next: null }]);
  expect(await take()).toBe(0);
  expect({ handled, types }).toEqual({ handled: ['m-1 orphan'], types: [] });
});

test('a stretch at a time, from where the last one ended, and then from the beginning', async () => {
  const place = { slipId: 's', provider: 'acme', webhookId: 'm-9' };
  const { take, after } = world([{ matched: [], next: place }]);
  for (let n = 0; n < 3; n++) await take();
  const start = { slipId: '', provider: '', webhookId: '' };
  expect(after).toEqual([start, place, start]);
});

import { describe, expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import type { PendingEvent } from '@slipstream/slip';
import { dispatch, limits, t0 } from '../domain/dispatch/spec-support.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { Candidate } from '../domain/route/choose.ts';
import { followSlips } from './follow-slips.ts';
import { type CallerParts, Intents, newPublishing } from './intents.ts';
import type { EventPlace, Provider, StoreTx } from './ports.ts';
import { routing } from './routing.ts';
import { Slots } from './slots.ts';

const submitted = (slipId: string, more: Partial<Dispatch> = {}) =>
  dispatch({ slipId, status: 'submitted', nextAt: null, ...more });

/** A provider with some slots, and these slips, which wait for their hold; `commit` tells how their transaction ended. */
function setUp(
  rows: readonly Dispatch[],
  {
    slots: limit = 4,
    now = t0 as Instant,
    disabled = new Set<string>(),
    routes = new Map<string, Candidate[]>(),
  } = {},
) {
  const saved = new Map<string, Dispatch>();
  const published: PendingEvent[] = [];
  const sent: string[] = [];
  const waits: EventPlace[] = [];
  const ends: { then: (places: readonly EventPlace[]) => void; otherwise: () => void }[] = [];
  const tx = {
    dispatches: {
      lock: async () => ({ now, rows: new Map(rows.map((row) => [row.slipId, row])), disabled }),
      save: async (changed: readonly Dispatch[]) => {
        for (const row of changed) saved.set(row.slipId, row);
        return [];
      },
    },
    parked: { take: async () => [] },
    publish: (events: readonly PendingEvent[]) => void published.push(...events),
    afterCommit: (then: (places: readonly EventPlace[]) => void, otherwise: () => void) =>
      void ends.push({ then, otherwise }),
  } as unknown as StoreTx;
  const provider = (id: string) =>
    ({
      id,
      capabilities: limits,
      prepare: ({ slipId }: Dispatch) => {
        if (slipId === 'unspeakable') throw new Error('cannot be said to the provider');
        return { slipId, body: new Uint8Array(), digest: 'd' };
      },
      send: async ({ slipId }: { slipId: string }) => {
        sent.push(slipId);
        return { outcome: { kind: 'not_sent', reason: 'too_late', detail: '' }, released: Promise.resolve() };
      },
    }) as unknown as Provider;
  const ids = ['acme', 'borealis'];
  const providers = new Map(ids.map((id) => [id, provider(id)]));
  const slots = new Slots(new Map(ids.map((id) => [id, limit])), (error) => {
    throw error;
  });
  const choosing = routing({ routes, providers, isHealthy: () => true, random: () => 0 });
  const parts: CallerParts = {
    ...{ slots, publishing: newPublishing(), providers, owner: 'spec' },
    log: {
      watch: () => async (place) => {
        waits.push(place);
        return true;
      },
    },
    monotonicMs: () => 1_000,
    record: async () => {},
    onFree: () => {},
  };
  const held = (slipId: string) => ({
    recorded: {
      ...{ id: slipId, slipId, clock: 'wall', time: t0, receivedTime: t0, source: '/slipstream/ledger' },
      event: { type: 'FundsHeld', data: { transactionId: 't', postings: [] } },
    } as never,
    partition: 3,
    traceparent: '',
  });
  const follow = (...slipIds: string[]) =>
    followSlips(tx, slipIds.map(held), { count: () => {}, routing: choosing, providers }, new Intents(parts));
  const commit = async () => {
    const places = published.map((_, index) => ({ topic: 'events', partition: 3, seq: BigInt(index + 1) }));
    for (const { then } of ends.splice(0)) then(places);
    await slots.idle();
  };
  const fail = () => {
    for (const { otherwise } of ends.splice(0)) otherwise();
  };
  return { follow, commit, fail, slots, saved, published, sent, waits };
}

describe('a slip that is held', () => {
  test('is intended with that, and sent when both are committed and its intent is on the topic', async () => {
    const { follow, commit, saved, published, sent, waits } = setUp([submitted('a')]);
    expect(await follow('a')).toEqual({ calls: 0, inquiries: 0 });
    expect(saved.get('a')).toMatchObject({ status: 'intended', attempt: 1, owner: 'spec', nextAt: null });
    expect(published.map(({ event }) => event.type)).toEqual(['DispatchIntended']);
    expect(sent).toEqual([]);
    await commit();
    expect(waits).toEqual([{ topic: 'events', partition: 3, seq: 1n }]);
    expect(sent).toEqual(['a']);
  });

  test('is not sent when that comes to nothing, and its slot is free again', async () => {
    const { follow, fail, slots, sent } = setUp([submitted('a')], { slots: 1 });
    await follow('a');
    expect(slots.free().get('acme')).toBeUndefined();
    fail();
    expect(slots.free().get('acme')).toBe(1);
    await slots.idle();
    expect(sent).toEqual([]);
  });

  test('takes no slot with it when it cannot be prepared', async () => {
    const { follow, fail, slots } = setUp([submitted('a'), submitted('unspeakable')]);
    await expect(follow('a', 'unspeakable')).rejects.toThrow('cannot be said');
    fail();
    expect(slots.free().get('acme')).toBe(4);
  });

  test('is left to the workers without a free slot: the nearest deadline goes first', async () => {
    const far = submitted('far', { deadline: addMs(t0, 9_000) });
    const near = submitted('near', { deadline: addMs(t0, 3_000) });
    const { follow, commit, saved, sent } = setUp([far, near], { slots: 1 });
    expect(await follow('far', 'near')).toEqual({ calls: 1, inquiries: 0 });
    await commit();
    expect(sent).toEqual(['near']);
    expect(saved.get('far')).toMatchObject({ status: 'held', nextAt: t0, attempt: 0 });
  });

  test.each([
    ['past its deadline', submitted('a', { deadline: addMs(t0, -1) })],
    ['closed for dispatch', submitted('a', { closedForDispatch: true })],
    ['on a reported route', submitted('a', { mode: 'reported', provider: null })],
    ['of a provider that is not configured', submitted('a', { provider: 'gone' })],
  ])('is not sent %s', async (_, row) => {
    const { follow, commit, saved, sent, published } = setUp([row]);
    await follow('a');
    await commit();
    expect([saved.get('a')?.status, sent, published]).toEqual(['held', [], []]);
  });

  describe('by a route with two providers', () => {
    const routes = new Map([
      [
        'default',
        [
          { id: 'acme', priority: 1, weight: 1 },
          { id: 'borealis', priority: 2, weight: 1 },
        ],
      ],
    ]);

    test('is sent to the first, and the intent says why', async () => {
      const { follow, commit, sent, published } = setUp([submitted('a')], { routes });
      await follow('a');
      await commit();
      expect(sent).toEqual(['a']);
      expect(published).toMatchObject([
        { event: { data: { provider: 'acme', reason: 'preferred', detail: 'Priority 1.' } } },
      ]);
    });

    test('is sent to the second while the first is disabled', async () => {
      const { follow, published } = setUp([submitted('a')], { routes, disabled: new Set(['acme']) });
      await follow('a');
      expect(published).toMatchObject([{ event: { data: { provider: 'borealis', reason: 'disabled' } } }]);
    });

    test('waits while nobody may be called', async () => {
      const disabled = new Set(['acme', 'borealis']);
      const { follow, saved, published } = setUp([submitted('a')], { routes, disabled });
      expect(await follow('a')).toEqual({ calls: 1, inquiries: 0 });
      expect([saved.get('a')?.status, published]).toEqual(['held', []]);
    });
  });

  test('is not sent while its only provider is disabled', async () => {
    const { follow, saved, published } = setUp([submitted('a')], { disabled: new Set(['acme']) });
    expect(await follow('a')).toEqual({ calls: 1, inquiries: 0 });
    expect([saved.get('a')?.status, saved.get('a')?.nextAt, published]).toEqual(['held', t0, []]);
  });
});

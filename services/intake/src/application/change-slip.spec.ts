import { describe, expect, test } from '@jest/globals';
import { draftSlip, now, reviewedSlip, rules } from '../domain/waiting/spec-support.ts';
import type { KnownSlip } from '../domain/waiting/waiting-slip.ts';
import { type ChangeRequest, changeSlip } from './change-slip.ts';
import type { EarlierChange, EventPosition, SlipChange, SlipChanged } from './ports.ts';
import { noLines } from './spec-support.ts';

const position: EventPosition = { partition: 3, seq: 7n, at: now };
const request: ChangeRequest = {
  ...{
    slipId: 'slip-1',
    caller: 'shop',
    key: 'k',
    digest: Buffer.from('a'),
    ifVersion: null,
    traceparent: null,
  },
  wish: { type: 'confirm' },
};

/** Stands in the place of the store; `interferers` change the slip before a change of ours, one each. */
function store(slips: (KnownSlip | null)[], earlier: EarlierChange | null = null) {
  const changes: SlipChange[] = [];
  const seen = [...slips];
  return {
    changes,
    waiting: {
      read: async () => ({ now, slip: seen[0] ?? null, earlier: seen.length > 1 ? null : earlier }),
      change: async (made: readonly SlipChange[]) => {
        changes.push(...made);
        if (seen.length === 1) return new Map([[made[0]!.slipId, { type: 'changed' as const, position }]]);
        seen.shift();
        return new Map<string, SlipChanged>();
      },
      nextDue: async () => null,
      reviews: async () => ({ now, items: [], next: null, previous: null }),
      review: async () => null,
    },
  };
}
const ask = ({ waiting }: ReturnType<typeof store>, change: Partial<ChangeRequest> = {}) =>
  changeSlip({ waiting, rules, lines: noLines, partitionOf: () => 3 }, { ...request, ...change });

test('a command is carried out on the version that was seen, under its key', async () => {
  const one = store([draftSlip({ version: 2 })]);
  expect(await ask(one)).toEqual({
    ...{ type: 'changed', slipId: 'slip-1', reference: 'ord-1', status: 'submitted' },
    ...{ version: 3, position, replayed: false },
  });
  expect(one.changes).toMatchObject([
    {
      ...{ slipId: 'slip-1', version: 2, status: 'submitted' },
      events: [{ partition: 3, event: { type: 'SlipSubmitted' } }],
      answers: { caller: 'shop', operation: 'confirm', key: 'k' },
    },
  ]);
});

describe('a key that was used', () => {
  const earlier: EarlierChange = {
    ...{
      digest: Buffer.from('a'),
      slipId: 'slip-1',
      reference: 'ord-1',
      status: 'submitted',
      version: 3,
      position,
    },
  };
  test('gets the first answer again, whatever the slip is now', async () => {
    const one = store([draftSlip({ status: 'rejected', draft: null })], earlier);
    expect(await ask(one)).toMatchObject({
      type: 'changed',
      status: 'submitted',
      version: 3,
      replayed: true,
    });
    expect(one.changes).toEqual([]);
  });
  test('for another request is refused', async () => {
    expect(await ask(store([draftSlip()], earlier), { digest: Buffer.from('b') })).toEqual({
      type: 'key_reused',
    });
  });
});

test('of others’ slips nothing is said', async () => {
  for (const one of [store([null]), store([draftSlip({ caller: 'other' })])]) {
    expect(await ask(one)).toEqual({ type: 'not_found' });
    expect(one.changes).toEqual([]);
  }
});

test('a review is decided by others than its caller, and by nobody where there is none', async () => {
  const wish = { type: 'approve', by: 'ann', note: '' } as const;
  const one = store([reviewedSlip()]);
  expect(await ask(one, { caller: 'ann', wish })).toMatchObject({
    type: 'changed',
    status: 'submitted',
    version: 3,
  });
  expect(one.changes).toMatchObject([
    { progress: { status: 'approved' }, answers: { caller: 'ann', operation: 'approve' } },
  ]);
  expect(await ask(store([reviewedSlip()]), { wish: { ...wish, by: 'shop' } })).toMatchObject({
    type: 'same_person',
  });
  expect(await ask(store([draftSlip()]), { caller: 'ann', wish })).toEqual({ type: 'not_found' });
});

test('a version that is not the one the caller saw is refused before anything is decided', async () => {
  const one = store([draftSlip({ version: 2 })]);
  expect(await ask(one, { ifVersion: 1 })).toEqual({ type: 'other_version', version: 2 });
  expect(one.changes).toEqual([]);
  expect(await ask(one, { ifVersion: 2 })).toMatchObject({ type: 'changed' });
});

test('whoever is overtaken looks again: a reminder stops nobody, a withdrawal does', async () => {
  expect(await ask(store([draftSlip(), draftSlip({ version: 2 })]))).toMatchObject({
    type: 'changed',
    version: 3,
  });
  const withdrawn = draftSlip({ status: 'withdrawn', version: 2, draft: null });
  expect(await ask(store([draftSlip(), withdrawn]))).toEqual({ type: 'too_late', status: 'withdrawn' });
});

test('a slip that never stands still is refused for now', async () => {
  const restless = store(Array.from({ length: 6 }, () => draftSlip()));
  await expect(ask(restless)).rejects.toMatchObject({ code: 'unavailable' });
});

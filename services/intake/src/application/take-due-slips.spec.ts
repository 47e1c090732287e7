import { expect, test } from '@jest/globals';
import { addMs } from '@slipstream/kernel';
import { now, review } from '../domain/waiting/spec-support.ts';
import type { DueSlip, SlipChange } from './ports.ts';
import { takeDueSlips } from './take-due-slips.ts';

const draft = (slipId: string, remindInMs: number | null, expireInMs: number): DueSlip => ({
  ...{ slipId, version: 1, review: null },
  draft: {
    remindAt: remindInMs === null ? null : addMs(now, remindInMs),
    expiresAt: addMs(now, expireInMs),
  },
});
const inReview = (slipId: string, dueInMs: number): DueSlip => ({
  ...{ slipId, version: 2, draft: null },
  review: review({ dueAt: addMs(now, dueInMs), claimedBy: 'ann' }),
});

async function round(...slips: DueSlip[]) {
  const changes: SlipChange[] = [];
  const waitMs = await takeDueSlips({
    waiting: {
      nextDue: async () => (slips.length > 0 ? { now, slips } : null),
      change: async (made) => {
        changes.push(...made);
        return new Map();
      },
    },
    partitionOf: () => 3,
  });
  const said = changes.map(({ slipId, status, events }) => [
    slipId,
    status,
    ...events.map((one) => one.event.type),
  ]);
  return { waitMs, said, changes };
}

test('what is due is said in one transaction, and the next is waited for', async () => {
  const { waitMs, said, changes } = await round(
    draft('a', null, -1),
    draft('b', -5, 5_000),
    draft('c', 1_500, 9_000),
  );
  expect(said).toEqual([
    ['a', 'expired', 'DraftExpired'],
    ['b', 'draft', 'DraftReminderDue'],
  ]);
  expect(waitMs).toBe(1_500);
  expect(changes[0]).toMatchObject({ version: 1, answers: null, events: [{ slipId: 'a', partition: 3 }] });
});

test('without a draft it looks again after half a minute: another instance may have made one, and died', async () => {
  expect(await round()).toMatchObject({ waitMs: 30_000, said: [] });
  expect(await round(draft('a', null, 86_400_000))).toMatchObject({ waitMs: 30_000, said: [] });
});

test('what nobody decided in time is declined, whoever looked at it', async () => {
  const { waitMs, said, changes } = await round(inReview('a', 0), inReview('b', 700));
  expect(said).toEqual([['a', 'declined', 'SlipDeclined']]);
  expect(changes).toMatchObject([
    {
      version: 2,
      events: [{ event: { data: { by: 'intake', reason: 'review_deadline' } } }],
      progress: { status: 'declined', claimedBy: 'ann', decidedBy: 'intake', reason: 'review_deadline' },
    },
  ]);
  expect(waitMs).toBe(700);
});

test('behind a page that was all due there may be more', async () => {
  expect((await round(draft('a', null, 0))).waitMs).toBe(0);
});

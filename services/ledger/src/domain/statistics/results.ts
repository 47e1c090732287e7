import { isLive, type SlipState } from '@slipstream/slip';
import type { FollowedSlip } from '../log/follow.ts';

/** What becomes of slips, as it is counted. `recovered`: overdue, and then it returned. */
export const results = [
  'submitted',
  'rejected',
  'returned',
  'overdue',
  'recovered',
  'not_returned',
  'settled',
  'refunded',
] as const;
export type Result = (typeof results)[number];

type Slip = Pick<FollowedSlip, 'state' | 'clock'>;

/** What became of a live slip when it changed; each once in its life. `before` null: it is new. */
export function resultsBetween(before: Slip | null, { state, clock }: Slip): Result[] {
  if (state === null || !isLive(clock)) return [];
  const was = before?.state ?? null;
  return results.filter((result) => isReached[result](state) && (was === null || !isReached[result](was)));
}

const isReached: Readonly<Record<Result, (state: SlipState) => boolean>> = {
  submitted: ({ submittedAt }) => submittedAt !== null,
  rejected: ({ rejection }) => rejection !== null,
  returned: ({ outcome }) => outcome !== null,
  overdue: ({ overdue }) => overdue,
  recovered: ({ overdue, outcome }) => overdue && outcome !== null,
  not_returned: ({ notReturned }) => notReturned !== null,
  settled: ({ settled }) => settled,
  refunded: ({ refunded }) => refunded,
};

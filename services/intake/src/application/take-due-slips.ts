import { earlier, type Instant, instantToMs } from '@slipstream/kernel';
import { type SlipEvent, wallClock } from '@slipstream/slip';
import { decideOverdueReview } from '../domain/review/decide-review.ts';
import type { ReviewProgress } from '../domain/review/review.ts';
import { decideDue } from '../domain/waiting/decide-draft.ts';
import type { IntakeStatus } from '../domain/waiting/waiting-slip.ts';
import type { DueSlip, SlipChange, WaitingStore } from './ports.ts';

/** Of one transaction. */
const slipsMax = 100;
/** Slips of another instance that died are looked for so often. */
const roundMsMax = 30_000;

export interface DueSlipsContext {
  readonly waiting: Pick<WaitingStore, 'nextDue' | 'change'>;
  partitionOf(slipId: string): number;
}

/**
 * Reminds of drafts, lets them expire, and declines what nobody reviewed, by the database's clock. Other instances may do
 * so at the same time: what one of them did the others find done.
 * @returns milliseconds until the next is due, as far as it is known
 */
export async function takeDueSlips({ waiting, partitionOf }: DueSlipsContext): Promise<number> {
  const found = await waiting.nextDue(slipsMax);
  if (found === null) return roundMsMax;
  const { now, slips } = found;
  const changes = slips.flatMap((slip) => changeOf(slip, now, partitionOf) ?? []);
  if (changes.length > 0) await waiting.change(changes);
  const next = slips[changes.length];
  if (next === undefined) return 0;
  // What is due within a millisecond is due in the next one.
  return Math.min(roundMsMax, Math.max(1, instantToMs(dueAt(next)) - instantToMs(now)));
}

function dueAt({ draft, review }: DueSlip): Instant {
  if (draft !== null) return earlier(draft.remindAt ?? draft.expiresAt, draft.expiresAt);
  return review.dueAt;
}

function changeOf(slip: DueSlip, now: Instant, partitionOf: (slipId: string) => number): SlipChange | null {
  const due = decide(slip, now);
  if (due === null) return null;
  const { slipId, version } = slip;
  const { status, event, progress } = due;
  const pending = { slipId, partition: partitionOf(slipId), clock: wallClock, event, receivedAt: null };
  return { slipId, version, status, events: [pending], newReview: null, gate: null, progress, answers: null };
}

interface Due {
  readonly status: IntakeStatus;
  readonly event: SlipEvent;
  readonly progress: ReviewProgress | null;
}

function decide({ draft, review }: DueSlip, now: Instant): Due | null {
  if (draft !== null) {
    const event = decideDue(draft, now);
    const status = event?.type === 'DraftExpired' ? 'expired' : 'draft';
    return event && { status, event, progress: null };
  }
  const decision = decideOverdueReview(review, now);
  return decision?.type === 'decided' ? decision : null;
}

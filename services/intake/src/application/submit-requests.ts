import { type Instant, must } from '@slipstream/kernel';
import { type PendingEvent, wallClock } from '@slipstream/slip';
import type { Repeat } from '../domain/review/review.ts';
import {
  decideSubmission,
  type SubmissionDecision,
  type SubmissionRules,
  waitMsMax,
} from '../domain/submission/decide-submission.ts';
import { gateOf, passingRepeats, repeatOf } from '../domain/submission/gates.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import type { Submission } from '../domain/submission/submission.ts';
import { reviewRequested } from '../domain/waiting/decide-change.ts';
import { decideDraft } from '../domain/waiting/decide-draft.ts';
import { answering } from './answering.ts';
import {
  type EventPosition,
  HeldElsewhere,
  type IntakeStore,
  type JudgedRequest,
  type Lines,
  type Settled,
  type StoreLimits,
  type Waits,
} from './ports.ts';
import { sameBytes } from './same-bytes.ts';

/** A keyed request for a slip. Its key is scoped to the caller and the operation. */
export interface SubmitRequest {
  readonly key: string;
  readonly digest: Uint8Array;
  readonly submission: Submission;
  /** The slip is to wait for its confirmation. */
  readonly isDraft: boolean;
  readonly traceparent: string | null;
  /** It was let in to the line of its route, and has its place there. */
  readonly hasPlace?: boolean;
}

export type SubmitOutcome =
  | {
      readonly type: 'accepted';
      readonly slipId: string;
      readonly reference: string;
      readonly status: 'submitted' | 'draft' | 'in_review';
      readonly position: EventPosition;
      /** The slip was made by an earlier, equal request. */
      readonly replayed: boolean;
      /** The slip that this one repeats: people look at it for that; null: it repeats none. */
      readonly firstSlipId: string | null;
    }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'key_reused' }
  /** By this slip of the same caller. */
  | { readonly type: 'reference_taken'; readonly slipId: string }
  | { readonly type: 'in_flight' };

/** What became of no request yet, while others of its batch are committed: it alone may be tried again, or fails. */
export type Unsettled = { readonly type: 'held' } | { readonly type: 'failed'; readonly cause: unknown };

export interface SubmitContext {
  readonly store: IntakeStore;
  readonly rules: SubmissionRules;
  readonly lines: Lines;
  newId(): string;
  /** Of `slips.events.v1`, where everything about the slip goes. */
  partitionOf(slipId: string): number;
}

export const submitOperation = 'submit';

const noLine = { waitMs: 0, throttled: false };

/**
 * Answers a batch of requests in one transaction, in order. Whoever gets `accepted` finds the slip committed. Refusals
 * are not kept under their key: the same request gets the same refusal again, and a corrected one may use the key.
 * @throws HeldElsewhere when another transaction holds what one of them needs longer than `limits` allow
 */
export async function submitRequests(
  context: SubmitContext,
  requests: readonly SubmitRequest[],
  limits?: StoreLimits,
): Promise<readonly (SubmitOutcome | Unsettled)[]> {
  const leaders = new Map<string, SubmitRequest>();
  for (const request of requests) if (!leaders.has(keyOf(request))) leaders.set(keyOf(request), request);
  const leading = [...leaders.values()];
  const settled = await settleAll(context, leading, limits);
  settled.forEach((one, index) => {
    const { submission, isDraft } = leading[index]!;
    if (one.type === 'answered' && one.isNew && one.answer.review === null && !isDraft)
      context.lines.accepted(submission.route, waitMsMax(submission, one.answer.position.at, context.rules));
  });
  const bySettled = new Map(leading.map((leader, index) => [leader, settled[index]]));
  return requests.map((request) => {
    const leader = must(leaders.get(keyOf(request)), 'every request has a leader');
    return outcomeOf(request, leader, must(bySettled.get(leader), 'every leader is settled'));
  });
}

/** Repeats that people are to look at are found by the gates, and settled behind the others. */
async function settleAll(
  context: SubmitContext,
  requests: readonly SubmitRequest[],
  limits: StoreLimits | undefined,
): Promise<readonly (Settled | Unsettled)[]> {
  const { store, rules } = context;
  const settled = await store.settle((now) => requests.map((one) => judge(context, one, now, null)), limits);
  const repeats = new Map<number, Repeat>();
  settled.forEach((one, index) => {
    const repeat = one.type === 'refused' ? repeatOf(one.refusal, rules.gates) : null;
    if (repeat) repeats.set(index, repeat);
  });
  if (repeats.size === 0) return settled;
  const again = await settleRepeats(context, requests, repeats, limits);
  const places = [...repeats.keys()];
  return settled.map((one, index) => (repeats.has(index) ? again[places.indexOf(index)]! : one));
}

/** The others are committed by now, and have their answers whatever becomes of these. */
async function settleRepeats(
  context: SubmitContext,
  requests: readonly SubmitRequest[],
  repeats: ReadonlyMap<number, Repeat>,
  limits: StoreLimits | undefined,
): Promise<readonly (Settled | Unsettled)[]> {
  const judgeAll = (now: Instant) =>
    [...repeats].map(([index, repeat]) => judge(context, requests[index]!, now, repeat));
  try {
    return await context.store.settle(judgeAll, limits);
  } catch (cause) {
    const each: Unsettled = cause instanceof HeldElsewhere ? { type: 'held' } : { type: 'failed', cause };
    return Array.from({ length: repeats.size }, () => each);
  }
}

function judge(
  { rules, lines, newId, partitionOf }: SubmitContext,
  request: SubmitRequest,
  now: Instant,
  repeat: Repeat | null,
): JudgedRequest {
  const { key, digest, submission, isDraft, traceparent } = request;
  const { caller, reference } = submission;
  const { route } = submission;
  // Whoever came in was judged by the line as it was then; who is sent away now has waited for nothing.
  const line = request.hasPlace
    ? noLine
    : {
        waitMs: lines.expectedMs(route),
        throttled: lines.isThrottled(route, waitMsMax(submission, now, rules)),
      };
  const circumstances = { clock: wallClock, receivedAt: now, clockClosed: false, ...line, repeat };
  const decision = isDraft
    ? decideDraft(submission, now, rules)
    : decideSubmission(submission, circumstances, rules);
  const judged = { caller, operation: submitOperation, key, digest, reference };
  if (!decision.accepted) return { ...judged, verdict: decision };
  const slipId = newId();
  const pending = {
    slipId,
    partition: partitionOf(slipId),
    clock: wallClock,
    event: answering(decision.event, { operation: submitOperation, key, digest }),
    receivedAt: null,
    traceparent,
  };
  const waits =
    'draft' in decision ? { draft: decision.draft } : waitsInReview(submission, decision, pending);
  // A draft passes the gates when it is confirmed.
  const gate = isDraft ? null : gateOf(submission, rules.gates);
  const passed = gate && repeat ? passingRepeats(gate) : gate;
  return { ...judged, verdict: { accepted: true, event: pending, waits, gate: passed } };
}

/** null: it need not be reviewed. */
function waitsInReview(
  submission: Submission,
  { review, event: { data } }: SubmissionDecision & { accepted: true },
  pending: PendingEvent,
): Waits | null {
  if (review === null) return null;
  const { slipId } = pending;
  return {
    review: { ...review, slipId, submission, deadline: data.deadline },
    event: { ...pending, event: reviewRequested(review) },
  };
}

/** What a request gets; `leader`, itself or another, is the one of the batch that its key was settled with. */
function outcomeOf(
  request: SubmitRequest,
  leader: SubmitRequest,
  settled: Settled | Unsettled,
): SubmitOutcome | Unsettled {
  if (settled.type !== 'answered') {
    // The leader left the key free: another body is not refused for it, but may come again.
    return sameBytes(request.digest, leader.digest) ? settled : { type: 'in_flight' };
  }
  const { digest, slipId, position } = settled.answer;
  if (!sameBytes(digest, request.digest)) return { type: 'key_reused' };
  const { reference } = request.submission;
  const replayed = !settled.isNew || request !== leader;
  const { review } = settled.answer;
  const status = request.isDraft ? 'draft' : review ? 'in_review' : 'submitted';
  const firstSlipId = status === 'in_review' ? (review?.firstSlipId ?? null) : null;
  return { type: 'accepted', slipId, reference, status, position, replayed, firstSlipId };
}

/** Neither a caller nor a key has a line break in it. */
export function keyOf({ submission: { caller }, key }: SubmitRequest): string {
  return `${caller}\n${key}`;
}

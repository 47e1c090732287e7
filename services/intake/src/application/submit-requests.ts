import { type Instant, must } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import {
  decideSubmission,
  type Refusal,
  type SubmissionRules,
} from '../domain/submission/decide-submission.ts';
import type { Submission } from '../domain/submission/submission.ts';
import type { EventPosition, IntakeStore, JudgedRequest, Settled, StoreLimits } from './ports.ts';

/** A keyed request for a slip. Its key is scoped to the caller and the operation. */
export interface SubmitRequest {
  readonly key: string;
  readonly digest: Uint8Array;
  readonly submission: Submission;
  readonly traceparent: string | null;
}

export type SubmitOutcome =
  | {
      readonly type: 'accepted';
      readonly slipId: string;
      readonly reference: string;
      readonly position: EventPosition;
      /** The slip was made by an earlier, equal request. */
      readonly replayed: boolean;
    }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'key_reused' }
  /** By this slip of the same caller. */
  | { readonly type: 'reference_taken'; readonly slipId: string }
  | { readonly type: 'in_flight' };

export interface SubmitContext {
  readonly store: IntakeStore;
  readonly rules: SubmissionRules;
  newId(): string;
  /** Of `slips.events.v1`, where everything about the slip goes. */
  partitionOf(slipId: string): number;
}

export const submitOperation = 'submit';

/**
 * Answers a batch of requests in one transaction, in order. Whoever gets `accepted` finds the slip committed. Refusals
 * are not kept under their key: the same request gets the same refusal again, and a corrected one may use the key.
 * @throws HeldElsewhere when another transaction holds what one of them needs longer than `limits` allow
 */
export async function submitRequests(
  context: SubmitContext,
  requests: readonly SubmitRequest[],
  limits?: StoreLimits,
): Promise<readonly SubmitOutcome[]> {
  const leaders = new Map<string, SubmitRequest>();
  for (const request of requests) if (!leaders.has(keyOf(request))) leaders.set(keyOf(request), request);
  const leading = [...leaders.values()];
  const settled = await context.store.settle(
    (now) => leading.map((request) => judge(context, request, now)),
    limits,
  );
  const bySettled = new Map(leading.map((leader, index) => [leader, settled[index]]));
  return requests.map((request) => {
    const leader = must(leaders.get(keyOf(request)), 'every request has a leader');
    return outcomeOf(request, leader, must(bySettled.get(leader), 'every leader is settled'));
  });
}

function judge(
  { rules, newId, partitionOf }: SubmitContext,
  request: SubmitRequest,
  now: Instant,
): JudgedRequest {
  const { key, digest, submission, traceparent } = request;
  const { caller, reference } = submission;
  const circumstances = { clock: wallClock, receivedAt: now, clockClosed: false };
  const decision = decideSubmission(submission, circumstances, rules);
  const judged = { caller, operation: submitOperation, key, digest, reference };
  if (!decision.accepted) return { ...judged, verdict: decision };
  const slipId = newId();
  const { event } = decision;
  const pending = {
    slipId,
    partition: partitionOf(slipId),
    clock: wallClock,
    event,
    receivedAt: null,
    traceparent,
  };
  return { ...judged, verdict: { accepted: true, event: pending } };
}

/** What a request gets; `leader`, itself or another, is the one of the batch that its key was settled with. */
function outcomeOf(request: SubmitRequest, leader: SubmitRequest, settled: Settled): SubmitOutcome {
  if (settled.type !== 'answered') {
    // The leader left the key free: another body is not refused for it, but may come again.
    return sameBytes(request.digest, leader.digest) ? settled : { type: 'in_flight' };
  }
  const { digest, slipId, position } = settled.answer;
  if (!sameBytes(digest, request.digest)) return { type: 'key_reused' };
  const { reference } = request.submission;
  const replayed = !settled.isNew || request !== leader;
  return { type: 'accepted', slipId, reference, position, replayed };
}

/** Neither a caller nor a key has a line break in it. */
function keyOf({ submission: { caller }, key }: SubmitRequest): string {
  return `${caller}\n${key}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

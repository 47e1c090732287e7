import { must } from '@slipstream/kernel';
import { type EventOf, wallClock } from '@slipstream/slip';
import {
  decideSubmission,
  type Refusal,
  type SubmissionRules,
} from '../domain/submission/decide-submission.ts';
import type { Submission } from '../domain/submission/submission.ts';
import type { EarlierUse, EventPosition, IntakeStore, IntakeTx, RequestKey, StoreLimits } from './ports.ts';

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
 * What became of a key. `kept`: an earlier request has it. `made` becomes `accepted` when the commit has told the event's
 * position.
 */
type Settled =
  | SubmitOutcome
  | { readonly type: 'kept'; readonly answer: EarlierUse }
  | { readonly type: 'made'; readonly slipId: string };

/** A request on its way to become a slip. */
interface Candidate {
  readonly request: SubmitRequest;
  readonly slipId: string;
  readonly event: EventOf<'SlipSubmitted'>;
}

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
  const { result: settled, positions } = await context.store.run(
    (tx) => settleAll(context, tx, [...leaders.values()]),
    limits,
  );
  return requests.map((request) => {
    const leader = must(leaders.get(keyOf(request)), 'every request has a leader');
    return outcomeOf(request, leader, must(settled.get(leader), 'every leader is settled'), positions);
  });
}

async function settleAll(
  context: SubmitContext,
  tx: IntakeTx,
  requests: readonly SubmitRequest[],
): Promise<ReadonlyMap<SubmitRequest, Settled>> {
  const { rules, newId } = context;
  const settled = new Map<SubmitRequest, Settled>();
  const candidates: Candidate[] = [];
  const { now, answers } = await tx.lookUp(requests.map(requestKey));
  for (const [index, request] of requests.entries()) {
    const answer = answers[index];
    if (answer) {
      settled.set(request, { type: 'kept', answer });
      continue;
    }
    const circumstances = { clock: wallClock, receivedAt: now, clockClosed: false };
    const decision = decideSubmission(request.submission, circumstances, rules);
    if (decision.accepted) candidates.push({ request, slipId: newId(), event: decision.event });
    else settled.set(request, { type: 'refused', refusal: decision.refusal });
  }
  const claimed = await claim(tx, candidates, settled);
  await insert(context, tx, claimed, settled);
  return settled;
}

/** Another instance may take a key between the look and the claim: then its answer counts. */
async function claim(
  tx: IntakeTx,
  candidates: readonly Candidate[],
  settled: Map<SubmitRequest, Settled>,
): Promise<readonly Candidate[]> {
  if (candidates.length === 0) return [];
  const taken = await tx.claimKeys(
    candidates.map(({ request, slipId }) => ({ ...requestKey(request), digest: request.digest, slipId })),
  );
  const lost = candidates.filter(({ slipId }) => !taken.has(slipId));
  if (lost.length > 0) {
    const { answers } = await tx.lookUp(lost.map(({ request }) => requestKey(request)));
    for (const [index, { request }] of lost.entries()) {
      const answer = answers[index];
      settled.set(request, answer ? { type: 'kept', answer } : { type: 'in_flight' });
    }
  }
  return candidates.filter(({ slipId }) => taken.has(slipId));
}

async function insert(
  { partitionOf }: SubmitContext,
  tx: IntakeTx,
  candidates: readonly Candidate[],
  settled: Map<SubmitRequest, Settled>,
): Promise<void> {
  if (candidates.length === 0) return;
  const inserted = await tx.insertSlips(
    candidates.map(({ request: { submission, digest }, slipId }) => {
      const { caller, reference } = submission;
      return { slipId, caller, reference, clock: wallClock, digest, status: 'submitted' };
    }),
  );
  const taken = candidates.filter(({ slipId }) => !inserted.has(slipId));
  if (taken.length > 0) await refuseTaken(tx, taken, settled);
  const made = candidates.filter(({ slipId }) => inserted.has(slipId));
  for (const { request, slipId } of made) {
    settled.set(request, { type: 'made', slipId });
  }
  tx.publish(
    made.map(({ request: { traceparent }, slipId, event }) => {
      const partition = partitionOf(slipId);
      return { slipId, partition, clock: wallClock, event, receivedAt: null, traceparent };
    }),
  );
}

async function refuseTaken(
  tx: IntakeTx,
  taken: readonly Candidate[],
  settled: Map<SubmitRequest, Settled>,
): Promise<void> {
  await tx.releaseKeys(taken.map(({ slipId }) => slipId));
  const holders = await tx.slipsOf(taken.map(({ request }) => request.submission));
  for (const [index, { request }] of taken.entries()) {
    const slipId = must(holders[index], 'a taken reference has its slip');
    settled.set(request, { type: 'reference_taken', slipId });
  }
}

/** What a request gets; `leader`, itself or another, is the one of the batch that its key was settled with. */
function outcomeOf(
  request: SubmitRequest,
  leader: SubmitRequest,
  settled: Settled,
  positions: ReadonlyMap<string, EventPosition>,
): SubmitOutcome {
  if (settled.type === 'kept') return replay(request, settled.answer);
  if (settled.type === 'made') {
    const { slipId } = settled;
    const position = must(positions.get(slipId), 'a committed slip has its event');
    const outcome = replay(request, { digest: leader.digest, slipId, position });
    return outcome.type === 'accepted' ? { ...outcome, replayed: request !== leader } : outcome;
  }
  // The leader left the key free: another body is not refused for it, but may come again.
  return sameBytes(request.digest, leader.digest) ? settled : { type: 'in_flight' };
}

function replay(request: SubmitRequest, { digest, slipId, position }: EarlierUse): SubmitOutcome {
  if (!sameBytes(digest, request.digest)) return { type: 'key_reused' };
  const { reference } = request.submission;
  return { type: 'accepted', slipId, reference, position, replayed: true };
}

function requestKey({ submission: { caller }, key }: SubmitRequest): RequestKey {
  return { caller, operation: submitOperation, key };
}

/** Neither a caller nor a key has a line break in it. */
function keyOf({ submission: { caller }, key }: SubmitRequest): string {
  return `${caller}\n${key}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

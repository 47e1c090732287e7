import { type Instant, must, SlipstreamError } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';
import type { Repeat } from '../domain/review/review.ts';
import type { SubmissionRules } from '../domain/submission/decide-submission.ts';
import { type Gate, gateOf, onceMore, passingRepeats, repeatOf } from '../domain/submission/gates.ts';
import type { Refusal } from '../domain/submission/refusal.ts';
import { type Changed, decideChange, isCallers, type Wish } from '../domain/waiting/decide-change.ts';
import type { IntakeStatus, KnownSlip } from '../domain/waiting/waiting-slip.ts';
import { answering } from './answering.ts';
import type { EventPosition, Lines, NewReview, RequestKey, SlipChange, WaitingStore } from './ports.ts';
import { sameBytes } from './same-bytes.ts';

/** A keyed command of a caller on a slip that waits for people. */
export interface ChangeRequest {
  readonly slipId: string;
  readonly caller: string;
  readonly key: string;
  /** Of all that the request says. */
  readonly digest: Uint8Array;
  /** The version that the caller has seen; null: whichever it is. */
  readonly ifVersion: number | null;
  readonly wish: Wish;
  readonly traceparent: string | null;
}

export type ChangeOutcome =
  | {
      readonly type: 'changed';
      readonly slipId: string;
      readonly reference: string;
      readonly status: IntakeStatus;
      readonly version: number;
      readonly position: EventPosition;
      /** An earlier, equal request was carried out. */
      readonly replayed: boolean;
    }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'too_late'; readonly status: string }
  | { readonly type: 'same_person'; readonly detail: string }
  | { readonly type: 'claimed' }
  | { readonly type: 'not_claimed' }
  | { readonly type: 'not_found' }
  | { readonly type: 'key_reused' }
  | { readonly type: 'other_version'; readonly version: number };

export interface ChangeContext {
  readonly waiting: WaitingStore;
  readonly rules: SubmissionRules;
  readonly lines: Lines;
  /** Of `slips.events.v1`, where everything about the slip goes. */
  partitionOf(slipId: string): number;
}

/** Somebody else may change the slip between the look at it and the change. */
const triesMax = 5;

/**
 * Carries out a command on a slip that waits. Like a submission it is answered once per (caller, operation, key), for
 * ever, and a refusal is not kept. @throws SlipstreamError unavailable when others keep changing the slip
 */
export async function changeSlip(context: ChangeContext, request: ChangeRequest): Promise<ChangeOutcome> {
  const { caller, key, wish, slipId, digest } = request;
  const scope: RequestKey = { caller, operation: wish.type, key };
  for (let tries = 1; tries <= triesMax; tries++) {
    const { now, slip, earlier } = await context.waiting.read(slipId, scope);
    if (earlier) {
      if (!sameBytes(earlier.digest, digest)) return { type: 'key_reused' };
      const { reference, status, version, position } = earlier;
      return { type: 'changed', slipId, reference, status, version, position, replayed: true };
    }
    if (slip === null || !mayAsk(slip, wish, caller)) return { type: 'not_found' };
    const outcome = await tryOnce(context, request, slip, now, scope);
    if (outcome !== null) return outcome;
  }
  throw new SlipstreamError('unavailable', 'Others are changing this slip; try again soon.');
}

/** null: somebody else changed the slip meanwhile. */
async function tryOnce(
  context: ChangeContext,
  request: ChangeRequest,
  slip: KnownSlip,
  now: Instant,
  scope: RequestKey,
  repeat: Repeat | null = null,
): Promise<ChangeOutcome | null> {
  const { waiting, rules, lines, partitionOf } = context;
  const { wish, digest, ifVersion, traceparent } = request;
  const { slipId, reference, version } = slip;
  if (ifVersion !== null && ifVersion !== version) return { type: 'other_version', version };
  const waitMs = slip.draft === null ? 0 : lines.expectedMs(slip.draft.submission.route);
  const decision = decideChange(slip, wish, now, rules, { waitMs, repeat });
  if (decision.type !== 'changed') return decision;
  const { status, events } = decision;
  const place = { slipId, partition: partitionOf(slipId), clock: wallClock, receivedAt: null, traceparent };
  const change: SlipChange = {
    ...{ slipId, version, status, progress: decision.progress },
    newReview: newReviewOf(slip, decision),
    gate: gateFor(slip, decision, rules),
    events: events.map((event) => ({ ...place, event: answering(event, { ...scope, digest }) })),
    answers: { ...scope, digest },
  };
  const made = (await waiting.change([change])).get(slipId);
  if (made === undefined) return null;
  if (made.type === 'refused') {
    const found = draftRepeat(slip, made.refusal, rules);
    return found ? tryOnce(context, request, slip, now, scope, found) : made;
  }
  const submitted = slip.draft?.submission ?? slip.reviewed;
  // It stands in line, and keeps nobody out who comes more than one at a time.
  if (status === 'submitted' && submitted !== null) lines.accepted(submitted.route, Number.POSITIVE_INFINITY);
  const { position } = made;
  const next = version + events.length;
  return { type: 'changed', slipId, reference, status, version: next, position, replayed: false };
}

/** Of others' slips callers are told nothing, not even that they exist; whoever reviews sees those in review. */
function mayAsk({ caller: owner, review }: KnownSlip, wish: Wish, caller: string): boolean {
  return isCallers(wish) ? owner === caller : review !== null;
}

/**
 * What submits a slip, or lets it go on: a draft passed no gate when it came, and what people approve passes them once more, for
 * it is now that money is to move. null: neither.
 */
function gateFor(
  { draft, review, reviewed }: KnownSlip,
  { status, newReview }: Changed,
  { gates }: SubmissionRules,
): Gate | null {
  if (status !== 'submitted' && status !== 'in_review') return null;
  if (draft !== null) {
    const gate = gateOf(draft.submission, gates);
    return newReview?.firstSlipId ? passingRepeats(gate) : gate;
  }
  if (status !== 'submitted' || reviewed === null) return null;
  const gate = onceMore(gateOf(reviewed, gates));
  return review?.firstSlipId ? passingRepeats(gate) : gate;
}

/** Of a draft that is confirmed; what people approve is refused as the repeat that it is. */
function draftRepeat({ draft }: KnownSlip, refusal: Refusal, { gates }: SubmissionRules): Repeat | null {
  return draft === null ? null : repeatOf(refusal, gates);
}

function newReviewOf({ slipId, draft }: KnownSlip, { newReview }: Changed): NewReview | null {
  if (newReview === null) return null;
  const { submission } = must(draft, 'a review begins when a draft is confirmed');
  return { slipId, submission, ...newReview };
}

import { addMs, type Instant, instantToMs } from '@slipstream/kernel';
import { type EventOf, type SlipKind, type StagePolicy, wallClock } from '@slipstream/slip';
import { type Repeat, type ReviewPolicy, type ReviewTerms, reviewOf } from '../review/review.ts';
import type { GateRules } from './gates.ts';
import { brokenRule, type PaymentRule } from './payment-rules.ts';
import type { Refusal, SubmissionRule } from './refusal.ts';
import type { Submission } from './submission.ts';

/** However far; not at all; or so far, in minor units by currency, and in any other currency not at all. */
export type Overdraft = boolean | ReadonlyMap<string, bigint>;

/** What the operators decided about one route. */
export interface RoutePolicy {
  readonly mode: 'dispatched' | 'reported';
  readonly provider: string | null;
  readonly kinds: readonly SlipKind[];
  /** From submission to the latest answer that is in time. */
  readonly outcomeDeadlineMs: number;
  /** How long its provider may take to be reached and to answer a call; 0 where nobody is called. */
  readonly answerMsMax: number;
  /** How far slips may take their payer's account below zero. */
  readonly overdraft: Readonly<Record<SlipKind, Overdraft>>;
  readonly quietPeriodMs: number;
  readonly inquiryLadderMs: readonly number[];
  /** How long the stages on the way to the provider may take; none: as long as the deadline lets them. */
  readonly stages?: StagePolicy | null;
  /** How long a draft can be confirmed. */
  readonly draftExpiresMs: number;
  /** How long before that its caller is reminded; 0: not at all. */
  readonly draftRemindBeforeMs: number;
  /** Which slips people must approve; null: none. */
  readonly review: ReviewPolicy | null;
}

export interface SubmissionRules {
  readonly configDigest: string;
  readonly routes: ReadonlyMap<string, RoutePolicy>;
  readonly graceMs: number;
  readonly payments: readonly PaymentRule[];
  /** What the store judges by, once all else is right. */
  readonly gates: GateRules;
}

/** When and on which clock a submission was received: the database's time, or an import's own. */
export interface Circumstances {
  readonly clock: string;
  readonly receivedAt: Instant;
  /** The clock was closed before: nothing on it would ever be judged. */
  readonly clockClosed: boolean;
  /** How long slips of its route wait for their call, as far as anybody knows. */
  readonly waitMs: number;
  /** More came on its route of late than may stand in line. */
  readonly throttled: boolean;
  /** The gates found it to be a repeat that people are to look at; null: they did not, or were not asked yet. */
  readonly repeat: Repeat | null;
}

export type SubmissionDecision =
  | {
      readonly accepted: true;
      readonly event: EventOf<'SlipSubmitted'>;
      /** Set: people must approve it before anything is held. */
      readonly review: ReviewTerms | null;
    }
  | { readonly accepted: false; readonly refusal: Refusal };

const yearMs = 365 * 86_400_000;

/** Judges a submission whose fields are sound. The answer depends on the arguments alone, so a replay gives it again. */
export function decideSubmission(
  submission: Submission,
  circumstances: Circumstances,
  rules: SubmissionRules,
): SubmissionDecision {
  const { account, counterparty, kind, route: name } = submission;
  if (circumstances.clockClosed) {
    return refuse('clock_closed', 'clock', `The clock ${circumstances.clock} is closed.`);
  }
  if (account === counterparty) {
    return refuse('same_account', 'counterparty', 'The counterparty must not be the account itself.');
  }
  const route = rules.routes.get(name);
  if (!route) return refuse('route_unknown', 'route', `There is no route ${name}.`);
  if (!route.kinds.includes(kind)) {
    return refuse('kind_not_on_route', 'kind', `The route ${name} takes ${route.kinds.join(', ')} only.`);
  }
  if (circumstances.clock !== wallClock && route.mode !== 'reported') {
    // An imported slip must cause no call (ARCHITECTURE section 8).
    return refuse('route_not_reported', 'route', `The route ${name} calls a provider; an import must not.`);
  }
  if (circumstances.clock === wallClock) {
    const refusal = brokenRule(submission, circumstances.receivedAt, rules.payments);
    if (refusal) return { accepted: false, refusal };
  }
  return withDeadline(submission, circumstances, route, rules);
}

function withDeadline(
  submission: Submission,
  { clock, receivedAt, waitMs, throttled, repeat }: Circumstances,
  route: RoutePolicy,
  rules: SubmissionRules,
): SubmissionDecision {
  // What was imported has happened already.
  const review = clock === wallClock ? reviewOf(submission, route, receivedAt, repeat) : null;
  // Until it is approved the slip has the latest deadline that it can get.
  const startsAt = review === null ? receivedAt : review.dueAt;
  const deadline = submission.deadline ?? later(startsAt, route.outcomeDeadlineMs);
  if (clock === wallClock && deadline <= receivedAt) {
    return refuse('deadline_in_past', 'deadline', `The deadline ${deadline} is over.`);
  }
  // A sooner one than the call itself may take would be missed by construction.
  const msMin = route.answerMsMax;
  if (clock === wallClock && deadline < later(receivedAt, msMin)) {
    const why = `as long as the route ${submission.route} may need for an answer`;
    return refuse(
      'deadline_too_close',
      'deadline',
      `The deadline must be at least ${msMin} ms ahead, ${why}.`,
    );
  }
  // It is judged when the grace is over, and that must be an instant too.
  const judgeable = later(deadline, rules.graceMs) !== endOfTime;
  if (!judgeable || (clock === wallClock && deadline > later(receivedAt, yearMs))) {
    return refuse('deadline_too_far', 'deadline', 'The deadline must lie within one year.');
  }
  if (clock === wallClock && route.mode === 'dispatched' && review === null) {
    const overMs = waitMs - shareOfTimeMs(receivedAt, deadline);
    if (overMs > 0) return waitTooLong(submission.route, waitMs, overMs);
    if (throttled) return tooManyAtOnce(submission.route, waitMs);
  }
  const event = submitted(submission, deadline, route, rules, review !== null);
  return { accepted: true, event, review };
}

/**
 * Of the time until its deadline a slip may be expected to wait for its call: how fast a line moves is known from what left it, and
 * a flood slows what it waits for.
 */
const waitShareMax = 0.5;
/** So long it may be expected to wait in any case that leaves it in time: an expectation is off by seconds. */
const waitMsMin = 5_000;

/** Nobody is told to come later than that: a line is often over sooner than it seems. */
const retryAfterSMax = 60;

function shareOfTimeMs(from: Instant, deadline: Instant): number {
  const timeMs = instantToMs(deadline) - instantToMs(from);
  return Math.max(timeMs * waitShareMax, Math.min(timeMs, waitMsMin));
}

/** How long a submission that comes now may be expected to wait for its call. */
export function waitMsMax(
  { deadline, route }: Submission,
  now: Instant,
  { routes }: SubmissionRules,
): number {
  return shareOfTimeMs(now, deadline ?? later(now, routes.get(route)?.outcomeDeadlineMs ?? yearMs));
}

/** It could only be taken to be given back. */
function waitTooLong(route: string, waitMs: number, overMs: number): SubmissionDecision {
  const detail = `Slips of the route ${route} wait ${Math.ceil(waitMs / 1_000)} s for their call: longer than this one can.`;
  const retryAfterS = Math.min(retryAfterSMax, Math.ceil(overMs / 1_000));
  return { accepted: false, refusal: { rule: 'wait_too_long', field: 'deadline', detail, retryAfterS } };
}

/** The line would grow faster than it can be told how long it is. */
function tooManyAtOnce(route: string, waitMs: number): SubmissionDecision {
  const detail = `More slips come on the route ${route} than leave it: those before this one wait ${Math.ceil(waitMs / 1_000)} s.`;
  return { accepted: false, refusal: { rule: 'throttled', field: 'route', detail, retryAfterS: 1 } };
}

function submitted(
  { amount, metadata, deadline: _, ...named }: Submission,
  deadline: Instant,
  route: RoutePolicy,
  { configDigest, graceMs }: SubmissionRules,
  reviewRequired: boolean,
): EventOf<'SlipSubmitted'> {
  const { mode, provider, overdraft, quietPeriodMs, inquiryLadderMs, stages = null } = route;
  const empty = Object.keys(metadata).length === 0;
  return {
    type: 'SlipSubmitted',
    data: {
      ...named,
      amount,
      mode,
      provider,
      ...overdraftOf(overdraft[named.kind], amount),
      reviewRequired,
      deadline,
      policy: { graceMs, quietPeriodMs, inquiryLadderMs, stages },
      configDigest,
      details: empty ? null : { clear: { text: '', metadata }, sealed: null },
    },
  };
}

/** As the ledger, which holds the money, must judge it. */
function overdraftOf(
  rule: Overdraft,
  amount: Submission['amount'],
): Pick<EventOf<'SlipSubmitted'>['data'], 'overdraft' | 'overdraftLimit'> {
  if (typeof rule === 'boolean') return { overdraft: rule, overdraftLimit: rule ? null : 0n };
  return { overdraft: false, overdraftLimit: (amount && rule.get(amount.currency)) ?? 0n };
}

/** The last instant there is: what lies beyond it cannot be written down, so it is no deadline either. */
const endOfTime: Instant = '9999-12-31T23:59:59.999999Z';

const endMs = instantToMs(endOfTime);

function later(instant: Instant, ms: number): Instant {
  return endMs - instantToMs(instant) >= ms ? addMs(instant, ms) : endOfTime;
}

function refuse(rule: SubmissionRule, field: Refusal['field'], detail: string): SubmissionDecision {
  return { accepted: false, refusal: { rule, field, detail } };
}

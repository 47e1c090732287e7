import type { Mode } from './config.ts';
import type { Fault } from './rules.ts';

export type CallbackKind = 'progress' | 'forged' | 'final' | 'contradicting';

/** What a provider does with one submission; the whole behaviour of a fault is here. */
export interface Plan {
  /** `final`: the outcome in the reply; `acknowledge`: 202, the outcome comes later. */
  readonly reply:
    | 'final'
    | 'acknowledge'
    | 'silence'
    | 'reset'
    | 'server_error'
    | 'reject'
    | 'garbage'
    | 'redirect'
    | 'throttle';
  /** Time from receipt until the work is done; null: never done. */
  readonly executesAfterMs: number | null;
  /** Time from receipt until the slip is accepted. */
  readonly acceptsAfterMs: number;
  /** What becomes of the slip: as rolled for it, a business failure, or rejected without being tried. */
  readonly end: 'rolled' | 'failed' | 'rejected';
  /** Time from receipt during which inquiries say not_found. */
  readonly hiddenForMs: number;
  /** Sent in this order when the outcome is known; empty: the outcome is never sent by callback. */
  readonly callbacks: readonly CallbackKind[];
  /** Time added to the moment at which the outcome is known. */
  readonly callbackDelayMs: number;
  /** The callbacks leave no sooner than this after receipt. */
  readonly callbackNotBeforeMs: number;
  /** From the final callback to the one that contradicts it. */
  readonly contradictsAfterMs: number;
  readonly dripped: boolean;
  /** How long a throttled sender is asked to wait. */
  readonly retryAfterMs: number;
  /** The amount that answers name: what was asked for, one minor unit more, as much of another currency, or 0. */
  readonly amountTold: 'asked' | 'raised' | 'other_currency' | 'zero';
}

export interface PlanInput {
  readonly fault: Fault | null;
  readonly delayMs: number | null;
  /** Until the rule ends; null: it has no end. */
  readonly endsInMs: number | null;
  readonly mode: Mode;
  readonly acceptanceDelayMaxMs: number;
  /** Whether this slip is one of those with a progress callback. */
  readonly progress: boolean;
}

const LATE_CALLBACK_MS = 10_000;
const EXECUTES_LATE_SHARE = 0.6;
const RETRY_AFTER_MS = 1000;

/**
 * Pure. Faults of callbacks make a sync provider treat the slip as async, else they would have no effect; a polled one
 * has no callbacks, and takes what it rejects: the question tells.
 */
export function planFor(input: PlanInput): Plan {
  const plan = planOfFault(input);
  if (input.mode !== 'polled') return plan;
  return { ...plan, callbacks: [], reply: plan.reply === 'reject' ? 'acknowledge' : plan.reply };
}

function planOfFault(input: PlanInput): Plan {
  const usual = input.mode === 'sync' ? SYNC : ASYNC;
  switch (input.fault) {
    case null:
      return input.progress ? withProgress(usual) : usual;
    case 'refuse_connection':
      return { ...NOT_DONE, reply: 'reset' };
    case 'timeout_before_work':
      return { ...NOT_DONE, reply: 'silence' };
    case 'timeout_after_work':
      return input.delayMs === null
        ? { ...MUTE, reply: 'silence' }
        : { ...MUTE, reply: 'silence', callbacks: ['final'], callbackNotBeforeMs: input.delayMs };
    case 'executes_late': {
      const delayMs = input.delayMs ?? Math.round(EXECUTES_LATE_SHARE * input.acceptanceDelayMaxMs);
      return {
        ...MUTE,
        reply: 'silence',
        acceptsAfterMs: delayMs,
        executesAfterMs: delayMs,
        hiddenForMs: delayMs,
      };
    }
    case 'error_500_before_work':
      return { ...NOT_DONE, reply: 'server_error' };
    case 'error_500_after_work':
      return { ...MUTE, reply: 'server_error' };
    case 'reject':
      return { ...NOT_DONE, reply: 'reject', end: 'rejected' };
    case 'lost_callback':
      return { ...MUTE, reply: 'acknowledge' };
    case 'duplicate_callback':
      return { ...ASYNC, callbacks: ['final', 'final'] };
    case 'late_callback':
      return { ...ASYNC, callbackDelayMs: input.delayMs ?? LATE_CALLBACK_MS };
    case 'forged_callback':
      return { ...ASYNC, callbacks: ['forged', 'final'] };
    case 'reordered_callback':
      return { ...ASYNC, callbacks: ['final', 'progress'] };
    case 'contradicting_callback':
      return { ...ASYNC, callbacks: ['final', 'contradicting'], contradictsAfterMs: input.delayMs ?? 0 };
    case 'not_found_early':
      return { ...MUTE, reply: 'acknowledge', hiddenForMs: input.acceptanceDelayMaxMs };
    case 'amount_changed':
      return { ...usual, amountTold: 'raised' };
    case 'currency_changed':
      return { ...usual, amountTold: 'other_currency' };
    case 'zero_amount_failure':
      return { ...usual, end: 'failed', amountTold: 'zero' };
    case 'garbage_body':
      return { ...MUTE, reply: 'garbage' };
    case 'slow_drip':
      return { ...usual, dripped: true };
    case 'redirect':
      return { ...NOT_DONE, reply: 'redirect' };
    case 'throttle_429':
      return { ...NOT_DONE, reply: 'throttle', retryAfterMs: input.delayMs ?? RETRY_AFTER_MS };
    case 'frozen_backlog':
      return { ...ASYNC, executesAfterMs: input.endsInMs };
    case 'slow_inquiry':
    case 'ignores_cancellation':
      return usual;
    default:
      return unreachable(input.fault);
  }
}

const ASYNC: Plan = {
  reply: 'acknowledge',
  acceptsAfterMs: 0,
  executesAfterMs: 0,
  end: 'rolled',
  hiddenForMs: 0,
  callbacks: ['final'],
  callbackDelayMs: 0,
  callbackNotBeforeMs: 0,
  contradictsAfterMs: 0,
  dripped: false,
  retryAfterMs: 0,
  amountTold: 'asked',
};
const SYNC: Plan = { ...ASYNC, reply: 'final', callbacks: [] };
/** The work is done and nobody is told unless he asks. */
const MUTE: Plan = { ...ASYNC, callbacks: [] };
const NOT_DONE: Plan = { ...ASYNC, executesAfterMs: null, callbacks: [] };

function withProgress(plan: Plan): Plan {
  return plan.callbacks.length === 0 ? plan : { ...plan, callbacks: ['progress', ...plan.callbacks] };
}

function unreachable(fault: never): never {
  throw new Error(`unknown fault ${String(fault)}`);
}

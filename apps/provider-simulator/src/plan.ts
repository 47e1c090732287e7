import type { Fault } from './rules.ts';

export type CallbackKind = 'progress' | 'forged' | 'final';

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
    | 'redirect';
  /** Time from receipt until the work is done; null: never done. */
  readonly executesAfterMs: number | null;
  /** Time from receipt during which inquiries say not_found. */
  readonly hiddenForMs: number;
  /** Sent in this order when the outcome is known; empty: the outcome is never sent by callback. */
  readonly callbacks: readonly CallbackKind[];
  /** Time added to the moment at which the outcome is known. */
  readonly callbackDelayMs: number;
  /** The callbacks leave no sooner than this after receipt. */
  readonly callbackNotBeforeMs: number;
  readonly dripped: boolean;
  /** The amount that answers name: what was asked for, one minor unit more, or as much of another currency. */
  readonly amountTold: 'asked' | 'raised' | 'other_currency';
}

export interface PlanInput {
  readonly fault: Fault | null;
  readonly delayMs: number | null;
  readonly mode: 'async' | 'sync';
  readonly acceptanceDelayMaxMs: number;
  /** Whether this slip is one of those with a progress callback. */
  readonly progress: boolean;
}

const LATE_CALLBACK_MS = 10_000;
const EXECUTES_LATE_SHARE = 0.6;

/** Pure. Faults of callbacks make a sync provider treat the slip as async, else they would have no effect. */
export function planFor(input: PlanInput): Plan {
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
      return { ...MUTE, reply: 'silence', executesAfterMs: delayMs, hiddenForMs: delayMs };
    }
    case 'error_500_before_work':
      return { ...NOT_DONE, reply: 'server_error' };
    case 'error_500_after_work':
      return { ...MUTE, reply: 'server_error' };
    case 'reject':
      return { ...NOT_DONE, reply: 'reject' };
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
    case 'not_found_early':
      return { ...MUTE, reply: 'acknowledge', hiddenForMs: input.acceptanceDelayMaxMs };
    case 'amount_changed':
      return { ...usual, amountTold: 'raised' };
    case 'currency_changed':
      return { ...usual, amountTold: 'other_currency' };
    case 'garbage_body':
      return { ...MUTE, reply: 'garbage' };
    case 'slow_drip':
      return { ...usual, dripped: true };
    case 'redirect':
      return { ...NOT_DONE, reply: 'redirect' };
    default:
      return unreachable(input.fault);
  }
}

const ASYNC: Plan = {
  reply: 'acknowledge',
  executesAfterMs: 0,
  hiddenForMs: 0,
  callbacks: ['final'],
  callbackDelayMs: 0,
  callbackNotBeforeMs: 0,
  dripped: false,
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

import type { Callback } from './callbacks.ts';
import type { ProviderConfig } from './config.ts';
import type { Limits } from './limits.ts';
import { type CallbackKind, type Plan, planFor } from './plan.ts';
import { decide, decideInquiry, type Rule } from './rules.ts';
import { between, roll, seededId } from './seeded.ts';
import { type StatementLine, statement } from './statement.ts';
import type { Timers } from './timers.ts';
import {
  type Answer,
  acceptedAt,
  inquired,
  isExecuted,
  type Money,
  type Outcome,
  type Run,
  rfc3339,
  type SlipRecord,
  type TruthStore,
} from './truth.ts';
import type { Word } from './words.ts';

/** One submission, whatever the protocol. */
export interface SlipSubmission {
  readonly slip_id: string;
  readonly reference: string;
  readonly kind: string;
  readonly account: string | null;
  readonly counterparty: string | null;
  readonly amount: Money | null;
  readonly attempt: number;
}

/** How a submission is answered, after `latencyMs`. `answer` is set when the reply is a final one. */
export type Reply =
  | { readonly kind: 'word'; readonly word: Word; readonly answer: Answer | null; readonly dripped: boolean }
  | { readonly kind: 'throttle'; readonly retryAfterMs: number }
  | { readonly kind: 'garbage' | 'redirect' | 'silence' | 'reset' | 'server_error' | 'too_many' };

export interface Reception {
  readonly reply: Reply;
  readonly latencyMs: number;
}

/** The answer to an inquiry, given after `delayMs`. `answer` is set when it is a final one. */
export interface Finding {
  readonly word: Word;
  readonly answer: Answer | null;
  readonly delayMs: number;
}

/** ISO 20022 reasons of a business failure. */
const REASONS = ['AC04', 'AC06', 'AM04', 'AG01', 'RR04'] as const;
const PROGRESS_SHARE = 0.3;
const SLOW_INQUIRY_MS = 3000;
/** Not the provider's: a receiver that verifies signatures must refuse it. */
const FORGED_SECRET = `whsec_${Buffer.alloc(32, 'forged').toString('base64')}`;

export interface ProviderParts {
  readonly config: ProviderConfig;
  readonly seed: string;
  readonly rules: () => readonly Rule[];
  readonly truth: TruthStore;
  readonly timers: Timers;
  readonly limits: Limits;
  readonly now: () => number;
  readonly send: (callback: Callback) => void;
}

/**
 * One provider's behaviour, without its HTTP. Unless it is idempotent it doesn't dedupe: every submission that does the
 * work is a run.
 */
export class Provider {
  readonly config: ProviderConfig;
  readonly #parts: ProviderParts;
  /** Of these nothing is ever worked on. */
  readonly #cancelled = new Set<string>();

  constructor(parts: ProviderParts) {
    this.config = parts.config;
    this.#parts = parts;
  }

  /** Decides, notes and schedules everything about one submission. */
  receive(slip: SlipSubmission): Reception {
    const { config, truth, now, rules, seed } = this.#parts;
    const nowMs = now();
    const submission = { provider: config.id, slipId: slip.slip_id, ...slip };
    const decided = this.#plan(slip, decide(rules(), seed, submission, nowMs), nowMs);
    const plan = this.#cancelled.has(slip.slip_id) ? refused(decided) : decided;
    if (plan.reply === 'reset') return { reply: { kind: 'reset' }, latencyMs: 0 };
    const record = truth.open({
      slipId: slip.slip_id,
      reference: slip.reference,
      provider: config.id,
      receivedAtMs: nowMs,
      amount: slip.amount,
    });
    if (record.runs.length >= this.#parts.limits.runsPerSlipMax) {
      return { reply: { kind: 'too_many' }, latencyMs: 0 };
    }
    const latencyMs = between(config.latency_ms, this.#roll(slip, 'latency'));
    const known = this.#isIdempotent() ? record.runs[0] : undefined;
    if (known) return { reply: this.#again(record, known, plan, nowMs + latencyMs), latencyMs };
    const run = this.#start(record, slip, plan, nowMs, latencyMs);
    if (run) {
      record.runs.push(run);
      this.#scheduleCallbacks(record, run, plan, nowMs);
    }
    return { reply: this.#reply(record, run, plan, nowMs + latencyMs), latencyMs };
  }

  /** What is known now; a rule of inquiries may let it be told later. */
  inquire(slipId: string): Finding {
    const { config, truth, now, rules, seed } = this.#parts;
    const nowMs = now();
    const record = truth.find(config.id, slipId);
    const asked = { provider: config.id, slipId, reference: record?.reference ?? null };
    const rule = decideInquiry(rules(), 'slow_inquiry', seed, asked, nowMs);
    const delayMs = rule === null ? 0 : (rule.delayMs ?? SLOW_INQUIRY_MS);
    const run = record && inquired(record, nowMs);
    if (!record || !run) return { word: { what: 'unknown' }, answer: null, delayMs };
    if (run.answersAtMs <= nowMs) {
      const answer = truth.answer(record, 'inquiry', run.outcome, nowMs);
      return { word: { what: 'state', run, state: run.outcome }, answer, delayMs };
    }
    const state = run.progressAtMs <= nowMs ? 'in_progress' : 'pending';
    return { word: { what: 'state', run, state }, answer: null, delayMs };
  }

  /**
   * Cancels by the caller's reference: confirmed, no order of it is ever worked on, whenever it comes. What was worked on, or what an inquiry
   * would tell of, is not cancelled any more: it is told. A rule lets the provider break its word.
   */
  cancel(slipId: string): Finding {
    const { config, truth, now, rules, seed } = this.#parts;
    const nowMs = now();
    const record = truth.find(config.id, slipId);
    const told = { provider: config.id, slipId, reference: record?.reference ?? null };
    const runs = record?.runs ?? [];
    const run = runs.find((one) => isExecuted(one, nowMs) || one.visibleFromMs <= nowMs);
    if (record && run) {
      const isKnown = run.answersAtMs <= nowMs;
      const answer = isKnown ? truth.answer(record, 'inquiry', run.outcome, nowMs) : null;
      return { word: { what: 'state', run, state: isKnown ? run.outcome : 'pending' }, answer, delayMs: 0 };
    }
    const confirmed: Finding = { word: { what: 'cancelled' }, answer: null, delayMs: 0 };
    if (decideInquiry(rules(), 'ignores_cancellation', seed, told, nowMs)) return confirmed;
    record?.runs.splice(0);
    this.#cancelled.add(slipId);
    if (this.#cancelled.size > this.#parts.limits.truthSlipsMax)
      this.#cancelled.delete(this.#cancelled.values().next().value ?? '');
    return confirmed;
  }

  /** What this provider did on one UTC day (`YYYY-MM-DD`). */
  statement(day: string): StatementLine[] {
    const { config, truth, now } = this.#parts;
    return statement(truth, config.id, day, now());
  }

  #isIdempotent(): boolean {
    return this.config.idempotent || this.config.mode === 'polled';
  }

  #plan(slip: SlipSubmission, rule: Rule | null, nowMs: number): Plan {
    return planFor({
      fault: rule?.fault ?? null,
      delayMs: rule?.delayMs ?? null,
      endsInMs: rule === null || rule.toMs === null ? null : rule.toMs - nowMs,
      mode: this.config.mode,
      acceptanceDelayMaxMs: this.config.acceptance_delay_max_ms,
      progress: this.#roll(slip, 'progress') < PROGRESS_SHARE,
    });
  }

  #start(record: SlipRecord, slip: SlipSubmission, plan: Plan, nowMs: number, latencyMs: number): Run | null {
    const rejected = plan.end === 'rejected';
    if (plan.executesAfterMs === null && !rejected) return null;
    const { seed } = this.#parts;
    const answerMs = between(this.config.answer_ms, this.#roll(slip, 'answer'));
    const workedMs = (plan.executesAfterMs ?? 0) + latencyMs;
    const atOnce = rejected || this.config.mode === 'sync';
    const outcome = plan.end !== 'rolled' || this.#fails(slip.slip_id) ? 'failed' : 'succeeded';
    return {
      providerId: `${this.config.id}-${seededId(seed, this.config.id, slip.slip_id, record.runs.length)}`,
      acceptedAtMs: nowMs + plan.acceptsAfterMs,
      executesAtMs: plan.executesAfterMs === null ? null : nowMs + plan.executesAfterMs,
      progressAtMs: nowMs + workedMs + Math.floor(answerMs / 2),
      answersAtMs: nowMs + workedMs + (atOnce ? 0 : answerMs),
      visibleFromMs: nowMs + plan.hiddenForMs,
      outcome,
      reason: rejected ? 'AC04' : outcome === 'failed' ? this.#reason(slip.slip_id) : null,
      amount: told(slip.amount, plan.amountTold),
    };
  }

  #reply(record: SlipRecord, run: Run | null, plan: Plan, atMs: number, again = false): Reply {
    const { reply, dripped, retryAfterMs } = plan;
    if (reply === 'throttle') return { kind: reply, retryAfterMs };
    if (!isSpoken(reply)) return { kind: reply };
    if (run === null) return { kind: 'server_error' };
    if (reply === 'acknowledge') {
      return { kind: 'word', word: { what: 'taken', run, again }, answer: null, dripped };
    }
    const answer = this.#parts.truth.answer(record, 'reply', run.outcome, atMs);
    return { kind: 'word', word: { what: reply === 'final' ? 'final' : 'rejected', run }, answer, dripped };
  }

  /** The slip was taken before: nothing is done, and the same is said again, unless this reply is lost. */
  #again(record: SlipRecord, run: Run, plan: Plan, atMs: number): Reply {
    const reply = isSpoken(plan.reply) ? this.#lastWord(run, atMs) : plan.reply;
    return this.#reply(record, run, { ...plan, reply }, atMs, true);
  }

  #lastWord(run: Run, atMs: number): Spoken {
    if (this.config.mode === 'polled') return 'acknowledge';
    if (run.executesAtMs === null) return 'reject';
    return this.config.mode === 'sync' && run.answersAtMs <= atMs ? 'final' : 'acknowledge';
  }

  /** The outcome leaves by callback, or is noted as an answer that was lost; a polled provider owes none. */
  #scheduleCallbacks(record: SlipRecord, run: Run, plan: Plan, nowMs: number): void {
    if (plan.reply === 'final' || plan.reply === 'reject' || this.config.mode === 'polled') return;
    const { timers, truth } = this.#parts;
    if (!plan.callbacks.includes('final')) {
      const what = this.config.mode === 'sync' && plan.reply !== 'acknowledge' ? 'reply' : 'callback';
      truth.answer(record, what, run.outcome, run.answersAtMs);
      return;
    }
    const [early, rest] =
      plan.callbacks[0] === 'progress' ? [true, plan.callbacks.slice(1)] : [false, plan.callbacks];
    if (early) timers.after(run.progressAtMs - nowMs, () => this.#send(record, run, 'progress'));
    const dueMs = Math.max(run.answersAtMs - nowMs + plan.callbackDelayMs, plan.callbackNotBeforeMs);
    timers.after(dueMs, () => {
      for (const kind of rest) {
        if (kind !== 'contradicting') this.#send(record, run, kind);
        else timers.after(plan.contradictsAfterMs, () => this.#send(record, run, kind));
      }
    });
  }

  #send(record: SlipRecord, run: Run, kind: CallbackKind): void {
    const { config, now, send, truth } = this.#parts;
    const nowMs = now();
    const claim = claimed(run, kind);
    const isAnswer = claim.status !== 'in_progress' && kind !== 'forged';
    const answer = isAnswer ? truth.answer(record, 'callback', claim.status, nowMs) : null;
    send({
      slipId: record.slipId,
      body: callbackBody(record, run, claim, saidAtMs(run, kind, nowMs)),
      secret: kind === 'forged' ? FORGED_SECRET : config.secret,
      retried: kind !== 'forged',
      delivered: (atMs) => {
        if (answer) answer.deliveredAtMs = atMs;
      },
    });
  }

  #roll(slip: SlipSubmission, what: string): number {
    return roll(this.#parts.seed, what, this.config.id, slip.slip_id, slip.attempt);
  }

  /** The same for every attempt: the outcome is the slip's, not the submission's. */
  #fails(slipId: string): boolean {
    return roll(this.#parts.seed, 'outcome', this.config.id, slipId) < this.config.failure_rate;
  }

  #reason(slipId: string): string {
    const share = roll(this.#parts.seed, 'reason', this.config.id, slipId);
    return REASONS[Math.floor(share * REASONS.length)] ?? 'AC04';
  }
}

/** What was cancelled before is not taken. */
function refused(plan: Plan): Plan {
  return { ...plan, reply: 'reject', end: 'rejected', executesAfterMs: null, callbacks: [] };
}

type Spoken = 'final' | 'acknowledge' | 'reject';

function isSpoken(reply: Plan['reply']): reply is Spoken {
  return reply === 'final' || reply === 'acknowledge' || reply === 'reject';
}

interface Claim {
  readonly status: Outcome | 'in_progress';
  readonly reason: string | null;
}

function callbackBody(record: SlipRecord, run: Run, claim: Claim, atMs: number): string {
  const at = rfc3339(atMs);
  const data = {
    slip_id: record.slipId,
    reference: record.reference,
    ...{ provider_id: run.providerId, accepted_at: acceptedAt(run) },
    ...claim,
    amount: run.amount,
    at,
  };
  return JSON.stringify({ type: 'slip.updated', timestamp: at, data });
}

function saidAtMs(run: Run, kind: CallbackKind, nowMs: number): number {
  if (kind === 'contradicting') return nowMs;
  return kind === 'progress' ? run.progressAtMs : run.answersAtMs;
}

function claimed(run: Run, kind: CallbackKind): Claim {
  if (kind === 'progress') return { status: 'in_progress', reason: null };
  if (kind === 'final') return { status: run.outcome, reason: run.reason };
  return run.outcome === 'succeeded'
    ? { status: 'failed', reason: 'AC04' }
    : { status: 'succeeded', reason: null };
}

function told(asked: Money | null, how: Plan['amountTold']): Money | null {
  if (asked === null || how === 'asked') return asked;
  if (how === 'zero') return { ...asked, amount: '0' };
  if (how === 'raised') return { ...asked, amount: String(BigInt(asked.amount) + 1n) };
  return { ...asked, currency: asked.currency === 'JPY' ? 'EUR' : 'JPY' };
}

import type { Callback } from './callbacks.ts';
import type { ProviderConfig } from './config.ts';
import type { Limits } from './limits.ts';
import { type CallbackKind, type Plan, planFor } from './plan.ts';
import { decide, type Rule } from './rules.ts';
import { between, roll, seededId } from './seeded.ts';
import type { Timers } from './timers.ts';
import {
  type Answer,
  inquired,
  type Money,
  type Outcome,
  type Run,
  rfc3339,
  type SlipRecord,
  type TruthStore,
} from './truth.ts';

/** The body of `POST /slips`. */
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
  | { readonly kind: 'json'; status: number; body: object; answer: Answer | null; dripped: boolean }
  | { readonly kind: 'garbage' | 'redirect' | 'silence' | 'reset' | 'too_many' };

export interface Reception {
  readonly reply: Reply;
  readonly latencyMs: number;
}

/** ISO 20022 reasons of a business failure. */
const REASONS = ['AC04', 'AC06', 'AM04', 'AG01', 'RR04'] as const;
const PROGRESS_SHARE = 0.3;
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

/** One provider's behaviour, without its HTTP. It doesn't dedupe: every submission that does the work is a run. */
export class Provider {
  readonly config: ProviderConfig;
  readonly #parts: ProviderParts;

  constructor(parts: ProviderParts) {
    this.config = parts.config;
    this.#parts = parts;
  }

  /** Decides, notes and schedules everything about one submission. */
  receive(slip: SlipSubmission): Reception {
    const { config, truth, now, rules, seed } = this.#parts;
    const nowMs = now();
    const submission = { provider: config.id, slipId: slip.slip_id, ...slip };
    const plan = this.#plan(slip, decide(rules(), seed, submission, nowMs));
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
    const run = this.#start(record, slip, plan, nowMs, latencyMs);
    if (run) {
      record.runs.push(run);
      this.#scheduleCallbacks(record, run, plan, nowMs);
    }
    return { reply: this.#reply(record, run, plan, nowMs + latencyMs), latencyMs };
  }

  /** The answer to an inquiry and, if it is final, the entry to complete when it went out; null: not found. */
  inquire(slipId: string): { body: object; answer: Answer | null } | null {
    const { config, truth, now } = this.#parts;
    const nowMs = now();
    const record = truth.find(config.id, slipId);
    const run = record && inquired(record, nowMs);
    if (!record || !run) return null;
    if (run.answersAtMs <= nowMs) {
      return { body: final(run), answer: truth.answer(record, 'inquiry', run.outcome, nowMs) };
    }
    const status = run.progressAtMs <= nowMs ? 'in_progress' : 'pending';
    return { body: { provider_id: run.providerId, status, reason: null, amount: run.amount }, answer: null };
  }

  #plan(slip: SlipSubmission, rule: Rule | null): Plan {
    return planFor({
      fault: rule?.fault ?? null,
      delayMs: rule?.delayMs ?? null,
      mode: this.config.mode,
      acceptanceDelayMaxMs: this.config.acceptance_delay_max_ms,
      progress: this.#roll(slip, 'progress') < PROGRESS_SHARE,
    });
  }

  #start(record: SlipRecord, slip: SlipSubmission, plan: Plan, nowMs: number, latencyMs: number): Run | null {
    const rejected = plan.reply === 'reject';
    if (plan.executesAfterMs === null && !rejected) return null;
    const { seed } = this.#parts;
    const answerMs = between(this.config.answer_ms, this.#roll(slip, 'answer'));
    const workedMs = (plan.executesAfterMs ?? 0) + latencyMs;
    const atOnce = rejected || this.config.mode === 'sync';
    const outcome = rejected || this.#fails(slip.slip_id) ? 'failed' : 'succeeded';
    return {
      providerId: `${this.config.id}-${seededId(seed, this.config.id, slip.slip_id, record.runs.length)}`,
      executesAtMs: plan.executesAfterMs === null ? null : nowMs + plan.executesAfterMs,
      progressAtMs: nowMs + workedMs + Math.floor(answerMs / 2),
      answersAtMs: nowMs + workedMs + (atOnce ? 0 : answerMs),
      visibleFromMs: nowMs + plan.hiddenForMs,
      outcome,
      reason: rejected ? 'AC04' : outcome === 'failed' ? this.#reason(slip.slip_id) : null,
      amount: told(slip.amount, plan.amountTold),
    };
  }

  #reply(record: SlipRecord, run: Run | null, plan: Plan, atMs: number): Reply {
    const { truth } = this.#parts;
    const json = (status: number, body: object, answer: Answer | null = null): Reply => {
      return { kind: 'json', status, body, answer, dripped: plan.dripped };
    };
    switch (plan.reply) {
      case 'final':
        if (!run) break;
        return json(200, final(run), truth.answer(record, 'reply', run.outcome, atMs));
      case 'acknowledge':
        if (!run) break;
        return json(202, { provider_id: run.providerId, status: 'pending' });
      case 'reject': {
        const answer = truth.answer(record, 'reply', 'failed', atMs);
        return json(422, { status: 'rejected', reason: 'AC04' }, answer);
      }
      case 'garbage':
      case 'redirect':
      case 'silence':
      case 'reset':
        return { kind: plan.reply };
      case 'server_error':
        break;
    }
    return json(500, { error: 'internal error' });
  }

  /** The outcome leaves by callback, or is noted as an answer that was lost. */
  #scheduleCallbacks(record: SlipRecord, run: Run, plan: Plan, nowMs: number): void {
    if (plan.reply === 'final' || plan.reply === 'reject') return;
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
      for (const kind of rest) this.#send(record, run, kind);
    });
  }

  #send(record: SlipRecord, run: Run, kind: CallbackKind): void {
    const { config, now, send, truth } = this.#parts;
    const answer = kind === 'final' ? truth.answer(record, 'callback', run.outcome, now()) : null;
    send({
      slipId: record.slipId,
      body: callbackBody(record, run, kind),
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

function final(run: Run): object {
  return { provider_id: run.providerId, status: run.outcome, reason: run.reason, amount: run.amount };
}

function callbackBody(record: SlipRecord, run: Run, kind: CallbackKind): string {
  const at = rfc3339(kind === 'progress' ? run.progressAtMs : run.answersAtMs);
  const claim = claimed(run, kind);
  const data = {
    slip_id: record.slipId,
    reference: record.reference,
    provider_id: run.providerId,
    ...claim,
    amount: run.amount,
    at,
  };
  return JSON.stringify({ type: 'slip.updated', timestamp: at, data });
}

function claimed(run: Run, kind: CallbackKind): { status: Outcome | 'in_progress'; reason: string | null } {
  if (kind === 'progress') return { status: 'in_progress', reason: null };
  if (kind === 'final') return { status: run.outcome, reason: run.reason };
  return run.outcome === 'succeeded'
    ? { status: 'failed', reason: 'AC04' }
    : { status: 'succeeded', reason: null };
}

function told(asked: Money | null, how: Plan['amountTold']): Money | null {
  if (asked === null || how === 'asked') return asked;
  if (how === 'raised') return { ...asked, amount: String(BigInt(asked.amount) + 1n) };
  return { ...asked, currency: asked.currency === 'JPY' ? 'EUR' : 'JPY' };
}

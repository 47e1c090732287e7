import { expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import fc from 'fast-check';
import { answerInquiry, isToBeCancelled } from '../inquiry/inquiry.ts';
import type { CallOutcome, InquiryOutcome } from '../provider/answer.ts';
import { choose } from '../route/choose.ts';
import { attemptsMax, endAttempt, intend, mayIntend } from './attempt.ts';
import { moveTo } from './earlier.ts';
import { denied, dispatch, final, pending, t0 } from './spec-support.ts';
import type { Dispatch } from './state.ts';

const quietPeriodMs = 100;
const callMs = 50;
const answerTimeoutMs = 80;

type End = 'refused' | 'lost' | 'taken_silently' | 'acknowledged' | 'answered' | 'rejected';

/** What a provider does with the calls that it gets, within the bound that it declares. */
interface Behaviour {
  /** Of the first call, the second, and so on; the last of them of all that follow. */
  readonly ends: readonly End[];
  /** The same call again is the same order to it, and it declares that. */
  readonly isIdempotent: boolean;
  /** What it does not know it cancels when it is told to, and never executes, and it declares that. */
  readonly isCancelling: boolean;
  /** How long after it was sent it takes the slip up, as a share of what it declares. */
  readonly acceptedAfter: number;
  /** Null: it declares no bound, and may take a slip up at any time. */
  readonly boundMs: number | null;
}

interface Executed {
  readonly provider: string;
  readonly at: Instant;
}

interface Step {
  readonly waitMs: number;
  readonly disabled: ReadonlySet<string>;
  /** What is asked in it is answered only behind whatever is done next. */
  readonly isSlow: boolean;
}

/** One slip and its providers; `step` lets a while pass, and does what the service would do then. */
class World {
  state: Dispatch;
  now = t0;
  readonly executions: Executed[] = [];
  readonly calls = new Map<string, number>();
  /** How often a provider has confirmed that it never executes it. */
  cancelled = 0;
  #answer: (() => void) | null = null;
  readonly #tries = new Map<string, number>();
  readonly #ids: readonly string[];
  readonly #behaviours: readonly Behaviour[];

  constructor(behaviours: readonly Behaviour[]) {
    this.#ids = behaviours.map((_, index) => `p${index}`);
    this.#behaviours = behaviours;
    const policy = { graceMs: 0, quietPeriodMs, inquiryLadderMs: [0] };
    this.state = dispatch({ provider: 'p0', policy, deadline: addMs(t0, 100_000) });
  }

  step({ waitMs, disabled, isSlow }: Step): void {
    this.now = addMs(this.now, waitMs);
    const answer = this.#answer;
    this.#answer = null;
    if (mayIntend(this.state, this.now, this.#behaviour.isIdempotent)) this.#call(disabled);
    else if (this.state.status === 'unanswered' || this.state.status === 'answered') {
      this.#ask(disabled);
      if (!isSlow) this.#answered();
    } else if (this.state.status === 'held') this.#handOn(disabled);
    answer?.();
  }

  #answered(): void {
    this.#answer?.();
    this.#answer = null;
  }

  #choose(state: Dispatch, disabled: ReadonlySet<string>) {
    const candidates = this.#ids.map((id, index) => ({ id, priority: index + 1, weight: 1 }));
    const obstacle = (id: string) => (disabled.has(id) ? ('disabled' as const) : null);
    return choose(state, { candidates, obstacle, random: 0 });
  }

  #handOn(disabled: ReadonlySet<string>): void {
    const chosen = this.#choose(this.state, disabled);
    if (chosen) this.state = moveTo(this.state, chosen);
  }

  get #behaviour(): Behaviour {
    return this.#behaviours[this.#ids.indexOf(this.state.provider ?? '')]!;
  }

  #call(disabled: ReadonlySet<string>): void {
    const { boundMs, acceptedAfter, isIdempotent } = this.#behaviour;
    const provider = this.state.provider!;
    const end = this.#endOfNext(provider);
    const isKnown = isIdempotent && this.executions.some((one) => one.provider === provider);
    const limits = { connectTimeoutMs: callMs, answerTimeoutMs, acceptanceDelayMaxMs: boundMs };
    this.state = intend(this.state, this.now, callMs, limits, 'one');
    if (end !== 'refused') {
      this.calls.set(provider, (this.calls.get(provider) ?? 0) + 1);
      const at = addMs(this.state.notAfter!, Math.floor((boundMs ?? 90_000) * acceptedAfter));
      if (end !== 'lost' && end !== 'rejected' && !isKnown) this.executions.push({ provider, at });
    }
    this.now = addMs(this.now, callMs);
    const outcome = outcomes[end === 'rejected' && isKnown ? 'answered' : end];
    const { attempt } = this.state;
    const ended = { attempt, outcome, now: this.now, retryDelayMs: 20, askedAboutAfterMs: boundMs };
    this.state = endAttempt(this.state, { ...ended, idempotentByReference: isIdempotent }).dispatch;
    if (outcome.kind === 'not_sent' && this.state.status === 'held') this.#handOn(disabled);
  }

  #endOfNext(provider: string): End {
    const nth = this.#tries.get(provider) ?? 0;
    this.#tries.set(provider, nth + 1);
    const { ends } = this.#behaviour;
    return ends[Math.min(nth, ends.length - 1)]!;
  }

  /** What is still on its way to the provider is never executed. */
  #cancel(provider: string): InquiryOutcome {
    this.cancelled += 1;
    const coming = this.executions.findIndex((one) => one.provider === provider && one.at > this.now);
    if (coming >= 0) this.executions.splice(coming, 1);
    return { ...denied, cancelled: { status: 200, body: Buffer.from('cancelled') } } as InquiryOutcome;
  }

  #ask(disabled: ReadonlySet<string>): void {
    const { boundMs, isCancelling } = this.#behaviour;
    const provider = this.state.provider!;
    const knows = this.executions.some((one) => one.provider === provider && one.at <= this.now);
    const says: InquiryOutcome = knows
      ? { kind: 'answered', answer: final('succeeded') }
      : this.state.acknowledged
        ? { kind: 'answered', answer: pending }
        : denied;
    const inquiry = { slipId: this.state.slipId, n: 0, provider };
    const cancels = isCancelling && says === denied && isToBeCancelled(this.state, inquiry, this.now);
    const outcome = cancels ? this.#cancel(provider) : says;
    const terms = { acceptanceDelayMaxMs: boundMs, cancelByReference: isCancelling };
    const asked = { askedAt: this.now, now: this.now, outcome, ...terms };
    const next = (one: Dispatch) => this.#choose(one, disabled);
    this.#answer = () => {
      this.state = answerInquiry(this.state, inquiry, { ...asked, now: this.now, next }).dispatch;
    };
  }
}

const outcomes: Readonly<Record<End, CallOutcome>> = {
  refused: { kind: 'not_sent', reason: 'connection_refused', detail: '' },
  lost: { kind: 'unanswered', reason: 'timeout', detail: '' },
  taken_silently: { kind: 'unanswered', reason: 'timeout', detail: '' },
  acknowledged: { kind: 'answered', answer: pending },
  answered: { kind: 'answered', answer: final('succeeded') },
  rejected: { kind: 'answered', answer: final('failed') },
};

const behaviour = fc.record({
  ends: fc.array(fc.constantFrom(...(Object.keys(outcomes) as End[])), { minLength: 1, maxLength: 4 }),
  isIdempotent: fc.boolean(),
  isCancelling: fc.boolean(),
  acceptedAfter: fc.double({ min: 0, max: 1, noNaN: true }),
  boundMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: null, freq: 3 }),
});
const step = fc.record({
  waitMs: fc.integer({ min: 0, max: 400 }),
  disabled: fc.subarray(['p0', 'p1', 'p2']).map((ids) => new Set(ids)),
  isSlow: fc.boolean(),
});

test('property: while providers keep what they declare, at most one executes a slip, once', () => {
  let handedOn = 0;
  let repeated = 0;
  let cancelled = 0;
  fc.assert(
    fc.property(
      fc.array(behaviour, { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 40 }),
      (behaviours, steps) => {
        const world = new World(behaviours);
        for (const one of steps) world.step(one);
        expect(world.executions.length).toBeLessThanOrEqual(1);
        for (const [provider, calls] of world.calls) {
          const { isIdempotent } = behaviours[Number(provider.slice(1))]!;
          expect(calls).toBeLessThanOrEqual(isIdempotent ? attemptsMax : 1);
          if (calls > 1) repeated += 1;
        }
        cancelled += world.cancelled;
        if (world.state.earlier.some(({ end }) => end === 'unanswered')) handedOn += 1;
        // Who declares no bound, and takes no cancellation, is never followed by another, once it may have the slip.
        for (const { provider, end } of world.state.earlier) {
          const { boundMs, isCancelling } = behaviours[Number(provider.slice(1))]!;
          expect([end, boundMs === null && !isCancelling]).not.toEqual(['unanswered', true]);
        }
      },
    ),
    { numRuns: 2_000 },
  );
  // They do happen, or nothing was tested.
  expect(Math.min(handedOn, repeated, cancelled)).toBeGreaterThan(20);
});

test('one that executes later than it declares is executed beside another: only its promise stands against that', () => {
  const plain = { isIdempotent: false, isCancelling: false };
  const late: Behaviour = { ends: ['taken_silently'], ...plain, acceptedAfter: 20, boundMs: 100 };
  const world = new World([late, { ...late, ends: ['answered'], acceptedAfter: 0 }]);
  for (let n = 0; n < 8; n++) world.step({ waitMs: 150, disabled: new Set(), isSlow: false });
  expect(world.executions.map(({ provider }) => provider)).toEqual(['p0', 'p1']);
});

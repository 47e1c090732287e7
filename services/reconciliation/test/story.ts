import { addMs, type Instant } from '@slipstream/kernel';
import {
  type PendingEvent,
  type RecordedEvent,
  type SlipEvent,
  type SlipPolicy,
  timeOn,
} from '@slipstream/slip';
import { advance, type Change, type Ids, type Means } from '../src/application/advance.ts';
import { type Allowance, freely } from '../src/application/allowance.ts';
import type { Diagnosable } from '../src/domain/diagnosis/diagnose.ts';
import type { Stall } from '../src/domain/diagnosis/stalls.ts';
import type { Occasion } from '../src/domain/repair/decide.ts';
import { fold, type WatchedSlip, watch } from '../src/domain/watch/watched-slip.ts';

/** Seconds after the start of the story. */
export const at = (seconds: number): Instant => addMs('2026-11-22T10:00:00.000000Z', seconds * 1000);

type Data<Type extends SlipEvent['type']> = Extract<SlipEvent, { type: Type }>['data'];

export const policy: SlipPolicy = {
  graceMs: 0,
  quietPeriodMs: 2_000,
  inquiryLadderMs: [0, 2_000, 4_000, 8_000, 12_000],
};

/** The deadline of every slip here unless said otherwise: ten seconds after submission. */
export const deadline = at(10);

export const submitted = (data: Partial<Data<'SlipSubmitted'>> = {}): SlipEvent => ({
  type: 'SlipSubmitted',
  data: {
    caller: 'shop',
    reference: 'ord-1',
    kind: 'order',
    account: 'cust-1',
    counterparty: 'shop-1',
    amount: { amount: 1250n, currency: 'EUR' },
    route: 'default',
    mode: 'dispatched',
    provider: 'acme',
    overdraft: true,
    reviewRequired: false,
    deadline,
    policy,
    configDigest: 'digest',
    details: null,
    ...data,
  },
});
export const held: SlipEvent = { type: 'FundsHeld', data: { transaction: null } };
export const approved = (until: Instant): SlipEvent => ({
  type: 'SlipApproved',
  data: { by: 'ann', note: '', deadline: until },
});
export const refused: SlipEvent = { type: 'HoldRefused', data: { reason: 'insufficient_funds', detail: '' } };
export const settled: SlipEvent = { type: 'SlipSettled', data: { transaction: null } };
export const refunded: SlipEvent = { type: 'SlipRefunded', data: { transaction: null, reason: 'asked' } };
export const intended = (attempt = 1): SlipEvent => ({
  type: 'DispatchIntended',
  data: { attempt, provider: 'acme', digest: 'd', notAfter: at(9), reason: null, detail: null },
});
export const notSent = (reason = 'connection_refused', attempt = 1): SlipEvent => ({
  type: 'DispatchNotSent',
  data: { attempt, provider: 'acme', reason, detail: '' },
});
export const unanswered = (reason = 'timeout', attempt = 1): SlipEvent => ({
  type: 'DispatchUnanswered',
  data: { attempt, provider: 'acme', reason, detail: '' },
});
export const acknowledged: SlipEvent = {
  type: 'SlipAcknowledged',
  data: { provider: 'acme', providerReference: null, evidence: 'synchronous_reply', providerTime: null },
};
export const progressed: SlipEvent = {
  type: 'SlipProgressed',
  data: { provider: 'acme', step: 'shipped', evidence: 'report', providerTime: null },
};
export const returned = (data: Partial<Data<'SlipReturned'>> = {}): SlipEvent => ({
  type: 'SlipReturned',
  data: {
    provider: 'acme',
    outcome: 'succeeded',
    reason: null,
    amount: null,
    evidence: 'signed_callback',
    providerReference: null,
    providerTime: null,
    ...data,
  },
});
export const doubted = (
  doubt: Data<'AnswerDoubted'>['doubt'] = 'word_unknown',
  said = 'MAYBE',
): SlipEvent => ({
  type: 'AnswerDoubted',
  data: {
    provider: 'acme',
    doubt,
    said,
    evidence: 'signed_callback',
    providerReference: null,
    providerTime: null,
  },
});
export const answered = (
  inquiry: number,
  answer: Data<'InquiryAnswered'>['answer'],
  provesNotExecuted = false,
  heldUpBy: Data<'InquiryAnswered'>['heldUpBy'] = null,
): SlipEvent => ({
  type: 'InquiryAnswered',
  data: { inquiry, provider: 'acme', answer, provesNotExecuted, detail: '', heldUpBy },
});

export interface Told {
  readonly slipId?: string;
  readonly clock?: string;
  readonly receivedTime?: Instant;
}

/** An event as it stands in the log; its id names the slip, the type and the time. */
export function told(
  event: SlipEvent,
  time: Instant,
  { slipId = 'slip-1', clock = 'wall', receivedTime = time }: Told = {},
): RecordedEvent {
  const id = `${slipId} ${event.type} ${time.slice(17, 23)}`;
  return { id, slipId, source: '/slipstream/test', sequence: 1n, time, receivedTime, clock, event };
}

/** Ids that tell events apart; a verdict's says what it is about. */
const storyIds: Ids = {
  newId: () => `id-${++ids}`,
  overdueId: (slipId, stage, due) => `overdue ${slipId} ${stage} ${due}`,
};
let ids = 0;
/** Where all our own services ran all the time. */
export const storyMeans: Means = { ids: storyIds, stalls: [] };

/** One slip as the service would see it: told events, and asked for decisions at times. */
export class Story {
  #change: Change;
  #allowance: Allowance = freely;
  #stalls: readonly Stall[] = [];
  /** What was decided so far, and when. */
  readonly decided: (PendingEvent & { readonly at: Instant })[] = [];

  constructor(...events: readonly [RecordedEvent, ...RecordedEvent[]]) {
    const [first, ...rest] = events;
    this.#change = { before: null, slip: watch(3, first)!, events: [] };
    this.tell(...rest);
  }

  get slip(): WatchedSlip {
    return this.#change.slip;
  }

  /** What a diagnosis is made of. */
  get known(): Diagnosable {
    return { ...this.slip, stalls: this.#stalls };
  }

  /** Folds events, one after the other, with everything that follows from them at once. */
  tell(...events: readonly RecordedEvent[]): this {
    for (const recorded of events) {
      this.#change = { ...this.#change, slip: fold(this.slip, recorded) };
      this.decide({ type: 'event', event: recorded.event }, timeOn(recorded));
    }
    return this;
  }

  decide(occasion: Occasion, now: Instant): this {
    const before = this.#change.events.length;
    this.#change = advance(
      this.#change,
      occasion,
      now,
      { ids: storyIds, stalls: this.#stalls },
      this.#allowance,
    );
    this.decided.push(...this.#change.events.slice(before).map((event) => ({ ...event, at: now })));
    return this;
  }

  /** From now on refunds that nobody asks for by hand must be allowed. */
  within(allowance: Allowance): this {
    this.#allowance = allowance;
    return this;
  }

  /** From now on it is known that services of ours stood still then. */
  stalled(...stalls: readonly Stall[]): this {
    this.#stalls = stalls;
    return this;
  }

  judge(now: Instant): this {
    return this.decide({ type: 'deadline_judged' }, now);
  }

  /** Takes every step that is due until then, as the worker would. */
  stepUntil(until: Instant): this {
    for (let next = this.slip.nextStep; next && next.at <= until; next = this.slip.nextStep) {
      this.decide({ type: 'step_due' }, next.at);
    }
    return this;
  }

  /** The types of what was decided so far. */
  types(): string[] {
    return this.decided.map(({ event }) => event.type);
  }
}

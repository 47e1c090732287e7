import type { Instant } from '@slipstream/kernel';
import { evolve, type PendingEvent, type RecordedEvent, type SlipState, timeOn } from '@slipstream/slip';
import {
  decideInOrder,
  fundsNeeded,
  mayMoveMoney,
} from '../../services/ledger/src/domain/hold/decide-in-order.ts';
import type { Hold } from '../../services/ledger/src/domain/hold/hold.ts';
import { Balances } from '../../services/ledger/src/domain/posting/balances.ts';
import {
  dispatchIntended,
  endAttempt,
  intend,
  mayIntend,
} from '../../services/provider-gateway/src/domain/dispatch/attempt.ts';
import {
  followEvent,
  followedEvents,
} from '../../services/provider-gateway/src/domain/dispatch/follow-event.ts';
import { receiveAnswer } from '../../services/provider-gateway/src/domain/dispatch/receive-answer.ts';
import {
  type Dispatch,
  type NewInquiry,
  newDispatch,
  type Step,
} from '../../services/provider-gateway/src/domain/dispatch/state.ts';
import {
  answerInquiry,
  askAgainAt,
  planInquiry,
} from '../../services/provider-gateway/src/domain/inquiry/inquiry.ts';
import type {
  CallOutcome,
  InquiryOutcome,
  ProviderAnswer,
} from '../../services/provider-gateway/src/domain/provider/answer.ts';
import { advance, type Change, type Ids } from '../../services/reconciliation/src/application/advance.ts';
import type { Occasion } from '../../services/reconciliation/src/domain/repair/decide.ts';
import {
  fold,
  type WatchedSlip,
  watch,
} from '../../services/reconciliation/src/domain/watch/watched-slip.ts';

/** Each service as its adapters drive it: it reads the log in order, and what it decides is published. */

const limits = { connectTimeoutMs: 500, answerTimeoutMs: 1_000 };
const retryDelayMs = 100;
const idempotentByReference = false;

export class Gateway {
  dispatch: Dispatch | null = null;
  readonly #inquiries: NewInquiry[] = [];
  readonly #acceptanceDelayMaxMs: number | null;

  constructor(acceptanceDelayMaxMs: number | null = 1_000) {
    this.#acceptanceDelayMaxMs = acceptanceDelayMaxMs;
  }

  /** When its first question is due; null: it has none. */
  get askAt(): Instant | null {
    return this.#inquiries[0]?.dueAt ?? null;
  }

  read(recorded: RecordedEvent, now: Instant): readonly PendingEvent[] {
    const { event } = recorded;
    if (!followedEvents.has(event.type)) return [];
    if (this.dispatch !== null) return this.#apply(followEvent(this.dispatch, event, now));
    if (event.type === 'SlipSubmitted') {
      this.dispatch = newDispatch({ ...recorded, event }, { partition: 0, traceparent: '' });
    }
    return [];
  }

  /** Writes an intent ahead, if one may be made now. */
  intend(now: Instant): readonly PendingEvent[] {
    if (this.dispatch === null || !mayIntend(this.dispatch, now)) return [];
    const intended = intend(
      ...([this.dispatch, now, limits.connectTimeoutMs] as const),
      { ...limits, acceptanceDelayMaxMs: this.#acceptanceDelayMaxMs },
      'gateway-0',
    );
    this.dispatch = { ...intended, digest: 'd' };
    return [dispatchIntended(this.dispatch)];
  }

  /** The call that is under way, or was, ends. */
  callEnds(outcome: CallOutcome, now: Instant): readonly PendingEvent[] {
    if (this.dispatch === null || this.dispatch.attempt === 0) return [];
    const { attempt } = this.dispatch;
    return this.#apply(
      endAttempt(this.dispatch, {
        ...{ attempt, outcome, now, retryDelayMs, idempotentByReference },
        askedAboutAfterMs: this.#acceptanceDelayMaxMs,
      }),
    );
  }

  /** A callback, or what another service reports. */
  hear(answer: ProviderAnswer, now: Instant): readonly PendingEvent[] {
    if (this.dispatch === null) return [];
    const evidence = this.dispatch.mode === 'reported' ? 'report' : 'signed_callback';
    return this.#apply(receiveAnswer(this.dispatch, { answer, evidence, receivedAt: null, now }));
  }

  /** Asks the provider what is on the list first. */
  inquire(outcome: InquiryOutcome, now: Instant): readonly PendingEvent[] {
    const inquiry = this.#inquiries[0];
    if (this.dispatch === null || inquiry === undefined) return [];
    const plan = planInquiry(this.dispatch, inquiry, now, true);
    if (plan.plan === 'wait') return [];
    this.#inquiries.shift();
    if (plan.plan === 'answer') return this.#apply(plan.step);
    const asked = {
      ...{ askedAt: now, now, outcome, acceptanceDelayMaxMs: this.#acceptanceDelayMaxMs },
      ...{ cancelByReference: false, next: () => null },
    };
    const answered = answerInquiry(this.dispatch, inquiry, asked);
    const dueAt = askAgainAt(answered.dispatch, inquiry, asked);
    if (dueAt !== null) this.#put([{ ...inquiry, dueAt }]);
    return this.#apply(answered);
  }

  #apply({ dispatch, events, inquiries }: Step): readonly PendingEvent[] {
    this.dispatch = dispatch;
    this.#put(inquiries);
    return events;
  }

  #put(inquiries: readonly NewInquiry[]): void {
    this.#inquiries.push(...inquiries);
    this.#inquiries.sort((a, b) => (a.dueAt < b.dueAt ? -1 : a.dueAt > b.dueAt ? 1 : 0));
  }
}

export class Ledger {
  state: SlipState | null = null;
  hold: Hold | null = null;
  #last: RecordedEvent | null = null;

  read(recorded: RecordedEvent): readonly PendingEvent[] {
    const before = this.state;
    this.state = evolve(before, recorded);
    this.#last = recorded;
    return mayMoveMoney(recorded.event) ? this.#decide(before, recorded) : [];
  }

  /** Is asked about the last event once more. */
  again(): readonly PendingEvent[] {
    return this.#last === null ? [] : this.#decide(this.state, this.#last);
  }

  #decide(before: SlipState | null, recorded: RecordedEvent): readonly PendingEvent[] {
    const { slipId } = recorded;
    const holds = new Map(this.hold === null ? [] : [[slipId, this.hold]]);
    const cues = [{ before, recorded }];
    // Nobody is short of money here.
    const balances = new Balances();
    for (const account of fundsNeeded(cues)) balances.add(account, 1n << 64n);
    const decided = decideInOrder(cues, holds, (eventId) => `t-${eventId}`, balances);
    this.hold = decided.holds.get(slipId) ?? this.hold;
    return decided.answers.map(({ clock, event }) => ({
      ...{ slipId, partition: 0, clock, event, receivedAt: null },
    }));
  }
}

export class Reconciler {
  #slip: WatchedSlip | null = null;
  readonly #ids: Ids;
  #last: { readonly occasion: Occasion; readonly now: Instant } | null = null;

  constructor(ids: Ids) {
    this.#ids = ids;
  }

  get slip(): WatchedSlip | null {
    return this.#slip;
  }

  read(recorded: RecordedEvent): readonly PendingEvent[] {
    this.#slip = this.#slip === null ? watch(0, recorded) : fold(this.#slip, recorded);
    return this.decide({ type: 'event', event: recorded.event }, timeOn(recorded));
  }

  /** The deadline passed, and everything received by then was read. */
  judge(now: Instant): readonly PendingEvent[] {
    const due = this.#slip !== null && this.#slip.state.deadline < now;
    return due ? this.decide({ type: 'deadline_judged' }, now) : [];
  }

  decide(occasion: Occasion, now: Instant): readonly PendingEvent[] {
    if (this.#slip === null) return [];
    this.#last = { occasion, now };
    const before: Change = { before: this.#slip, slip: this.#slip, events: [] };
    const { slip, events } = advance(before, occasion, now, { ids: this.#ids, stalls: [] });
    this.#slip = slip;
    return events;
  }

  /** Is asked about the last occasion once more. */
  again(): readonly PendingEvent[] {
    return this.#last === null ? [] : this.decide(this.#last.occasion, this.#last.now);
  }
}

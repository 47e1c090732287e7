import { addMs, type Instant, instantToMs } from '@slipstream/kernel';
import {
  type DataOf,
  type EventOf,
  endsReturned,
  isLive,
  type PendingEvent,
  providerHasSpoken,
  type RecordedEvent,
  type SlipEvent,
  successInDoubt,
  timeOn,
} from '@slipstream/slip';
import type { Occasion } from '../../domain/repair/decide.ts';
import { type Flight, flightOf } from '../../domain/returns/flight.ts';
import { fold, type WatchedSlip, watch } from '../../domain/watch/watched-slip.ts';
import { advance, type Change, type Ids, type Means, unchanged } from '../advance.ts';
import { type Course, followed, nothing } from './course.ts';
import { Denials } from './denials.ts';
import { changesNothing, isBoundMoved, type OtherTerms, shifted } from './other-terms.ts';
import { ProviderMemory } from './provider-memory.ts';

/** What else a slip would have met. */
export interface Surroundings {
  readonly ids: Ids;
  /** Where the log ends: nothing later is known. */
  readonly until: Instant;
}

export interface Rerun {
  readonly course: Course;
  /** The slip's way to its provider and back. */
  readonly flights: readonly Flight[];
  /** Questions that nobody had put by then: what the provider would have said is assumed. */
  readonly assumed: number;
  /** The log ends before its deadline can be judged. */
  readonly isOpen: boolean;
}

/** What follows from what this service says: under other rules it comes at another time, or never. */
const ledgersAnswers: ReadonlySet<SlipEvent['type']> = new Set<SlipEvent['type']>([
  'SlipSettled',
  'SlipRefunded',
  'RefundRefused',
  'PostingCompensated',
]);
/** Who says what this service decides. */
export const ownSource = '/slipstream/reconciliation';

/** The course that a slip took by its own events. */
export function asItWas(events: readonly RecordedEvent[]): Pick<Rerun, 'course' | 'flights'> {
  let course = nothing;
  let slip: WatchedSlip | null = null;
  const flights: Flight[] = [];
  for (const recorded of events) {
    course = followed(course, recorded);
    const before: WatchedSlip | null = slip;
    slip = slip === null ? watch(0, recorded) : fold(slip, recorded);
    const flight = slip && flightOf(before?.state ?? null, slip.state, recorded);
    if (flight) flights.push(flight);
  }
  return { course, flights };
}

/**
 * The course that a slip would have taken under other terms, by the service's own decisions: what it says itself is decided anew, what its
 * provider and intake said comes as it came, and what was said in answer to it comes when it would have been asked for. What
 * people did is left out: they would have met something else.
 */
export function rerun(events: readonly RecordedEvent[], terms: OtherTerms, around: Surroundings): Rerun {
  return new Life(events, terms, around).lived();
}

class Life {
  readonly #around: Surroundings;
  /** When its clock was closed, of an import of which that is known; null: of any other slip. */
  readonly #closedAt: Instant | null;
  readonly #means: Means;
  readonly #memory: ProviderMemory;
  readonly #judgeLagMs: number;
  readonly #world: RecordedEvent[];
  /** In answer to what was decided here, by time. */
  readonly #coming: RecordedEvent[] = [];
  readonly #denials: Denials;
  /** When the gateway asks by itself, other than it did; null: it did, or does not. */
  #ownQuestionAt: Instant | null;
  /** When the gateway finds the proof by itself; null: it did, or does not. */
  #ownProofAt: Instant | null;
  #slip: WatchedSlip | null = null;
  #course: Course = nothing;
  #now: Instant = '';
  #assumed = 0;
  readonly #flights: Flight[] = [];

  constructor(events: readonly RecordedEvent[], terms: OtherTerms, around: Surroundings) {
    this.#around = around;
    this.#closedAt = closedAt(events);
    // Stalls of our own explain what was late; no verdict, question or refund depends on them.
    this.#means = { ids: around.ids, stalls: [] };
    this.#memory = new ProviderMemory(events, deadlineOf(events, terms), isBoundMoved(terms));
    this.#judgeLagMs = judgeLagMs(events);
    this.#world = events
      .filter(({ id, source, event }) => {
        const isAnswer = ledgersAnswers.has(event.type) || this.#memory.answers.has(id);
        return source !== ownSource && !isAnswer;
      })
      .map((recorded) => underTerms(recorded, terms));
    this.#denials = new Denials(events, terms);
    this.#ownQuestionAt = this.#denials.askedAt;
    this.#ownProofAt = this.#denials.provedAt;
  }

  lived(): Rerun {
    for (;;) {
      const next = this.#next();
      if (next === null || next.at > (this.#closedAt ?? this.#around.until)) break;
      if (next.at > this.#now) this.#now = next.at;
      if (next.what === 'judge') this.#decide({ type: 'deadline_judged' });
      else if (next.what === 'step') this.#decide({ type: 'step_due' });
      else if (next.what === 'question') this.#askByItself();
      else if (next.what === 'proof') this.#prove();
      else this.#take(next.what === 'world' ? this.#world.shift()! : this.#coming.shift()!);
    }
    if (this.#closedAt !== null && this.#slip !== null) {
      this.#now = this.#closedAt;
      this.#decide({ type: 'clock_closed' });
    }
    const isOpen = this.#slip?.verdict === 'open';
    return { course: this.#course, flights: this.#flights, assumed: this.#assumed, isOpen };
  }

  /** At one moment: what came first, as rule 6 has it; then what is due. */
  #next() {
    const { nextStep = null } = this.#slip ?? {};
    const judgeAt = this.#judgeAt();
    const turns = [
      ...this.#world.slice(0, 1).map((recorded) => ({ what: 'world' as const, at: timeOn(recorded) })),
      ...this.#coming.slice(0, 1).map(({ time }) => ({ what: 'coming' as const, at: time })),
      ...(this.#ownQuestionAt === null ? [] : [{ what: 'question' as const, at: this.#ownQuestionAt }]),
      ...(this.#ownProofAt === null ? [] : [{ what: 'proof' as const, at: this.#ownProofAt }]),
      ...(judgeAt === null ? [] : [{ what: 'judge' as const, at: judgeAt }]),
      ...(nextStep === null ? [] : [{ what: 'step' as const, at: nextStep.at }]),
    ];
    return turns.reduce<(typeof turns)[number] | null>(
      (first, turn) => (first === null || turn.at < first.at ? turn : first),
      null,
    );
  }

  /** When its deadline can be judged: everything received by then was read (rule 6). */
  #judgeAt(): Instant | null {
    if (this.#slip === null || this.#slip.verdict !== 'open') return null;
    const { deadline, policy } = this.#slip.state;
    const due = addMs(deadline, policy.graceMs + this.#judgeLagMs);
    const unread = this.#world.findLast(
      ({ event, receivedTime }) => endsReturned(event) && receivedTime <= deadline,
    );
    return unread !== undefined && timeOn(unread) > due ? timeOn(unread) : due;
  }

  #take(recorded: RecordedEvent): void {
    const { event } = recorded;
    const before = this.#slip?.state ?? null;
    // The ledger books once.
    if (ledgersAnswers.has(event.type) && (before?.settled || before?.refunded)) return;
    this.#slip = this.#slip === null ? watch(0, recorded) : fold(this.#slip, recorded);
    this.#course = followed(this.#course, recorded);
    if (this.#slip === null) return;
    const flight = flightOf(before, this.#slip.state, recorded);
    if (flight) this.#flights.push(flight);
    if (event.type === 'SlipReturned') this.#book(event);
    this.#decide({ type: 'event', event });
  }

  #decide(occasion: Occasion): void {
    const change: Change = advance(unchanged(this.#slip!), occasion, this.#now, this.#means);
    this.#slip = change.slip;
    for (const pending of change.events) {
      this.#course = followed(this.#course, this.#recorded(pending.event, this.#now));
      this.#answerTo(pending);
    }
  }

  /** What the gateway and the ledger would say to it. */
  #answerTo({ event }: PendingEvent): void {
    if (event.type === 'InquiryRequested') this.#ask(event.data.inquiry);
    if (event.type === 'RefundRequested') {
      this.#comes(0, { type: 'SlipRefunded', data: { transaction: null, reason: event.data.basis } });
    }
  }

  #askByItself(): void {
    this.#ownQuestionAt = null;
    if (this.#slip === null || this.#slip.state.outcome !== null) return;
    const { returned, assumed } = this.#memory.replyAt(this.#now);
    if (assumed) this.#assumed += 1;
    if (returned !== null) this.#comes(0, returned);
  }

  /** What the gateway's own questions tell but the proof is in the log as it came. */
  #prove(): void {
    this.#ownProofAt = null;
    if (this.#slip === null || this.#slip.state.outcome !== null || this.#hasSpoken()) return;
    const { answer, assumed } = this.#memory.replyAt(this.#now);
    if (answer.answer !== 'not_found' || assumed) return;
    this.#comes(0, {
      type: 'InquiryAnswered',
      data: { ...answer, inquiry: 0, provesNotExecuted: true, detail: '' },
    });
  }

  #hasSpoken(): boolean {
    const { state } = this.#slip!;
    return providerHasSpoken({ ...state, acknowledged: state.acknowledgedAt !== null });
  }

  #ask(inquiry: number): void {
    const { state } = this.#slip!;
    if (state.outcome !== null) {
      const known = { provider: state.provider ?? '', answer: 'returned' } as const;
      this.#comes(0, {
        type: 'InquiryAnswered',
        data: { ...known, inquiry, provesNotExecuted: false, detail: '' },
      });
      return;
    }
    const reply = this.#memory.replyAt(this.#now);
    if (reply.assumed) this.#assumed += 1;
    if (reply.returned !== null) this.#comes(reply.afterMs, reply.returned);
    const isDenial = reply.answer.answer === 'not_found' && !this.#hasSpoken();
    const proves = isDenial && this.#denials.proves(this.#now);
    const provesNotExecuted = proves || reply.answer.provesNotExecuted;
    this.#comes(reply.afterMs, {
      type: 'InquiryAnswered',
      data: { ...reply.answer, inquiry, provesNotExecuted, detail: '' },
    });
  }

  /** The ledger books an answer at once: how long it takes changes nothing here. */
  #book({ data }: EventOf<'SlipReturned'>): void {
    const { state } = this.#slip!;
    if (!state.held || state.settled || state.refunded) return;
    if (data.outcome !== 'succeeded') {
      this.#comes(0, { type: 'SlipRefunded', data: { transaction: null, reason: 'failed' } });
    } else if (!successInDoubt(state)) {
      this.#comes(0, { type: 'SlipSettled', data: { transaction: null } });
    }
  }

  #comes(afterMs: number, event: SlipEvent): void {
    const recorded = this.#recorded(event, addMs(this.#now, afterMs));
    const at = this.#coming.findIndex(({ time }) => time > recorded.time);
    this.#coming.splice(at < 0 ? this.#coming.length : at, 0, recorded);
  }

  #recorded(event: SlipEvent, time: Instant): RecordedEvent {
    const { slipId, clock } = this.#slip!.state;
    return {
      id: this.#around.ids.newId(),
      slipId,
      clock,
      event,
      time,
      receivedTime: time,
      source: '',
      sequence: 0n,
    };
  }
}

/** What is received at the deadline itself is in time: a deadline is judged later than that. */
const judgeLagMsMin = 1;

/** How much later it was judged: as late it is judged under other terms. */
function judgeLagMs(events: readonly RecordedEvent[]): number {
  let graceMs = 0;
  for (const { event, time, clock } of events) {
    if (event.type === 'SlipSubmitted') graceMs = event.data.policy.graceMs;
    if (event.type !== 'SlipOverdue' || event.data.stage !== 'returned' || !isLive(clock)) continue;
    return Math.max(judgeLagMsMin, instantToMs(time) - instantToMs(event.data.deadline) - graceMs);
  }
  return judgeLagMsMin;
}

/** What is missed when an import's clock is closed is concluded then. */
function closedAt(events: readonly RecordedEvent[]): Instant | null {
  const concluded = events.find(({ event, clock }) => event.type === 'SlipNotReturned' && !isLive(clock));
  return concluded?.receivedTime ?? null;
}

function underTerms(recorded: RecordedEvent, terms: OtherTerms): RecordedEvent {
  const { event } = recorded;
  if (changesNothing(terms)) return recorded;
  if (event.type === 'SlipSubmitted') {
    const { deadline, policy } = event.data;
    const data: DataOf<'SlipSubmitted'> = {
      ...event.data,
      ...{ deadline: shifted(deadline, terms), policy: terms.policy ?? policy },
    };
    return { ...recorded, event: { ...event, data } };
  }
  if (event.type !== 'SlipApproved') return recorded;
  return {
    ...recorded,
    event: { ...event, data: { ...event.data, deadline: shifted(event.data.deadline, terms) } },
  };
}

function deadlineOf(events: readonly RecordedEvent[], terms: OtherTerms): Instant {
  let deadline: Instant = '';
  for (const { event } of events) {
    if (event.type === 'SlipSubmitted' || event.type === 'SlipApproved') deadline = event.data.deadline;
  }
  return deadline === '' ? deadline : shifted(deadline, terms);
}

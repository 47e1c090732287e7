import { type Instant, instantToMs } from '@slipstream/kernel';
import type { DataOf, EventOf, RecordedEvent } from '@slipstream/slip';

type Returned = EventOf<'SlipReturned'>;
type Answer = Pick<DataOf<'InquiryAnswered'>, 'answer' | 'provider' | 'heldUpBy' | 'provesNotExecuted'>;

/** A question that was put, and what the provider said. */
interface Question {
  readonly askedAt: Instant;
  readonly answerMs: number;
  readonly answer: Answer;
  readonly returned: Returned | null;
}

/** What a provider would say when it is asked at another time. */
export interface Reply {
  readonly afterMs: number;
  readonly answer: Answer;
  readonly returned: Returned | null;
  /** Nobody asked it by then: it is what it said first, or nothing yet. */
  readonly assumed: boolean;
}

/** What is known, of one slip, of what its provider knew when: by the questions that were put, and by what it said by itself. */
export class ProviderMemory {
  readonly #questions: readonly Question[];
  /** Its final answer, as it said it first by its own word of when that was done; null: it never said when. */
  readonly #done: Returned | null;
  readonly #provider: string;
  /** It was proved that it never executes it: it never knows of it. */
  readonly #isDenied: boolean;
  /** Ids of events that are answers to questions of after the deadline: under other rules they come at other times. */
  readonly answers: ReadonlySet<string>;

  /**
   * @param deadline under the other rules: until then the gateway asks by itself, and from then on the reconciler
   * @param isMoved the gateway's own first question about a call without an answer comes at another time
   */
  constructor(events: readonly RecordedEvent[], deadline: Instant, isMoved: boolean) {
    const { questions, answers } = questionsOf(events, deadline, isMoved);
    this.#questions = questions;
    this.answers = answers;
    this.#done = doneIn(events);
    this.#provider = providerIn(events);
    this.#isDenied = questions.some(({ answer }) => answer.provesNotExecuted);
  }

  replyAt(askedAt: Instant): Reply {
    const last = this.#questions.findLast((question) => question.askedAt <= askedAt);
    if (last?.returned) return { ...replyOf(last), assumed: false };
    if (this.#done !== null && this.#done.data.providerTime! <= askedAt) return this.#knows(this.#done);
    const next = this.#questions.find((question) => question.askedAt > askedAt);
    // What it did not know later it did not know then.
    const isSure = this.#isDenied || this.#done !== null || (next !== undefined && next.returned === null);
    if (last !== undefined) return { ...replyOf(last), assumed: !isSure };
    if (next !== undefined && (next.returned === null || this.#done === null)) {
      return { ...replyOf(next), assumed: !isSure };
    }
    return { ...this.#said('pending'), returned: null, assumed: !isSure };
  }

  #knows({ data }: Returned): Reply {
    const returned: Returned = { type: 'SlipReturned', data: { ...data, evidence: 'inquiry_answer' } };
    return { ...this.#said('returned'), returned, assumed: false };
  }

  #said(answer: 'returned' | 'pending') {
    return { afterMs: 0, answer: { answer, provider: this.#provider, provesNotExecuted: false } };
  }
}

function doneIn(events: readonly RecordedEvent[]): Returned | null {
  let done: Returned | null = null;
  for (const { event } of events) {
    if (event.type !== 'SlipReturned' || event.data.providerTime === null) continue;
    if (done === null || event.data.providerTime < done.data.providerTime!) done = event;
  }
  return done;
}

/** What nothing was sent proves is proved whenever it is said; what a NOT_FOUND proves depends on when it was asked for. */
function replyOf({ answerMs, answer, returned }: Question) {
  const provesNotExecuted = answer.answer === 'never_sent' && answer.provesNotExecuted;
  return { afterMs: answerMs, answer: { ...answer, provesNotExecuted }, returned };
}

function questionsOf(events: readonly RecordedEvent[], deadline: Instant, isMoved: boolean) {
  let isUnanswered = false;
  const asked = new Map<number, Instant>();
  const answers = new Set<string>();
  const questions: Question[] = [];
  let unclaimed: RecordedEvent | null = null;
  const put = (askedAt: Instant, at: Instant, answer: Answer, returned: Returned | null) => {
    questions.push({ askedAt, answerMs: instantToMs(at) - instantToMs(askedAt), answer, returned });
  };
  /** What the gateway asked by itself: under the other rules, only by the deadline. */
  const polled = (recorded: RecordedEvent | null) => {
    if (recorded?.event.type !== 'SlipReturned') return;
    if (recorded.time <= deadline && !(isMoved && isUnanswered)) return;
    answers.add(recorded.id);
    const provider = recorded.event.data.provider ?? '';
    const answer = { answer: 'returned', provider, provesNotExecuted: false } as const;
    put(recorded.time, recorded.time, answer, recorded.event);
  };
  for (const recorded of events) {
    const { event, id, time } = recorded;
    if (event.type === 'InquiryRequested') asked.set(event.data.inquiry, time);
    if (event.type === 'DispatchUnanswered') isUnanswered = true;
    if (event.type === 'SlipReturned' && event.data.evidence === 'inquiry_answer') {
      polled(unclaimed);
      unclaimed = recorded;
    }
    if (event.type !== 'InquiryAnswered') continue;
    const own = event.data.inquiry <= 0;
    const askedAt = own ? time : asked.get(event.data.inquiry);
    // The gateway's own proof, too, comes when its terms say.
    const isOwnProof = own && event.data.answer === 'not_found';
    if (askedAt === undefined || (own && !isOwnProof && time <= deadline)) continue;
    answers.add(id);
    const claimed: RecordedEvent | null = event.data.answer === 'returned' ? unclaimed : null;
    if (claimed !== null) {
      answers.add(claimed.id);
      unclaimed = null;
    }
    put(askedAt, time, event.data, (claimed?.event ?? null) as Returned | null);
  }
  polled(unclaimed);
  return { questions: questions.toSorted((a, b) => (a.askedAt < b.askedAt ? -1 : 1)), answers };
}

function providerIn(events: readonly RecordedEvent[]): string {
  for (const { event } of events) if (event.type === 'DispatchIntended') return event.data.provider;
  return '';
}

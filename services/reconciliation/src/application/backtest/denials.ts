import { addMs, type Instant } from '@slipstream/kernel';
import type { RecordedEvent, SlipPolicy } from '@slipstream/slip';
import { isBoundMoved, type OtherTerms, shifted } from './other-terms.ts';

/**
 * Rule 3, as the gateway applies it: a NOT_FOUND counts when it was asked later than the call's last moment and the provider's
 * declared bound, and proves when another one did so a quiet period before. About a call without an answer the gateway asks by itself:
 * as soon as a NOT_FOUND counts, and a quiet period later, both before the deadline.
 */
export class Denials {
  /** When the gateway would put its own first question, which it did not put then; null: it would not, or did. */
  readonly askedAt: Instant | null;
  /** When the gateway's own second NOT_FOUND would be the proof; null: not before the deadline, or nobody knows. */
  readonly provedAt: Instant | null;
  readonly #countsFrom: Instant | null;
  readonly #quietPeriodMs: number;
  #first: Instant | null;

  constructor(events: readonly RecordedEvent[], terms: OtherTerms) {
    const { was, would } = terms.notFoundCountsAfterMs;
    const { deadline, policy, notAfter, isUnanswered, told } = factsOf(events);
    this.#quietPeriodMs = (terms.policy ?? policy).quietPeriodMs;
    this.#countsFrom = notAfter === null || would === null ? null : addMs(notAfter, would);
    const isInTime = (at: Instant) => at < shifted(deadline, terms);
    let first: Instant | null = null;
    let proof: Instant | null = null;
    if (this.#countsFrom !== null && told !== null) {
      const own = addMs(this.#countsFrom, 1);
      if (was === null) first = own;
      else {
        const movedMs = would! - was;
        const asked = addMs(notAfter!, was + 1);
        const wouldProve = told.askedAt >= addMs(asked, policy.quietPeriodMs);
        if (asked < deadline && wouldProve === told.proves) first = own;
        // It was asked later than it should have been: by a quiet period before the proof at the latest.
        else if (told.proves) first = addMs(told.askedAt, movedMs - policy.quietPeriodMs);
        if (told.isOwn && told.proves)
          proof = addMs(told.askedAt, movedMs + this.#quietPeriodMs - policy.quietPeriodMs);
      }
    }
    const own = this.#countsFrom && addMs(this.#countsFrom, 1);
    this.askedAt = own !== null && isUnanswered && isBoundMoved(terms) && isInTime(own) ? own : null;
    this.#first = first !== null && isInTime(first) ? first : null;
    proof ??= this.#first && addMs(this.#first, this.#quietPeriodMs + 1);
    this.provedAt = proof !== null && isInTime(proof) ? proof : null;
  }

  /** Whether a NOT_FOUND that was asked for then proves it. */
  proves(askedAt: Instant): boolean {
    if (this.#countsFrom === null || askedAt <= this.#countsFrom) return false;
    if (this.#first === null || this.#first > askedAt) {
      this.#first = askedAt;
      return false;
    }
    return askedAt >= addMs(this.#first, this.#quietPeriodMs);
  }
}

/** The first NOT_FOUND that was told: the gateway's own are told only when they prove something. */
interface Told {
  readonly askedAt: Instant;
  readonly proves: boolean;
  readonly isOwn: boolean;
}

function factsOf(events: readonly RecordedEvent[]) {
  const asked = new Map<number, Instant>();
  let deadline: Instant = '';
  let policy: SlipPolicy = { graceMs: 0, quietPeriodMs: 0, inquiryLadderMs: [] };
  let notAfter: Instant | null = null;
  let isUnanswered = false;
  let told: Told | null = null;
  for (const { event, time } of events) {
    if (event.type === 'SlipSubmitted') policy = event.data.policy;
    if (event.type === 'SlipSubmitted' || event.type === 'SlipApproved') deadline = event.data.deadline;
    if (event.type === 'DispatchIntended') [notAfter, isUnanswered] = [event.data.notAfter, false];
    if (event.type === 'DispatchUnanswered') isUnanswered = true;
    if (event.type === 'InquiryRequested') asked.set(event.data.inquiry, time);
    if (event.type !== 'InquiryAnswered' || event.data.answer !== 'not_found') continue;
    const { inquiry, provesNotExecuted: proves } = event.data;
    told ??= { askedAt: asked.get(inquiry) ?? time, proves, isOwn: inquiry <= 0 };
  }
  return { deadline, policy, notAfter, isUnanswered, told };
}

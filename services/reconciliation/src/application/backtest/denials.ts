import { addMs, type Instant } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';

/**
 * Rule 3, as the gateway applies it: a NOT_FOUND counts when it was asked later than the call's last moment and the provider's
 * declared bound, and proves when another one did so a quiet period before.
 */
export class Denials {
  readonly #countsFrom: Instant | null;
  readonly #quietPeriodMs: number;
  #first: Instant | null = null;

  constructor(
    events: readonly RecordedEvent[],
    quietPeriodMs: number,
    acceptanceDelayMaxMs: (provider: string) => number | null,
  ) {
    this.#countsFrom = countsFrom(events, acceptanceDelayMaxMs);
    this.#quietPeriodMs = quietPeriodMs;
    this.#first = firstOfTheGateway(events);
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

function countsFrom(
  events: readonly RecordedEvent[],
  acceptanceDelayMaxMs: (provider: string) => number | null,
): Instant | null {
  const last = events.findLast(({ event }) => event.type === 'DispatchIntended')?.event;
  if (last?.type !== 'DispatchIntended') return null;
  const boundMs = acceptanceDelayMaxMs(last.data.provider);
  return boundMs === null ? null : addMs(last.data.notAfter, boundMs);
}

/**
 * The gateway's own questions before the deadline are told only when they prove something: where the first NOT_FOUND that was told proved
 * it, one of these counted, by a quiet period earlier at the latest.
 */
function firstOfTheGateway(events: readonly RecordedEvent[]): Instant | null {
  const asked = new Map<number, Instant>();
  let quietPeriodMs = 0;
  for (const { event, time } of events) {
    if (event.type === 'SlipSubmitted') quietPeriodMs = event.data.policy.quietPeriodMs;
    if (event.type === 'InquiryRequested') asked.set(event.data.inquiry, time);
    if (event.type !== 'InquiryAnswered' || event.data.answer !== 'not_found') continue;
    if (!event.data.provesNotExecuted) return null;
    return addMs(asked.get(event.data.inquiry) ?? time, -quietPeriodMs);
  }
  return null;
}

import { addMs, type Instant } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent, SlipPolicy } from '@slipstream/slip';
import { type Context, type Draft, draftOf } from '../src/domain/repair/draft.ts';
import { react } from '../src/domain/repair/react.ts';
import { fold, watch } from '../src/domain/watch/watched-slip.ts';

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
export const refused: SlipEvent = { type: 'HoldRefused', data: { reason: 'insufficient_funds', detail: '' } };
export const settled: SlipEvent = { type: 'SlipSettled', data: { transaction: null } };
export const refunded: SlipEvent = { type: 'SlipRefunded', data: { transaction: null, reason: 'asked' } };
export const intended = (attempt = 1): SlipEvent => ({
  type: 'DispatchIntended',
  data: { attempt, provider: 'acme', digest: 'd', notAfter: at(9) },
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
export const answered = (
  inquiry: number,
  answer: Data<'InquiryAnswered'>['answer'],
  provesNotExecuted = false,
): SlipEvent => ({
  type: 'InquiryAnswered',
  data: { inquiry, provider: 'acme', answer, provesNotExecuted, detail: '' },
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

/** Decisions at a time, with ids that tell them apart. */
export function contextAt(now: Instant): Context {
  return {
    now,
    newId: () => `id-${++ids}`,
    overdueId: (slipId, stage, due) => `overdue ${slipId} ${stage} ${due}`,
  };
}
let ids = 0;

/** Folds events into a slip, one after the other, with everything that follows from them at once. */
export function tell(draft: Draft | null, ...events: readonly RecordedEvent[]): Draft {
  let current = draft;
  for (const recorded of events) {
    if (current === null) current = draftOf(watch(3, recorded)!, null);
    else {
      current.slip = fold(current.slip, recorded);
      react(current, recorded, contextAt(recorded.clock === 'wall' ? recorded.time : recorded.receivedTime));
    }
  }
  return current!;
}

/** What was decided so far, by type. */
export const decisions = (draft: Draft): string[] => draft.decided.map(({ event }) => event.type);

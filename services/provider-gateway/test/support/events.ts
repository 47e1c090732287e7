import { sourceOf } from '@slipstream/contracts';
import { addMs, type Instant, instantFromMs } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { v7 } from 'uuid';

export const policy = { graceMs: 0, quietPeriodMs: 300, inquiryLadderMs: [0, 500, 1000] };

type SubmittedData = Extract<SlipEvent, { type: 'SlipSubmitted' }>['data'];

/** A slip as intake would submit it; `provider` null makes it one of a reported route. */
export function submitted(more: Partial<SubmittedData> & { deadlineMs?: number } = {}): SlipEvent {
  const { deadlineMs = 120_000, ...data } = more;
  return {
    type: 'SlipSubmitted',
    data: {
      caller: 'shop',
      reference: `ord-${v7()}`,
      kind: 'order',
      account: 'cust-42',
      counterparty: 'shop-7',
      amount: { amount: 1250n, currency: 'EUR' },
      route: 'default',
      mode: 'dispatched',
      provider: 'acme',
      overdraft: true,
      reviewRequired: false,
      deadline: addMs(instantFromMs(Date.now()), deadlineMs),
      policy,
      configDigest: 'digest',
      details: null,
      ...data,
    },
  };
}

export const fundsHeld: SlipEvent = { type: 'FundsHeld', data: { transaction: null } };
export const holdRefused: SlipEvent = {
  type: 'HoldRefused',
  data: { reason: 'insufficient_funds', detail: '' },
};
export const slipRefunded: SlipEvent = {
  type: 'SlipRefunded',
  data: { transaction: null, reason: 'not_executed' },
};
export const refundRequested = (basis: 'not_executed' | 'no_answer'): SlipEvent => ({
  type: 'RefundRequested',
  data: { basis, requestedBy: 'ann', approvedBy: 'bob', reason: 'asked' },
});
export const inquiryRequested = (inquiry: number): SlipEvent => ({
  type: 'InquiryRequested',
  data: { inquiry },
});

/** The event as it would stand in the log. */
export function recorded(slipId: string, event: SlipEvent, more: Partial<RecordedEvent> = {}): RecordedEvent {
  const time: Instant = instantFromMs(Date.now());
  return {
    id: v7(),
    slipId,
    source: sourceOf(event.type),
    sequence: 0n,
    time,
    receivedTime: time,
    clock: 'wall',
    event,
    ...more,
  };
}

import type { SlipCommand } from '../commands.ts';
import type { SlipEvent } from '../events.ts';
import { deadline, diagnosed, notAfter, samples } from './events.ts';

export const intendDispatch = (attempt = 1): SlipCommand => ({
  type: 'intend_dispatch',
  attempt,
  provider: 'acme',
  digest: 'ab',
  notAfter,
});
export const hold: SlipCommand = { type: 'answer_hold', answer: { held: true, transaction: null } };
export const refuseHold: SlipCommand = {
  type: 'answer_hold',
  answer: { held: false, reason: 'insufficient_funds', detail: 'available 0' },
};
export const settle: SlipCommand = { type: 'settle', transaction: null };
export const refund: SlipCommand = { type: 'refund', transaction: null, reason: 'failed' };
export const compensate: SlipCommand = { type: 'compensate', transaction: null, reason: 'late_success' };
export const requestInquiry = (inquiry = 1): SlipCommand => ({ type: 'request_inquiry', inquiry });
export const requestRefund: SlipCommand = {
  type: 'request_refund',
  basis: 'not_executed',
  requestedBy: 'reconciliation',
};
export const conclude = (basis: 'not_executed' | 'no_answer' = 'not_executed'): SlipCommand => ({
  type: 'conclude_not_returned',
  basis,
});
export const markOverdue: SlipCommand = { type: 'mark_overdue', stage: 'returned', deadline };

/** The gateway's command that asks for this event to be recorded. */
export function record(event: SlipEvent): SlipCommand {
  switch (event.type) {
    case 'DispatchNotSent':
      return { type: 'record_not_sent', data: event.data };
    case 'DispatchUnanswered':
      return { type: 'record_unanswered', data: event.data };
    case 'SlipAcknowledged':
      return { type: 'record_acknowledged', data: event.data };
    case 'SlipProgressed':
      return { type: 'record_progress', data: event.data };
    case 'SlipReturned':
      return { type: 'record_returned', data: event.data };
    case 'InquiryAnswered':
      return { type: 'record_inquiry_answer', data: event.data };
    default:
      throw new Error(`no command records ${event.type}`);
  }
}

const recordable = [
  'DispatchNotSent',
  'DispatchUnanswered',
  'SlipAcknowledged',
  'SlipProgressed',
  'SlipReturned',
  'InquiryAnswered',
];

/** Every command at least once, the ones that differ by their data several times. */
export const commands: readonly SlipCommand[] = [
  intendDispatch(1),
  intendDispatch(2),
  intendDispatch(3),
  ...samples.filter((event) => recordable.includes(event.type)).map(record),
  hold,
  refuseHold,
  settle,
  refund,
  compensate,
  ...(['submitted', 'review', 'held', 'dispatching', 'returned'] as const).map(
    (stage): SlipCommand => ({ type: 'mark_overdue', stage, deadline }),
  ),
  requestInquiry(1),
  requestInquiry(2),
  conclude(),
  conclude('no_answer'),
  requestRefund,
  { type: 'request_refund', basis: 'no_answer', requestedBy: 'ops' },
  ...[diagnosed(), diagnosed('provider_outage')].map(
    (event) => ({ ...event.data, type: 'diagnose' }) as SlipCommand,
  ),
  { type: 'note_late_return' },
  { type: 'open_case', reason: 'ladder_exhausted', summary: '' },
  { type: 'open_case', reason: 'conflict', summary: '' },
  { type: 'close_case', resolution: 'by statement' },
];

import { ApiOkResponse } from '@nestjs/swagger';
import { schemas } from '@slipstream/service-host';
import { slipStatuses } from '@slipstream/slip';

const { list, minorUnits, money, object, oneOf, optional, pageOf, text, time, whole, yesOrNo } = schemas;

const cause = object({
  class: text,
  code: text,
  confidence: { ...whole, minimum: 0, maximum: 100 },
  summary: text,
  remedy: text,
  evidence: list(text),
});

const slip = object({
  id: text,
  reference: optional(text),
  kind: optional(oneOf('order', 'payout', 'payment')),
  account: optional(text),
  counterparty: optional(text),
  amount: optional(money),
  provider: optional(text),
  clock: text,
  status: oneOf(...slipStatuses),
  outcome: optional(oneOf('succeeded', 'failed', 'void')),
  case: optional(object({ status: oneOf('open', 'closed'), opened_at: time })),
  cause: optional(cause),
  submitted_at: optional(time),
  dispatched_at: optional(time),
  returned_at: optional(time),
  deadline: optional(time),
  overdue: yesOrNo,
  resolved_at: optional(time),
  version: { ...whole, minimum: 1 },
  position: { ...text, pattern: '^\\d+:\\d+$', example: '3:1042' },
  iso20022: object({ status: optional(text), reason: optional(text) }),
});

const event = object({
  id: text,
  type: { ...text, example: 'slipstream.slip.returned.v1' },
  slip_id: text,
  source: { ...text, example: '/slipstream/provider-gateway' },
  sequence: whole,
  version: whole,
  time,
  received_time: time,
  data: optional({ type: 'object' }),
});

const transaction = object({
  id: text,
  slip_id: text,
  type: text,
  recorded_at: time,
  postings: list(object({ account: text, direction: oneOf('debit', 'credit'), amount: money })),
});

const account = object({
  id: text,
  clock: text,
  balances: list(object({ currency: text, available: minorUnits, held: minorUnits })),
});
const groups = object({ data: list(object({ key: optional(text), slips: whole, amounts: list(money) })) });

export const ApiSlip = () => ApiOkResponse({ description: 'The slip', schema: slip });
export const ApiSlips = () => ApiOkResponse({ description: 'A page of slips', schema: pageOf(slip) });
export const ApiEvents = () => ApiOkResponse({ description: 'A page of its events', schema: pageOf(event) });
export const ApiTransactions = () =>
  ApiOkResponse({ description: 'A page of transactions', schema: pageOf(transaction) });
export const ApiAccount = () => ApiOkResponse({ description: 'Its balances', schema: account });
export const ApiNotReturned = () => ApiOkResponse({ description: 'Most slips first', schema: groups });

import { ApiOkResponse } from '@nestjs/swagger';
import { schemas } from '@slipstream/service-host';
import { slipStatuses } from '@slipstream/slip';
import { accountKinds } from '../../domain/posting/chart.ts';

const { list, minorUnits, money, object, oneOf, optional, text, time, whole, yesOrNo } = schemas;

const cause = object({
  class: text,
  code: text,
  confidence: { ...whole, minimum: 0, maximum: 100 },
  summary: text,
  remedy: text,
  customer: object({ summary: text, remedy: text }),
  evidence: list(text),
});

const position = { ...text, pattern: '^\\d+:\\d+$', example: '3:1042' } as const;

const slipFields = {
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
  anomalies: list(object({ event_id: text, type: text, reason: text })),
  anomaly_count: whole,
  version: { ...whole, minimum: 1 },
  position,
  iso20022: object({ status: optional(text), reason: optional(text) }),
};
export const describedSlip = object(slipFields);

const letter = object({
  ...{ id: text, topic: text, partition: whole, offset: whole, reason: { ...text, example: 'undecodable' } },
  ...{ status: oneOf('parked', 'queued', 'redriven', 'dismissed'), since: time },
});
const describedOneSlip = object({
  ...slipFields,
  dead_letters: optional(list(letter)),
  dead_letter_count: optional(whole),
});

const shownEvent = {
  id: text,
  type: { ...text, example: 'slipstream.slip.returned.v1' },
  slip_id: text,
  source: { ...text, example: '/slipstream/provider-gateway' },
  sequence: whole,
  version: whole,
  time,
  received_time: time,
  data: optional({ type: 'object' }),
};
export const describedEvent = object(shownEvent);
export const describedListedEvent = object({
  ...shownEvent,
  clock: text,
  position,
  trace_id: optional({ ...text, pattern: '^[0-9a-f]{32}$' }),
});

export const describedTransaction = object({
  id: text,
  slip_id: text,
  type: oneOf('hold', 'settle', 'refund', 'compensate', 'fee'),
  clock: text,
  event_id: optional(text),
  recorded_at: time,
  postings: list(object({ account: text, direction: oneOf('debit', 'credit'), amount: money })),
});

const account = object({
  id: text,
  clock: text,
  balances: list(object({ currency: text, available: minorUnits, held: minorUnits, suspense: minorUnits })),
});
export const describedListedAccount = object({
  account: { ...text, example: 'provider:acme:settlement' },
  owner: text,
  kind: oneOf(...accountKinds),
  clock: text,
  currency: text,
  balance: minorUnits,
});
const groups = object({
  data: list(object({ key: optional(text), slips: whole, amounts: list(money), list: text })),
});

const statistics = object({
  data: list(
    object({
      ...{
        key: optional(text),
        slips: whole,
        dispatched: whole,
        returned: whole,
        overdue: whole,
        not_returned: whole,
      },
      ...{
        refunded: whole,
        amounts: list(money),
        dispatched_after_ms: optional(whole),
        returned_after_ms: optional(whole),
      },
      lists: object({ slips: text, returned: text, overdue: text, not_returned: text, refunded: text }),
    }),
  ),
});

const share = { type: 'number', minimum: 0, maximum: 1 } as const;
const change = { type: 'number', minimum: -1, maximum: 1 } as const;
const periodFigures = object({
  ...{ judged: whole, overdue: whole, returned: whole, not_returned: whole, rate: optional(share) },
  lists: object({ overdue: text, returned: text, not_returned: text }),
});
const compared = {
  before: periodFigures,
  after: periodFigures,
  ...{ difference: optional(change), low: optional(change), high: optional(change) },
  verdict: oneOf('better', 'worse', 'undecided'),
};
const comparison = object({
  confidence: share,
  all: object(compared),
  data: list(object({ key: optional(text), ...compared })),
});

export const ApiComparison = () =>
  ApiOkResponse({
    description:
      '`rate`: overdue of judged; `difference`: of the rates, after less before, between `low` and `high`; what became worse first',
    schema: comparison,
  });
export const ApiStatistics = () =>
  ApiOkResponse({ description: 'By hour the earliest first, else the most slips first', schema: statistics });
export const ApiSlip = () =>
  ApiOkResponse({
    description:
      'The slip. `dead_letters`: its records that the ledger set aside, those that wait first; null with `at`',
    schema: describedOneSlip,
  });
export const ApiAccount = () => ApiOkResponse({ description: 'Its balances', schema: account });
export const ApiNotReturned = () => ApiOkResponse({ description: 'Most slips first', schema: groups });

import { ApiOkResponse } from '@nestjs/swagger';
import { ApiList, schemas } from '@slipstream/service-host';

const { list, money, object, oneOf, optional, text, time, whole, yesOrNo } = schemas;

export const describedCase = object({
  slip_id: text,
  status: oneOf('open', 'closed'),
  reason: text,
  summary: text,
  provider: optional(text),
  opened_at: time,
  closed_at: optional(time),
  resolution: optional(text),
  reasons: list({ type: 'object' }),
  cause: optional(
    object({
      class: text,
      code: text,
      summary: text,
      remedy: text,
      customer: object({ summary: text, remedy: text }),
      evidence: list(text),
    }),
  ),
  assignee: optional(text),
  escalated_at: optional(time),
  age_ms: optional(whole),
  version: whole,
});

const decision = object({ type: oneOf('approve', 'decline'), by: text, note: text });
const said = object({ type: text, data: { type: 'object' } });
const posting = object({ account: text, direction: oneOf('debit', 'credit'), amount: money });
const refusal = optional(object({ code: text, detail: text }));

/** An action as it is kept. */
export const describedAction = object({
  ...{ id: text, slip_id: text, bulk_id: optional(text), by: text, reason: text, asked_at: time },
  action: { type: 'object' },
  status: oneOf('waiting', 'proposed', 'done', 'declined', 'refused'),
  ...{ decision: optional(decision), decided_at: optional(time), finished_at: optional(time) },
  ...{ events: list(said), refusal },
});

export const describedPreview = object({
  ...{ slip_id: text, status: oneOf('done', 'proposed', 'refused'), events: list(said) },
  ...{ postings: list(posting), refusal },
  when_approved: optional(object({ events: list(said), postings: list(posting) })),
});

export const describedBulk = object({
  ...{ id: text, by: text, reason: text, asked_at: time, size: whole, action: { type: 'object' } },
  counts: object({ waiting: whole, proposed: whole, done: whole, declined: whole, refused: whole }),
});

/** What refunds without people took within the last hour, and may take. */
export const describedBudget = object({
  refunds: object({ spent: whole, max: optional(whole) }),
  amounts: list(object({ currency: text, spent: text, max: optional(text) })),
  own_trouble: object({ slips: whole, max: optional(whole) }),
});

export const describedIncident = object({
  id: text,
  status: oneOf('open', 'closed'),
  provider: optional(text),
  since: time,
  until: time,
  opened_at: time,
  closed_at: optional(time),
  merged_into: optional(text),
  warnings: list(text),
  blind_since: optional(time),
  blind_by: optional(text),
  routes: list(text),
  causes: list(object({ class: text, code: text, slips: whole })),
  counts: object({
    ...{ slips: whole, open: whole, repaired: whole, refunded: whole, open_cases: whole, withheld: whole },
  }),
  held_amount: list(money),
});

export const describedIncidentSlip = object({
  slip_id: text,
  provider: optional(text),
  route: optional(text),
  kind: optional(text),
  amount: optional(money),
  at: time,
  deadline: time,
  cause: optional(object({ class: text, code: text })),
  fate: oneOf('open', 'returned', 'refunded', 'refused', 'closed', 'waiting'),
  has_open_case: yesOrNo,
});

const clock = object({
  clock: text,
  judged_through: optional(time),
  closed: yesOrNo,
  concluded: yesOrNo,
  counts: object({ slips: whole, open: whole, overdue: whole, not_returned: whole }),
});

const watermarks = object({
  sources: list({ type: 'object' }),
  clocks: list(clock),
  detector: object({
    blind: yesOrNo,
    why: optional(text),
    since: optional(time),
    by: optional(text),
    lag_ms: { type: 'number' },
  }),
});

const milliseconds = { type: 'number' } as const;
const returnCurve = object({
  ...{ provider: text, route: text, slips: whole },
  ...{ p50_ms: optional(milliseconds), p90_ms: optional(milliseconds) },
  ...{ p99_ms: optional(milliseconds), p999_ms: optional(milliseconds) },
  ...{ suggested_deadline_ms: optional(milliseconds), not_returned_rate: optional({ type: 'number' }) },
  falling_since: optional(time),
});

export const ApiReturnCurves = () =>
  ApiOkResponse({
    description:
      'How long outcomes take by provider and route; `not_returned_rate`: the share that has not returned by the suggested deadline',
    schema: object({ data: list(returnCurve) }),
  });
export const ApiIncidents = () => ApiList(describedIncident, 'Incidents');
export const ApiIncident = () =>
  ApiOkResponse({ description: 'The incident, with the counts of its slips', schema: describedIncident });
export const ApiIncidentSlips = () => ApiList(describedIncidentSlip, 'Slips of the incident');
export const ApiCases = () => ApiList(describedCase, 'Cases');
export const ApiCase = () =>
  ApiOkResponse({
    description: 'The case, with its diagnosis and the ids of the events that show it',
    schema: describedCase,
  });
export const ApiWatermarks = () =>
  ApiOkResponse({
    description:
      '`sources`: the marks as heard; `clocks`: how far each is judged, with its counts; `detector`',
    schema: watermarks,
  });

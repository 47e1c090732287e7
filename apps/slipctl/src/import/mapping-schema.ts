/** A value taken from a column (its name alone says so, too), or the same for every row. */
const source = (description: string) => ({
  type: ['string', 'object'],
  description,
  minLength: 1,
  properties: { column: text(), value: text() },
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
});

const column = (description: string) => ({
  type: ['string', 'object'],
  description,
  minLength: 1,
  properties: { column: text() },
  additionalProperties: false,
  required: ['column'],
});

function text() {
  return { type: 'string', minLength: 1 };
}

/** A column, or several (date and time apart): joined by a space, then read. */
const columns = { type: ['string', 'array'], minLength: 1, minItems: 1, items: text() };
const timeColumns = { column: columns, format: text(), zone: text() };

const time = (description: string) => ({
  type: ['string', 'object'],
  description,
  minLength: 1,
  properties: timeColumns,
  additionalProperties: false,
  required: ['column'],
});

const outcome = { enum: ['succeeded', 'failed', 'void'] };

const list = (required: string[], properties: object) => ({
  type: 'array',
  minItems: required.includes('outcome') ? 1 : 0,
  items: { type: 'object', additionalProperties: false, required, properties },
});

/** How the file is written, and what a slip is: the same in both layouts. */
const common = {
  delimiter: { type: 'string', minLength: 1, maxLength: 1, description: 'between cells; default ,' },
  encoding: { ...text(), description: 'a label of the WHATWG Encoding Standard; default utf-8' },
  empty: { type: 'array', items: text(), description: 'words that stand in an empty cell' },
  decimal: { enum: ['.', ','], description: 'before the fraction of an amount; default .' },
  thousands: { enum: ['.', ',', ' ', "'"], description: 'between groups of digits; default none' },
  zone: {
    type: ['string', 'object'],
    description: 'IANA zone or offset of times without an offset, or a column that says it; default UTC',
    minLength: 1,
    properties: { column: text() },
    additionalProperties: false,
    required: ['column'],
  },
  zones: {
    type: 'object',
    description: 'what the words of a zone column mean',
    additionalProperties: text(),
  },
  ambiguous: {
    enum: ['earlier', 'later'],
    description:
      'which one is meant of a local time that was twice, where clocks were set back; default: such a row is refused',
  },
  time_format: { ...text(), description: 'luxon tokens, or ISO, unix, unix_ms, excel' },
  reference: column('unique per caller'),
  account: source('who pays'),
  counterparty: source('who is paid'),
  kind: source('order, payout or payment; default order'),
  route: source('a route of mode reported; default import'),
  amount: {
    type: 'object',
    additionalProperties: false,
    required: ['column', 'unit', 'currency'],
    properties: {
      column: text(),
      unit: { enum: ['minor', 'major'] },
      currency: source('ISO 4217'),
      fee: column('kept as the metadata `fee`, in minor units'),
    },
  },
  deadline: {
    type: 'object',
    additionalProperties: false,
    properties: { ...timeColumns, day: { enum: ['end'] }, after: text() },
  },
};

const named = ['layout', 'reference', 'account', 'counterparty', 'submitted', 'returned', 'deadline'];

/** JSON Schema of a mapping file for a row per slip; the README tells it in words. */
export const wideSchema = {
  type: 'object',
  additionalProperties: false,
  required: named,
  properties: {
    layout: { enum: ['wide'] },
    ...common,
    submitted: time('when the slip was submitted'),
    acknowledged: time('when the provider took it'),
    progress: list(['column'], { ...timeColumns, name: text() }),
    returned: list(['column', 'outcome'], { ...timeColumns, outcome }),
  },
};

/** One name of an event, or several. */
const events = { type: ['string', 'array'], minLength: 1, minItems: 1, items: text() };

/** JSON Schema of a mapping file for a row per event. */
export const longSchema = {
  type: 'object',
  additionalProperties: false,
  required: [...named, 'event', 'time'],
  properties: {
    layout: { enum: ['long'] },
    ...common,
    event: column('what happened'),
    time: time('when it happened'),
    submitted: events,
    acknowledged: events,
    progress: list(['event'], { event: text(), name: text() }),
    returned: list(['event', 'outcome'], { event: text(), outcome }),
  },
};

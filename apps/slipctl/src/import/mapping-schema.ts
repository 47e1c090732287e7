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

/** JSON Schema of a mapping file in the wide layout; the README tells it in words. */
export const mappingSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['layout', 'reference', 'account', 'counterparty', 'submitted', 'returned', 'deadline'],
  properties: {
    layout: { enum: ['wide'] },
    zone: { ...text(), description: 'IANA zone of times without an offset; default UTC' },
    time_format: { ...text(), description: 'luxon tokens, or ISO' },
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
      },
    },
    submitted: column('when the slip was submitted'),
    acknowledged: column('when the provider took it'),
    progress: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['column'],
        properties: { column: text(), name: text() },
      },
    },
    returned: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['column', 'outcome'],
        properties: { column: text(), outcome: { enum: ['succeeded', 'failed', 'void'] } },
      },
    },
    deadline: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      properties: { column: text(), after: text() },
    },
  },
};

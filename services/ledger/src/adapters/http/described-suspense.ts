import { describedWords, schemas } from '@slipstream/service-host';
import { slipKinds } from '@slipstream/slip';
import { decisionStatuses, suspenseOrigins } from '../../application/suspense/ports.ts';

const { list, money, object, oneOf, optional, text, time } = schemas;

export const decisions = ['give_back', 'uphold', 'write_off'] as const;

export const describedDecision = object({
  id: { ...text, format: 'uuid' },
  slip_id: text,
  decision: oneOf(...decisions),
  reason: text,
  proposed_by: text,
  proposed_at: time,
  status: oneOf(...decisionStatuses),
  decided_by: optional(text),
  note: optional(text),
  decided_at: optional(time),
  transaction_id: optional(text),
});

export const describedMoney = object({
  slip_id: text,
  origin: {
    ...oneOf(...suspenseOrigins),
    description:
      'denied: settled, then denied; in_doubt: executed otherwise than it was asked, so it is held; claimed: the payer has it, and the provider owes it',
  },
  reference: optional(text),
  kind: oneOf(...slipKinds),
  account: text,
  counterparty: text,
  provider: { ...text, description: 'on whom it is claimed, or who executed' },
  clock: text,
  amount: money,
  since: time,
  decision: optional(
    object({
      id: { ...text, format: 'uuid' },
      decision: oneOf(...decisions),
      status: oneOf('proposed', 'approved'),
      proposed_by: text,
      proposed_at: time,
    }),
  ),
});

export const describedDecisionPreview = object({
  slip_id: text,
  decision: oneOf(...decisions),
  amount: money,
  postings: list(object({ account: text, direction: oneOf('debit', 'credit'), amount: money })),
});

export const decisionSchema = {
  type: 'object' as const,
  required: ['decision', 'reason'],
  properties: {
    decision: {
      type: 'string' as const,
      enum: [...decisions],
      description:
        'give_back: it is the payer’s, and a claim on the provider stays; uphold: the provider’s success counts, so what was denied stands and what is held is settled; write_off: what is claimed never comes, and is a loss of the house',
    },
    reason: { ...describedWords, description: 'Why' },
    dry_run: { type: 'boolean' as const, description: 'Says what would be booked, and does nothing' },
  },
  example: { decision: 'give_back', reason: 'the provider confirmed the return', dry_run: true },
};

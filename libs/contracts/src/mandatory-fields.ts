import type { DescField } from '@bufbuild/protobuf';

/**
 * Messages within a message that the domain's types never leave out (`null` is none of their values). proto3 cannot say so: such a
 * field has been there since its message was, for what was written before it lacks it, and must be read for ever.
 */
const mandatory: Readonly<Record<string, readonly string[]>> = {
  'slipstream.common.v1.AdvanceClock': ['time'],
  'slipstream.common.v1.PartitionMark': ['time'],
  'slipstream.slip.v1.SlipSubmitted': ['deadline', 'policy'],
  'slipstream.slip.v1.SlipDrafted': ['expiresAt'],
  'slipstream.slip.v1.DraftReminderDue': ['expiresAt'],
  'slipstream.slip.v1.DraftExpired': ['expiresAt'],
  'slipstream.slip.v1.ReviewRequested': ['dueAt'],
  'slipstream.slip.v1.SlipApproved': ['deadline'],
  'slipstream.gateway.v1.DispatchIntended': ['notAfter'],
  'slipstream.gateway.v1.RefusedCallbacks': ['since', 'until'],
  'slipstream.gateway.v1.CallbackRefused': ['callbacksRefused'],
  'slipstream.ledger.v1.Posting': ['amount'],
  'slipstream.reconciliation.v1.SlipOverdue': ['deadline'],
  'slipstream.reconciliation.v1.SlipDiagnosed': ['cause'],
  'slipstream.reconciliation.v1.Stall': ['from', 'until'],
  'slipstream.reconciliation.v1.SlipNotReturned': ['deadline'],
  'slipstream.reconciliation.v1.SlipSlow': ['dispatchedAt', 'deadline'],
  'slipstream.reconciliation.v1.StageLate': ['since'],
  'slipstream.reconciliation.v1.LateReturnFound': ['deadline', 'receivedAt'],
  'slipstream.ops.v1.CallbacksRefused': ['since', 'until'],
  'slipstream.ops.v1.ReturnsFalling': ['since', 'foundAt', 'firstDeadline'],
  'slipstream.ops.v1.ReturnsRecovered': ['since', 'foundAt', 'recoveredSince'],
  'slipstream.ops.v1.DetectorBlinded': ['since'],
  'slipstream.ops.v1.DetectorRestored': ['since'],
  'slipstream.ops.v1.IncidentOpened': ['since', 'until'],
  'slipstream.ops.v1.IncidentClosed': ['since', 'until'],
};

/** Whether a message without this field is refused. */
export const isMandatory = ({ parent, localName }: DescField): boolean =>
  mandatory[parent.typeName]?.includes(localName) ?? false;

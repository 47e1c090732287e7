import type { DescMessage } from '@bufbuild/protobuf';
import type { SlipEventType } from '@slipstream/slip';
import * as gateway from './generated/slipstream/gateway/v1/events_pb.ts';
import * as ledger from './generated/slipstream/ledger/v1/events_pb.ts';
import * as reconciliation from './generated/slipstream/reconciliation/v1/events_pb.ts';
import * as slip from './generated/slipstream/slip/v1/events_pb.ts';

/** Each slip event's protobuf schema. */
const schemas: Readonly<Record<SlipEventType, DescMessage>> = {
  SlipSubmitted: slip.SlipSubmittedSchema,
  SlipRejected: slip.SlipRejectedSchema,
  DispatchIntended: gateway.DispatchIntendedSchema,
  DispatchNotSent: gateway.DispatchNotSentSchema,
  DispatchUnanswered: gateway.DispatchUnansweredSchema,
  SlipAcknowledged: gateway.SlipAcknowledgedSchema,
  SlipProgressed: gateway.SlipProgressedSchema,
  SlipReturned: gateway.SlipReturnedSchema,
  InquiryAnswered: gateway.InquiryAnsweredSchema,
  FundsHeld: ledger.FundsHeldSchema,
  HoldRefused: ledger.HoldRefusedSchema,
  SlipSettled: ledger.SlipSettledSchema,
  SlipRefunded: ledger.SlipRefundedSchema,
  RefundRefused: ledger.RefundRefusedSchema,
  PostingCompensated: ledger.PostingCompensatedSchema,
  SlipOverdue: reconciliation.SlipOverdueSchema,
  SlipDiagnosed: reconciliation.SlipDiagnosedSchema,
  InquiryRequested: reconciliation.InquiryRequestedSchema,
  RefundRequested: reconciliation.RefundRequestedSchema,
  SlipNotReturned: reconciliation.SlipNotReturnedSchema,
  LateReturnFound: reconciliation.LateReturnFoundSchema,
  CaseOpened: reconciliation.CaseOpenedSchema,
  CaseClosed: reconciliation.CaseClosedSchema,
};

export interface EventTypeEntry {
  readonly name: SlipEventType;
  /** The CloudEvents `type`: SlipReturned is `slipstream.slip.returned.v1`. */
  readonly type: string;
  readonly schema: DescMessage;
}

const entries = (Object.keys(schemas) as SlipEventType[]).map((name) => ({
  name,
  type: `slipstream.slip.${snakeCase(name.replace(/^Slip/, ''))}.v1`,
  schema: schemas[name],
}));
const byName = new Map<string, EventTypeEntry>(entries.map((entry) => [entry.name, entry]));
const byType = new Map<string, EventTypeEntry>(entries.map((entry) => [entry.type, entry]));

/** The CloudEvents type of a slip event. */
export function cloudEventType(name: SlipEventType): string {
  return entryByName(name).type;
}

/** The slip event of a CloudEvents type; undefined for a type this version does not know. */
export function slipEventType(type: string): SlipEventType | undefined {
  return byType.get(type)?.name;
}

export function entryByName(name: SlipEventType): EventTypeEntry {
  return byName.get(name)!;
}

export function entryByType(type: string): EventTypeEntry | undefined {
  return byType.get(type);
}

function snakeCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

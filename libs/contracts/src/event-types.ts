import type { DescMessage } from '@bufbuild/protobuf';
import type { SlipEventType } from '@slipstream/slip';
import * as gateway from './generated/slipstream/gateway/v1/events_pb.ts';
import * as ledger from './generated/slipstream/ledger/v1/events_pb.ts';
import * as reconciliation from './generated/slipstream/reconciliation/v1/events_pb.ts';
import * as slip from './generated/slipstream/slip/v1/events_pb.ts';

/** Each slip event's protobuf schema. */
export const schemas: Readonly<Record<SlipEventType, DescMessage>> = {
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

/** The event types that a release knows. */
export interface EventTypes {
  byName(name: SlipEventType): EventTypeEntry;
  /** By the CloudEvents type; undefined for one that is not known. */
  byType(type: string): EventTypeEntry | undefined;
}

/** The types of a release with these schemas: this one has all of them, and a spec makes an older one with fewer. */
export function eventTypesOf(known: Readonly<Partial<Record<SlipEventType, DescMessage>>>): EventTypes {
  const entries = Object.entries(known).map(([name, schema]) => ({
    name: name as SlipEventType,
    type: `slipstream.slip.${snakeCase(name.replace(/^Slip/, ''))}.v1`,
    schema,
  }));
  const byName = new Map<string, EventTypeEntry>(entries.map((entry) => [entry.name, entry]));
  const byType = new Map<string, EventTypeEntry>(entries.map((entry) => [entry.type, entry]));
  return { byName: (name) => byName.get(name)!, byType: (type) => byType.get(type) };
}

/** What this release knows. */
export const eventTypes = eventTypesOf(schemas);

/** The CloudEvents type of a slip event. */
export function cloudEventType(name: SlipEventType): string {
  return eventTypes.byName(name).type;
}

/** The slip event of a CloudEvents type; undefined for a type this release does not know. */
export function slipEventType(type: string): SlipEventType | undefined {
  return eventTypes.byType(type)?.name;
}

function snakeCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

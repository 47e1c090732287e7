import type { DescMessage } from '@bufbuild/protobuf';
import { nearest } from '@slipstream/kernel';
import type { SlipEventType } from '@slipstream/slip';
import * as gateway from './generated/slipstream/gateway/v1/events_pb.ts';
import * as ledger from './generated/slipstream/ledger/v1/events_pb.ts';
import * as reconciliation from './generated/slipstream/reconciliation/v1/events_pb.ts';
import * as slip from './generated/slipstream/slip/v1/events_pb.ts';
import { opsOwners } from './ops-event-types.ts';
import { type Owner, type Source, sources } from './sources.ts';
import { typeName } from './type-name.ts';

/** Each slip event's protobuf schema, and the one service that may publish it (rule 5: who may say what). */
const types: Readonly<Record<SlipEventType, { readonly owner: Owner; readonly schema: DescMessage }>> = {
  SlipSubmitted: { owner: 'intake', schema: slip.SlipSubmittedSchema },
  SlipRejected: { owner: 'intake', schema: slip.SlipRejectedSchema },
  SlipDrafted: { owner: 'intake', schema: slip.SlipDraftedSchema },
  DraftReminderDue: { owner: 'intake', schema: slip.DraftReminderDueSchema },
  DraftExpired: { owner: 'intake', schema: slip.DraftExpiredSchema },
  SlipWithdrawn: { owner: 'intake', schema: slip.SlipWithdrawnSchema },
  ReviewRequested: { owner: 'intake', schema: slip.ReviewRequestedSchema },
  ReviewClaimed: { owner: 'intake', schema: slip.ReviewClaimedSchema },
  ReviewReleased: { owner: 'intake', schema: slip.ReviewReleasedSchema },
  ApprovalGiven: { owner: 'intake', schema: slip.ApprovalGivenSchema },
  SlipApproved: { owner: 'intake', schema: slip.SlipApprovedSchema },
  SlipDeclined: { owner: 'intake', schema: slip.SlipDeclinedSchema },
  DispatchIntended: { owner: 'gateway', schema: gateway.DispatchIntendedSchema },
  DispatchNotSent: { owner: 'gateway', schema: gateway.DispatchNotSentSchema },
  DispatchUnanswered: { owner: 'gateway', schema: gateway.DispatchUnansweredSchema },
  SlipAcknowledged: { owner: 'gateway', schema: gateway.SlipAcknowledgedSchema },
  SlipProgressed: { owner: 'gateway', schema: gateway.SlipProgressedSchema },
  SlipReturned: { owner: 'gateway', schema: gateway.SlipReturnedSchema },
  AnswerDoubted: { owner: 'gateway', schema: gateway.AnswerDoubtedSchema },
  InquiryAnswered: { owner: 'gateway', schema: gateway.InquiryAnsweredSchema },
  CallbackRefused: { owner: 'gateway', schema: gateway.CallbackRefusedSchema },
  FundsHeld: { owner: 'ledger', schema: ledger.FundsHeldSchema },
  HoldRefused: { owner: 'ledger', schema: ledger.HoldRefusedSchema },
  SlipSettled: { owner: 'ledger', schema: ledger.SlipSettledSchema },
  SlipRefunded: { owner: 'ledger', schema: ledger.SlipRefundedSchema },
  RefundRefused: { owner: 'ledger', schema: ledger.RefundRefusedSchema },
  PostingCompensated: { owner: 'ledger', schema: ledger.PostingCompensatedSchema },
  SuspenseDecided: { owner: 'ledger', schema: ledger.SuspenseDecidedSchema },
  SlipOverdue: { owner: 'reconciliation', schema: reconciliation.SlipOverdueSchema },
  SlipDiagnosed: { owner: 'reconciliation', schema: reconciliation.SlipDiagnosedSchema },
  InquiryRequested: { owner: 'reconciliation', schema: reconciliation.InquiryRequestedSchema },
  RefundRequested: { owner: 'reconciliation', schema: reconciliation.RefundRequestedSchema },
  SlipNotReturned: { owner: 'reconciliation', schema: reconciliation.SlipNotReturnedSchema },
  SlipSlow: { owner: 'reconciliation', schema: reconciliation.SlipSlowSchema },
  StageLate: { owner: 'reconciliation', schema: reconciliation.StageLateSchema },
  LateReturnFound: { owner: 'reconciliation', schema: reconciliation.LateReturnFoundSchema },
  CaseOpened: { owner: 'reconciliation', schema: reconciliation.CaseOpenedSchema },
  CaseClosed: { owner: 'reconciliation', schema: reconciliation.CaseClosedSchema },
  StatementLineMatched: { owner: 'reconciliation', schema: reconciliation.StatementLineMatchedSchema },
  BreakOpened: { owner: 'reconciliation', schema: reconciliation.BreakOpenedSchema },
  BreakResolved: { owner: 'reconciliation', schema: reconciliation.BreakResolvedSchema },
  CaseNoted: { owner: 'reconciliation', schema: reconciliation.CaseNotedSchema },
  CaseAssigned: { owner: 'reconciliation', schema: reconciliation.CaseAssignedSchema },
};

/** Types of releases to come: an older release beside a newer one knows already who may say them. */
const planned: Readonly<Partial<Record<Owner, readonly string[]>>> = {
  ledger: ['HoldReleased'],
  notification: ['CustomerNotified', 'NotificationFailed'],
};

export interface EventTypeEntry {
  readonly name: SlipEventType;
  /** The CloudEvents `type`: SlipReturned is `slipstream.slip.returned.v1`. */
  readonly type: string;
  readonly schema: DescMessage;
}

/** Each slip event's protobuf schema. */
export const schemas = Object.fromEntries(
  Object.entries(types).map(([name, { schema }]) => [name, schema]),
) as Readonly<Record<SlipEventType, DescMessage>>;

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
    type: typeOf(name),
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

const sourceByType = new Map<string, Source>([
  ...Object.entries(types).map(([name, { owner }]) => [typeOf(name), sources[owner]] as const),
  ...Object.entries(planned).flatMap(([owner, names]) =>
    names.map((name) => [typeOf(name), sources[owner as Owner]] as const),
  ),
  ...opsOwners.map(([type, owner]) => [type, sources[owner]] as const),
]);

/** The source of a slip event: of the one service that may publish it. */
export function sourceOf(name: SlipEventType): Source {
  return sources[types[name].owner];
}

/** Every CloudEvents type that has its owner. */
export const ownedTypes: readonly string[] = [...sourceByType.keys()];

/**
 * What is wrong with a type that somebody asks for, with the one that was probably meant, also where the event's name stands for
 * it (SlipReturned); null: nothing.
 */
export function typeProblem(type: string): string | null {
  if (sourceByType.has(type)) return null;
  const names = new Map(ownedTypes.map((one) => [shortOf(one), one]));
  const found = nearest(shortOf(type), names.keys());
  const hint = found === null ? `one is ${typeOf('SlipReturned')}` : `did you mean ${names.get(found)}?`;
  return `there is no type ${type}; ${hint}`;
}

/** What people write of it: slipreturned of slipstream.slip.returned.v1. */
const shortOf = (type: string): string =>
  type
    .replace(/^slipstream\./i, '')
    .replace(/\.v\d+$/i, '')
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase();

const ownSources: ReadonlySet<string> = new Set(Object.values(sources));

/** Whether `source` is one of ours. */
export function isOwnSource(source: string): source is Source {
  return ownSources.has(source);
}

/**
 * Rule 5: whether `source` may publish events of this CloudEvents type. A type that nobody is known to own (of a later
 * release, or what each says of itself) may come from each of our services; a source that is not ours may say nothing.
 */
export function mayPublish(source: string, type: string): boolean {
  return isOwnSource(source) && (sourceByType.get(type) ?? source) === source;
}

function typeOf(name: string): string {
  return typeName('slip', name);
}

import type { DescMessage } from '@bufbuild/protobuf';
import type { OpsEventType } from '@slipstream/slip';
import * as ops from './generated/slipstream/ops/v1/events_pb.ts';
import { type Owner, type Source, sources } from './sources.ts';
import { typeName } from './type-name.ts';

interface OpsTypeEntry {
  /** The one service that may publish it; `each`: every service, of what it finds itself. */
  readonly owner: Owner | 'each';
  readonly schema: DescMessage;
}

const types: Readonly<Record<OpsEventType, OpsTypeEntry>> = {
  ConfigApplied: { owner: 'each', schema: ops.ConfigAppliedSchema },
  OperatorActed: { owner: 'each', schema: ops.OperatorActedSchema },
  AccountStatusChanged: { owner: 'intake', schema: ops.AccountStatusChangedSchema },
  ProviderDisabled: { owner: 'gateway', schema: ops.ProviderDisabledSchema },
  ProviderEnabled: { owner: 'gateway', schema: ops.ProviderEnabledSchema },
  ProviderPromiseBroken: { owner: 'gateway', schema: ops.ProviderPromiseBrokenSchema },
  ProviderProofRestored: { owner: 'gateway', schema: ops.ProviderProofRestoredSchema },
  ProviderHealthChanged: { owner: 'gateway', schema: ops.ProviderHealthChangedSchema },
  CallbacksRefused: { owner: 'gateway', schema: ops.CallbacksRefusedSchema },
  ReturnsFalling: { owner: 'reconciliation', schema: ops.ReturnsFallingSchema },
  DetectorBlinded: { owner: 'each', schema: ops.DetectorBlindedSchema },
  DetectorRestored: { owner: 'each', schema: ops.DetectorRestoredSchema },
  StatementAccepted: { owner: 'reconciliation', schema: ops.StatementAcceptedSchema },
  StatementBreakOpened: { owner: 'reconciliation', schema: ops.StatementBreakOpenedSchema },
  StatementBreakResolved: { owner: 'reconciliation', schema: ops.StatementBreakResolvedSchema },
  ReturnsRecovered: { owner: 'reconciliation', schema: ops.ReturnsRecoveredSchema },
  IncidentOpened: { owner: 'reconciliation', schema: ops.IncidentOpenedSchema },
  IncidentClosed: { owner: 'reconciliation', schema: ops.IncidentClosedSchema },
};

/** Types of releases to come, as in `event-types.ts`. */
const planned: Readonly<Partial<Record<Owner, readonly string[]>>> = {};

/** Each operations event's protobuf schema. */
export const opsSchemas = Object.fromEntries(
  Object.entries(types).map(([name, { schema }]) => [name, schema]),
) as Readonly<Record<OpsEventType, DescMessage>>;

/** Who may publish which CloudEvents type; what each service may say of itself is not in it. */
export const opsOwners: readonly (readonly [string, Owner])[] = [
  ...Object.entries(types).flatMap(([name, { owner }]) =>
    owner === 'each' ? [] : [[typeName('ops', name), owner] as const],
  ),
  ...Object.entries(planned).flatMap(([owner, names]) =>
    names.map((name) => [typeName('ops', name), owner as Owner] as const),
  ),
];

/** The source that may say it; null: each service, of itself. */
export function opsSourceOf(name: OpsEventType): Source | null {
  const { owner } = types[name];
  return owner === 'each' ? null : sources[owner];
}

/** The CloudEvents type of an operations event. */
export function opsCloudEventType(name: OpsEventType): string {
  return typeName('ops', name);
}

const byType = new Map(
  (Object.keys(types) as OpsEventType[]).map((name) => [opsCloudEventType(name), name] as const),
);

/** The operations event of a CloudEvents type; undefined for a type this release does not know. */
export function opsEventType(type: string): OpsEventType | undefined {
  return byType.get(type);
}

import { type Source, sources, verdictId } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord } from '@slipstream/postgres';
import { newId, outboundEvent } from '@slipstream/runtime';
import type { PendingEvent, Stage, StagePoint } from '@slipstream/slip';
import { v5 } from 'uuid';
import type { Ids } from '../../application/advance.ts';

/** UUIDv5 namespace of warnings. */
const warningNamespace = '0d6f6a55-3c8c-5b1e-9f0a-7e2d4c1b8a63';

/** The id of what was found at a time of the log about a provider on a route. */
export function warningId(kind: string, provider: string, route: string, foundAt: Instant): string {
  return v5(`${kind}|${provider}|${route}|${foundAt}`, warningNamespace);
}

/** What is said once of a slip has one id. */
export function slowId(slipId: string): string {
  return v5(`slow|${slipId}`, warningNamespace);
}

/** What is said of a slip's stage is said once at each point. */
export function stageLateId(slipId: string, stage: Stage, point: StagePoint): string {
  return v5(`stage|${slipId}|${stage}|${point}`, warningNamespace);
}

export const ids: Ids = { newId, overdueId: verdictId };

const origin: { source: Source; newId(): string } = { source: sources.reconciliation, newId };

/** What we decided, as records of the outbox; each stays on its slip's partition. */
export function toRecords(decided: readonly PendingEvent[]): OutboundRecord[] {
  return decided.map((event) => outboundEvent(origin, event));
}

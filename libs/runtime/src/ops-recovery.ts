import { opsEventOf, type RecordedOpsEvent, readEnvelope, topics } from '@slipstream/contracts';
import type { Tx } from '@slipstream/postgres';
import { type LogRecoveryOptions, logRecovery } from './log-recovery.ts';
import type { Recovery } from './own-log-guard.ts';

/** Writes what an operations event of the service's own says into a database that does not know of it. */
export type FoldOpsEvent = (tx: Tx, recorded: RecordedOpsEvent) => Promise<void>;

export type OpsRecoveryOptions = Omit<LogRecoveryOptions<RecordedOpsEvent>, 'topic' | 'decode' | 'fold'> & {
  readonly fold: FoldOpsEvent;
};

/** How each service goes on when its database lacks operations events of its own: what they say is the whole change. */
export function opsRecovery(options: OpsRecoveryOptions): Recovery {
  return logRecovery({
    ...options,
    topic: topics.ops.name,
    decode: (value) => opsEventOf(readEnvelope(value)),
  });
}

/** What the runtime itself knows from its operations events, and then the service. */
export function foldOwn(service: FoldOpsEvent | undefined): FoldOpsEvent {
  return async (tx, recorded) => {
    const { type, data } = recorded.event;
    if (type !== 'ConfigApplied') return service?.(tx, recorded);
    await tx.query(
      `insert into applied_config (digest, previous, applied_at) values ($1, $2, $3)
       on conflict (one) do update set digest = excluded.digest, previous = excluded.previous, applied_at = excluded.applied_at`,
      [data.digest, data.previous, recorded.time],
    );
  };
}

import { opsEventOf, type RecordedOpsEvent, readEnvelope, type Source, topics } from '@slipstream/contracts';
import { type KafkaClient, readTail } from '@slipstream/kafka';
import type { OwnLogStore, Tx } from '@slipstream/postgres';
import type { Recovery } from './own-log-guard.ts';

/** Writes what an operations event of the service's own says into a database that does not know of it. */
export type FoldOpsEvent = (tx: Tx, recorded: RecordedOpsEvent) => Promise<void>;

export interface OpsRecoveryOptions {
  readonly kafka: KafkaClient;
  readonly source: Source;
  readonly log: Pick<OwnLogStore, 'cursors'>;
  readonly fold: FoldOpsEvent;
}

/**
 * How each service goes on when its database lacks operations events of its own: what they say is the whole change, so
 * they are read from the topic and written again, in order.
 */
export function opsRecovery({ kafka, source, log, fold }: OpsRecoveryOptions): Recovery {
  const { name } = topics.ops;
  const read = new Map<number, readonly RecordedOpsEvent[]>();
  return {
    async foldBack(partition, endOffset) {
      const from = (await log.cursors(name)).get(partition) ?? 0;
      const events: RecordedOpsEvent[] = [];
      await readTail(kafka, name, new Map([[partition, from]]), (_, record) => {
        const value = record.value();
        if (record.offset >= endOffset || !value || !record.peekSource() || record.source !== source) return;
        const event = opsEventOf(readEnvelope(value));
        if (event) events.push(event);
      });
      read.set(partition, events);
      return true;
    },
    async folded(tx, partition) {
      for (const recorded of read.get(partition) ?? []) await fold(tx, recorded);
      read.delete(partition);
    },
  };
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

import { topics } from '@slipstream/contracts';
import { type Batch, readEach, type Subscription } from '@slipstream/kafka';
import { storableText } from '@slipstream/kernel';
import type { OutboundRecord, Tx } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import { consumerGroup } from '../../application/consumer-group.ts';
import type { Unread } from '../../application/keep-unread.ts';
import type { LedgerTx } from '../../application/ports.ts';
import type { LedgerBatch } from '../../application/record-batch.ts';
import type { Sha256 } from '../../domain/log/follow.ts';
import { readLogRecord, readUnread } from './read-log-record.ts';

export interface EventsHandler {
  readonly sha256: Sha256;
  ledgerTx(tx: Tx): LedgerTx;
  recordBatch(tx: LedgerTx, batch: LedgerBatch): Promise<readonly PendingEvent[]>;
  keepUnread(tx: LedgerTx, partition: number, unread: readonly Unread[]): Promise<void>;
  outbound(event: PendingEvent): OutboundRecord;
  /** Told when a batch was handled: somebody may be waiting for it. */
  onBatch(records: number): void;
}

/** Every slip event of every source goes into the log, the ledger's own too; its answers go to the same partition. */
export function eventsSubscription(handler: EventsHandler): Subscription<Tx> {
  return {
    topic: topics.events.name,
    group: consumerGroup,
    sequenced: true,
    async handle(tx, batch) {
      const answers = await handler.recordBatch(handler.ledgerTx(tx), toLedgerBatch(batch, handler.sha256));
      tx.publish(answers.map((answer) => handler.outbound(answer)));
      handler.onBatch(batch.records.length);
    },
    async setAside(tx, partition, letters) {
      const unread = letters.flatMap(({ record, reason }) => {
        const read = readUnread(record);
        return read === null ? [] : [{ record: read, waitsBehind: reason === 'parked_behind' }];
      });
      if (unread.length === 0) return;
      await handler.keepUnread(handler.ledgerTx(tx), partition, unread);
      handler.onBatch(unread.length);
    },
  };
}

function toLedgerBatch({ partition, records, resent }: Batch, sha256: Sha256): LedgerBatch {
  return {
    partition,
    records: readEach(records, readLogRecord),
    resent: resent.flatMap(({ source, sequence, offset, key, value }) =>
      value === null
        ? []
        : [
            {
              slipId: storableText(key?.toString('utf8') ?? ''),
              source,
              sequence,
              offset,
              digest: sha256(value),
            },
          ],
    ),
  };
}

import type { OutboundRecord, Tx } from '@slipstream/postgres';
import type { PendingEvent } from '@slipstream/slip';
import type { LedgerTx } from '../../application/ports.ts';
import type { LedgerBatch } from '../../application/record-batch.ts';
import type { Sha256 } from '../../domain/log/follow.ts';

/** What the subscription needs of the service. */
export interface EventsHandler {
  readonly sha256: Sha256;
  ledgerTx(tx: Tx): LedgerTx;
  recordBatch(tx: LedgerTx, batch: LedgerBatch): Promise<readonly PendingEvent[]>;
  outbound(event: PendingEvent): OutboundRecord;
  /** The partition is owned since: before any of its records is taken. */
  open(partition: number): Promise<void>;
  /** The partition is owned no more: what was remembered of its rows may be of another database. */
  forget(partition: number): void;
}

import type { PendingEvent } from '@slipstream/slip';
import { keepUnread, type Unread } from './keep-unread.ts';
import type { LedgerTx } from './ports.ts';
import type { LedgerQueries } from './queries.ts';
import { type LedgerBatch, type RecordBatchContext, recordBatch } from './record-batch.ts';

/** Everything the ledger can do: take in the log, and answer questions about it. */
export interface UseCases {
  /** Takes a batch of the log into the books; gives the events that the ledger answers with. */
  recordBatch(tx: LedgerTx, batch: LedgerBatch): Promise<readonly PendingEvent[]>;
  /** Logs records that were set aside. */
  keepUnread(tx: LedgerTx, unread: readonly Unread[]): Promise<void>;
  readonly queries: LedgerQueries;
}

export function useCases(context: RecordBatchContext, queries: LedgerQueries): UseCases {
  return {
    recordBatch: (tx, batch) => recordBatch(context, tx, batch),
    keepUnread: (tx, unread) => keepUnread(context.sha256, tx, unread),
    queries,
  };
}

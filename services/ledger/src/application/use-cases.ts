import type { PendingEvent } from '@slipstream/slip';
import type { LedgerTx } from './ports.ts';
import type { LedgerQueries } from './queries.ts';
import { type LedgerBatch, type RecordBatchContext, recordBatch } from './record-batch.ts';

/** Everything the ledger can do: take in the log, and answer questions about it. */
export interface UseCases {
  /** Takes a batch of the log into the books, and what was set aside into the log; gives the events that it answers with. */
  recordBatch(tx: LedgerTx, batch: LedgerBatch): Promise<readonly PendingEvent[]>;
  readonly queries: LedgerQueries;
}

export function useCases(context: RecordBatchContext, queries: LedgerQueries): UseCases {
  return { recordBatch: (tx, batch) => recordBatch(context, tx, batch), queries };
}

import type { PendingEvent } from '@slipstream/slip';
import type { LedgerTx } from './ports.ts';
import { type LedgerBatch, type RecordBatchContext, recordBatch } from './record-batch.ts';

/** Everything the ledger does in answer to the log; what people ask goes to its queries. */
export interface UseCases {
  /** Takes a batch of the log into the books, and what was set aside into the log; gives the events that it answers with. */
  recordBatch(tx: LedgerTx, batch: LedgerBatch): Promise<readonly PendingEvent[]>;
}

export function useCases(context: RecordBatchContext): UseCases {
  return { recordBatch: (tx, batch) => recordBatch(context, tx, batch) };
}

import type { Page, RelayRecord } from './outbox.ts';
import { toRecord } from './outbox.ts';

/** Where a lane sends to: one call in flight, acks=all, idempotent (libs/kafka's SerialProducer). */
export interface RelayProducer {
  /**
   * Gives the base offset of each `topic:partition` sent to. A rejection may tell (as {@link SendFailure}) what was
   * acknowledged all the same, and whether the records are too large for the broker.
   */
  sendBatch(records: readonly RelayRecord[]): Promise<ReadonlyMap<string, bigint>>;
  stop?(): Promise<void>;
}

/** What an error of `sendBatch` may say about itself. */
export interface SendFailure {
  readonly acknowledged?: ReadonlyMap<string, bigint>;
  readonly tooLarge?: boolean;
}

/** What became of one request: the offsets of what was taken, and why the rest was not. */
export interface Sent {
  readonly offsets: ReadonlyMap<string, bigint>;
  readonly error: unknown;
}

export async function trySend(producer: RelayProducer, pages: readonly Page[]): Promise<Sent> {
  try {
    const offsets = await producer.sendBatch(pages.flatMap((page) => page.rows.map(toRecord)));
    return { offsets, error: new Error('the producer says nothing of the partition') };
  } catch (error) {
    return { offsets: (error as SendFailure | null)?.acknowledged ?? new Map(), error };
  }
}

export const isTooLarge = (error: unknown): boolean => (error as SendFailure | null)?.tooLarge === true;

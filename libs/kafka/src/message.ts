import type { RecordHeaders } from './record-headers.ts';

/** A record as fetched. */
export interface Message {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  /** True: known to have no more headers than are taken, though none is decoded yet. */
  readonly hasFewHeaders: boolean;
}

import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
const Long = load('kafkajs/src/utils/long');
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0');
const Record = load('kafkajs/src/protocol/recordBatch/record/v0');

export interface BatchRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: { readonly [name: string]: string };
}

/** A record batch as a broker gives it, its first record at `firstOffset`. */
export async function batchBytes(firstOffset: number, given: readonly BatchRecord[]): Promise<Buffer> {
  const records = given.map((record, offsetDelta) => Record({ headers: {}, ...record, offsetDelta }));
  const lastOffsetDelta = Math.max(records.length - 1, 0);
  const { buffer } = await RecordBatch({
    firstOffset: Long.fromNumber(firstOffset),
    lastOffsetDelta,
    records,
  });
  return buffer;
}

import { createRequire } from 'node:module';
import './kafkajs-version.ts';

/** Where things are in a record batch of version 2 (Kafka protocol, RecordBatch). */
const at = {
  baseOffset: 0,
  length: 8,
  magic: 16,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** Of base offset and length, which the length does not count. */
const prefixBytes = 12;

const codecMask = 0x07;
const appendTimeFlag = 0x08;
const transactionalFlag = 0x10;
const controlFlag = 0x20;

interface Codec {
  decompress(bytes: Buffer): Promise<Buffer>;
}

const { lookupCodecByAttributes } = createRequire(import.meta.url)(
  'kafkajs/src/protocol/message/compression',
) as { lookupCodecByAttributes(attributes: number): Codec | null };

/** What a batch says of itself. */
export interface BatchHead {
  readonly baseOffset: number;
  /** Also where compaction has taken the last records away. */
  readonly lastOffset: number;
  readonly firstTimestampMs: number;
  /** Set: the broker's append time, which holds for all records. */
  readonly appendTimestampMs: number | null;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** Records; 0 in a batch that compaction has emptied. */
  readonly count: number;
  readonly recordsAt: number;
}

/** The whole batches of an answer; the last may be cut off by the answer's size, and is asked for again. */
export function* readBatches(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from + at.records <= bytes.length; ) {
    const next = from + prefixBytes + bytes.readInt32BE(from + at.length);
    if (next > bytes.length || next < from + at.records) return;
    if (bytes[from + at.magic] !== 2) throw new Error('a record batch older than Kafka 0.11');
    yield bytes.subarray(from, next);
    from = next;
  }
}

export function headOf(batch: Buffer): BatchHead {
  const attributes = batch.readInt16BE(at.attributes);
  const baseOffset = Number(batch.readBigInt64BE(at.baseOffset));
  const hasAppendTime = (attributes & appendTimeFlag) !== 0;
  return {
    baseOffset,
    lastOffset: baseOffset + batch.readInt32BE(at.lastOffsetDelta),
    firstTimestampMs: Number(batch.readBigInt64BE(at.firstTimestamp)),
    appendTimestampMs: hasAppendTime ? Number(batch.readBigInt64BE(at.maxTimestamp)) : null,
    producerId: batch.readBigInt64BE(at.producerId),
    isTransactional: (attributes & transactionalFlag) !== 0,
    isControl: (attributes & controlFlag) !== 0,
    count: batch.readInt32BE(at.count),
    recordsAt: at.records,
  };
}

/** The batch with its records in the clear. */
export async function recordsFrom(batch: Buffer, { count }: BatchHead): Promise<Buffer> {
  const attributes = batch.readInt16BE(at.attributes);
  const codec = count === 0 ? null : lookupCodecByAttributes(attributes);
  if (!codec) return batch;
  const clear = await codec.decompress(batch.subarray(at.records));
  const whole = Buffer.concat([batch.subarray(0, at.records), clear]);
  whole.writeInt16BE(attributes & ~codecMask, at.attributes);
  return whole;
}

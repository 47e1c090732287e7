import { createRequire } from 'node:module';
import './kafkajs-version.ts';

interface Decoder {
  readonly buffer: Buffer;
  readonly offset: number;
  readArray(reader: (decoder: Decoder) => unknown): unknown[];
}

const load = createRequire(import.meta.url);
const { prototype } = load('kafkajs/src/protocol/decoder') as { prototype: Decoder };
const crc32C = load('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;
const readArray = prototype.readArray;

/** Bytes of a record batch without records, after its base offset and length (Kafka protocol, RecordBatch v2). */
const emptyBatchBytes = 49;
const prefixBytes = 12;

/**
 * Compaction leaves a batch without records where an idempotent producer wrote last. kafkajs 2.2.4 takes an answer
 * with nothing else in it for "no data" and asks for the same offset for ever. Such a batch is decoded here as one
 * control record at its last offset: kafkajs hands it to nobody and moves on behind it.
 */
prototype.readArray = function (this: Decoder, reader) {
  const array = readArray.call(this, reader);
  if (array.length > 0 || this.offset !== emptyBatchBytes || this.buffer.length !== emptyBatchBytes)
    return array;
  const offset = lastOffsetOfEmptyBatch(this.buffer);
  return offset === null ? array : [controlRecord(offset)];
};

/** Null when these bytes are something else; the checksum leaves no doubt. */
function lastOffsetOfEmptyBatch({ buffer, byteOffset, length }: Buffer): bigint | null {
  if (byteOffset < prefixBytes) return null;
  const batch = Buffer.from(buffer, byteOffset - prefixBytes, prefixBytes + length);
  const magic = batch.readInt8(16);
  if (batch.readInt32BE(8) !== length || magic !== 2) return null;
  if (batch.readUInt32BE(17) !== crc32C(batch.subarray(21))) return null;
  return batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23));
}

function controlRecord(offset: bigint): object {
  return {
    magicByte: 2,
    attributes: 0,
    timestamp: '0',
    offset: offset.toString(),
    key: null,
    value: null,
    headers: {},
    isControlRecord: true,
    batchContext: { producerId: '-1', inTransaction: false },
  };
}

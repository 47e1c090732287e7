import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { SlipstreamError } from '@slipstream/kernel';
import { directReaderOf } from './direct-reader.ts';
import { directWriterOf } from './direct-writer.ts';
import { mappingOf } from './domain-mapping.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

// Two ways lead from bytes to the domain's plain data and back. The direct one takes half the time or less and knows what
// our own services write; all else goes the general way, through protobuf-es, which alone decides what is refused.

/** The bytes of a message with the domain's data. */
export function encodeMessage(schema: DescMessage, data: object): Uint8Array {
  return writeDirectly(schema, data) ?? toBinary(schema, mappingOf(schema).toMessage(data));
}

/**
 * The domain's data of a message's bytes.
 * @param what whose bytes they are, for people
 * @throws `undecodable_record` (broken, or lacking a field that is mandatory), `too_new` (a value of a later release)
 */
export function decodeMessage(schema: DescMessage, bytes: Uint8Array, what: string): object {
  return readDirectly(schema, bytes) ?? mappingOf(schema).toDomain(parse(schema, bytes, what), what);
}

const writer = new WireWriter();

/** null: only the general way can tell. */
export function writeDirectly(schema: DescMessage, data: object): Buffer | null {
  writer.begin();
  try {
    directWriterOf(schema)(data, writer);
    return writer.finish();
  } catch {
    return null;
  }
}

/** null: only the general way can tell. */
export function readDirectly(schema: DescMessage, bytes: Uint8Array): object | null {
  const { buffer, byteOffset, byteLength } = bytes;
  const reader = new WireReader(Buffer.isBuffer(bytes) ? bytes : Buffer.from(buffer, byteOffset, byteLength));
  try {
    return directReaderOf(schema)(reader, byteLength);
  } catch {
    return null;
  }
}

function parse(schema: DescMessage, bytes: Uint8Array, what: string): Message {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new SlipstreamError('undecodable_record', `${what} is no ${schema.typeName}`, { cause });
  }
}

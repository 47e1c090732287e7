import { createRequire } from 'node:module';
import '../record-headers.ts';
import type { RecordHeaders } from '../record-headers.ts';

const load = createRequire(import.meta.url);
const Encoder = load('kafkajs/src/protocol/encoder');
const Decoder = load('kafkajs/src/protocol/decoder');

/** What a consumer gets of a record with these headers; `count` is what the record says of their number. */
export function decodedHeaders(headers: readonly [string, Buffer][], count = headers.length): RecordHeaders {
  const encoder = new Encoder().writeVarInt(count);
  for (const [name, value] of headers) encoder.writeVarIntString(name).writeVarIntBytes(value);
  return new Decoder(encoder.buffer).readVarIntArray().reduce();
}

import type { Instant } from '@slipstream/kernel';
import { textAttribute, timeAttribute } from './attributes.ts';
import { WireWriter } from './wire-writer.ts';

/** What the relay adds to an event's bytes when it sends them (rule 4). */
export interface Stamp {
  readonly sequence: string;
  /** Of the sequencer that gave the number; '0' or absent: it is older than incarnations, and none is written. */
  readonly incarnation?: string;
  readonly time: Instant;
  readonly receivedTime: Instant;
}

/** No stamp adds more bytes. */
export const stampBytesMax = 160;

/**
 * Appends `sequence`, `incarnation`, `time` and `receivedtime` to an event encoded without them. Protobuf reads fields in any
 * order, so the writer encodes once, before the sequencer row is taken, and a resend gives the same bytes.
 */
export function stampEnvelope(body: Uint8Array, stamp: Stamp): Buffer {
  writer.begin();
  textAttribute(writer, 'sequence', stamp.sequence);
  if (stamp.incarnation !== undefined && stamp.incarnation !== '0') {
    textAttribute(writer, 'incarnation', stamp.incarnation);
  }
  timeAttribute(writer, 'time', stamp.time);
  timeAttribute(writer, 'receivedtime', stamp.receivedTime);
  return writer.finish(body);
}

const writer = new WireWriter();

import { type Instant, SlipstreamError } from '@slipstream/kernel';
import { type OpsEvent, wallClock } from '@slipstream/slip';
import { decodeData, type EventHead, encodeCloudEvent } from './codec.ts';
import { type Envelope, readEnvelope } from './envelope.ts';
import { encodeMessage } from './message-codec.ts';
import { opsCloudEventType, opsEventType, opsSchemas } from './ops-event-types.ts';

/** An event of `ops.events.v1` as it stands there. */
export interface RecordedOpsEvent {
  readonly id: string;
  /** What it is about: the account, the provider, the service. */
  readonly subject: string;
  readonly source: string;
  /** Rule 4's number: gapless per (source, partition). */
  readonly sequence: bigint;
  readonly time: Instant;
  readonly event: OpsEvent;
}

/** Encodes an operations event, still without what {@link stampEnvelope} adds; it happens on the wall clock. */
export function encodeOpsEvent(head: Omit<EventHead, 'type' | 'clock'>, event: OpsEvent): Uint8Array {
  const type = opsCloudEventType(event.type);
  return encodeCloudEvent(
    { ...head, clock: wallClock, type },
    encodeMessage(opsSchemas[event.type], event.data),
  );
}

/** Decodes a record of `ops.events.v1`; null and throws as {@link opsEventOf}. */
export function decodeOpsEvent(value: Buffer): RecordedOpsEvent | null {
  return opsEventOf(readEnvelope(value));
}

/**
 * Decodes the domain message of an envelope already read.
 * @returns null for a type that this release does not know
 * @throws `undecodable_record` for broken data; `too_new` for a value that only a newer release can know
 */
export function opsEventOf(envelope: Envelope): RecordedOpsEvent | null {
  const { id, subject, source, sequence, time, type } = envelope;
  const name = opsEventType(type);
  if (name === undefined) return null;
  if (sequence < 0 || time === '' || subject === '') {
    throw new SlipstreamError('undecodable_record', `event ${id} lacks sequence, time or subject`);
  }
  const event = { type: name, data: decodeData(opsSchemas[name], envelope) } as OpsEvent;
  return { id, subject, source, sequence: BigInt(sequence), time, event };
}

import { encodeCloudEvent, stampEnvelope } from '@slipstream/contracts';
import type { Message } from '../chunk.ts';

export const source = '/slipstream/ledger';

/** The bytes of an event as the relay sends it. */
export function eventBytes(
  sequence: number,
  { key = 'slip-1', from = source, type = 'slipstream.slip.settled.v1', text = '' } = {},
): Buffer {
  const head = { id: `id-${sequence}`, source: from, type, subject: key };
  const body = encodeCloudEvent({ ...head, clock: 'wall' }, Buffer.from(text));
  const time = '2026-11-22T10:39:00.123456Z';
  return stampEnvelope(body, { sequence: String(sequence), time, receivedTime: time });
}

/** An event as fetched at `offset`. */
export function eventMessage(
  offset: number,
  sequence: number,
  options: { key?: string; from?: string; type?: string } = {},
): Message {
  return message(offset, eventBytes(sequence, options), options.key ?? 'slip-1');
}

export function message(offset: number, value: Buffer | null, key: string | null = 'slip-1'): Message {
  return {
    offset: String(offset),
    timestamp: '1763800000000',
    key: key === null ? null : Buffer.from(key),
    value,
    headers: {},
  };
}

import { encodeCloudEvent, stampEnvelope } from '@slipstream/contracts';
import type { Message } from '../message.ts';

export const source = '/slipstream/ledger';

export interface EventOptions {
  readonly key?: string;
  readonly from?: string;
  readonly type?: string;
  readonly text?: string;
  readonly incarnation?: number;
}

/** The bytes of an event as the relay sends it. */
export function eventBytes(
  sequence: number,
  {
    key = 'slip-1',
    from = source,
    type = 'slipstream.slip.settled.v1',
    text = '',
    incarnation = 0,
  }: EventOptions = {},
): Buffer {
  const head = { id: `id-${sequence}`, source: from, type, subject: key };
  const body = encodeCloudEvent({ ...head, clock: 'wall' }, Buffer.from(text));
  const time = '2026-11-22T10:39:00.123456Z';
  const numbers = { sequence: String(sequence), incarnation: String(incarnation) };
  return stampEnvelope(body, { ...numbers, time, receivedTime: time });
}

/** An event as fetched at `offset`. */
export function eventMessage(offset: number, sequence: number, options: EventOptions = {}): Message {
  return message(offset, eventBytes(sequence, options), options.key ?? 'slip-1');
}

export function message(offset: number, value: Buffer | null, key: string | null = 'slip-1'): Message {
  return {
    offset,
    timestampMs: 1_763_800_000_000,
    key: key === null ? null : Buffer.from(key),
    value,
    headers: {},
    hasFewHeaders: false,
  };
}

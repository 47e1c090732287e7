import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import { isSlipstreamError } from '@slipstream/kernel';
import { snakeJson } from '../output/snake-json.ts';
import type { LoggedRecord } from './records.ts';

/** A record as the API shows an event, with its position; what cannot be read stands there with its bytes. */
export function jsonLine(record: LoggedRecord): string {
  const position = `${record.partition}:${record.offset}`;
  const { key, value } = record;
  if (record.head === null) return JSON.stringify({ position, key, bytes: value.toString('base64') });
  const envelope = readEnvelope(value);
  const { id, type, subject, source, sequence, clock, time, receivedTime } = envelope;
  const head = { position, id, type, slip_id: subject, source, sequence, clock: clock || record.head.clock };
  const times = { time, received_time: receivedTime || time };
  return JSON.stringify({ ...head, ...times, data: snakeJson(dataOf(record)) });
}

/** null: of a type or a value that this release does not know. */
function dataOf({ value }: LoggedRecord): object | null {
  try {
    return slipEventOf(readEnvelope(value))?.event.data ?? null;
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}

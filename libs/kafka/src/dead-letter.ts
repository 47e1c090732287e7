import { deadLetterTopic } from '@slipstream/contracts';
import { storableText } from '@slipstream/kernel';
import type { ConsumedRecord, DeadLetter } from './ports.ts';

/** A dead letter as it goes through the outbox to `<topic>.dlq`, on the partition it came from. */
export interface DeadLetterRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly body: Uint8Array;
  readonly receivedAt: null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why the record was set aside and where it came from, as header texts. */
export function deadLetterHeaders(
  letter: DeadLetter,
  group: string,
  failedAt: Date = new Date(),
): Record<string, string> {
  return {
    'dlq-reason': letter.reason,
    'dlq-error-class': storableText(letter.errorClass),
    'dlq-detail': storableText(letter.detail),
    'dlq-original-topic': letter.record.topic,
    'dlq-original-partition': String(letter.record.partition),
    'dlq-original-offset': String(letter.record.offset),
    'dlq-failed-at': failedAt.toISOString(),
    'dlq-attempts': String(letter.attempts),
    'dlq-consumer-group': group,
  };
}

/** The whole record: the original's bytes and headers, and why, as the outbox can hold it. A null value is marked, since the body is then empty. */
export function deadLetterRecord(
  group: string,
  letter: DeadLetter,
  failedAt: Date = new Date(),
): DeadLetterRecord {
  const { record } = letter;
  const tombstone: Record<string, string> = record.value === null ? { 'dlq-original-value': 'null' } : {};
  return {
    topic: deadLetterTopic(record.topic),
    partition: record.partition,
    key: keyText(record.key),
    body: record.value ?? new Uint8Array(0),
    receivedAt: null,
    headers: { ...originalHeaders(record), ...tombstone, ...deadLetterHeaders(letter, group, failedAt) },
  };
}

/** A repeated header keeps its last value; dlq- headers of an earlier failure give way. */
function originalHeaders(record: ConsumedRecord): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(record.headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined && last !== null && !name.startsWith('dlq-'))
      headers[storableText(name)] = storableText(last.toString());
  }
  return headers;
}

/** A key as text; keys of other encodings are kept readable and distinct as `base64:…`. */
export function keyText(key: Buffer | null): string | null {
  if (key === null) return null;
  const text = key.toString('utf8');
  // PostgreSQL's text cannot hold NUL.
  return !text.includes('�') && !text.includes('\0') ? text : `base64:${key.toString('base64')}`;
}

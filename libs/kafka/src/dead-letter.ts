import { createHash } from 'node:crypto';
import { deadLetterTopic, publisherOf } from '@slipstream/contracts';
import { storableText, traceIdOf } from '@slipstream/kernel';
import type { ConsumedRecord, DeadLetter } from './ports.ts';
import { cutHeaders, headersCountMax } from './record-headers.ts';

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
    'dlq-error-class': storableText(letter.errorClass).slice(0, 200),
    'dlq-detail': storableText(letter.detail).slice(0, 2_000),
    'dlq-original-topic': letter.record.topic,
    'dlq-original-partition': String(letter.record.partition),
    'dlq-original-offset': String(letter.record.offset),
    'dlq-failed-at': failedAt.toISOString(),
    'dlq-attempts': String(letter.attempts),
    'dlq-consumer-group': group,
    ...publisherHeaders(letter.record),
  };
}

/** Under which id its publisher knows it, and who that is: where the envelope can be read though the rest cannot. */
function publisherHeaders(record: ConsumedRecord): Record<string, string> {
  try {
    const { id, source } = publisherOf(record);
    return {
      'dlq-event-id': storableText(id).slice(0, 200),
      'dlq-event-source': storableText(source).slice(0, 200),
    };
  } catch {
    return {};
  }
}

/** Of the trace that it belongs to, where the envelope can be read; null: of none. */
export function traceIdIn(record: ConsumedRecord): string | null {
  try {
    return traceIdOf(publisherOf(record).traceparent);
  } catch {
    return null;
  }
}

/**
 * What a copy on a dead-letter topic may hold: together below the topic's `max.message.bytes`, and headers that this
 * library reads again (`headersCountMax`, `headersBytesMax`). The store's row has all of the record.
 */
export const copyValueBytesMax = 1_536 * 1024;
const copyHeadersBytesMax = 32 * 1024;
const copyHeadersMax = headersCountMax - 16;

/** A copy of the record with why it was set aside, as the outbox and the topic can hold it. A null value is marked, since the body is then empty. */
export function deadLetterRecord(
  group: string,
  letter: DeadLetter,
  failedAt: Date = new Date(),
): DeadLetterRecord {
  const { record } = letter;
  const body = record.value ?? new Uint8Array(0);
  const original = originalHeaders(record);
  const marks: Record<string, string> = record.value === null ? { 'dlq-original-value': 'null' } : {};
  const missing = [...original.missing];
  if (body.length > copyValueBytesMax) missing.push(`value: ${copyValueBytesMax} of ${body.length} bytes`);
  if ((record.key?.length ?? 0) > keyBytesMax) missing.push(`key: digest of ${record.key!.length} bytes`);
  if (missing.length > 0) marks['dlq-truncated'] = missing.join('; ');
  return {
    topic: deadLetterTopic(record.topic),
    partition: record.partition,
    key: keyText(record.key),
    body: body.subarray(0, copyValueBytesMax),
    receivedAt: null,
    headers: { ...original.headers, ...marks, ...deadLetterHeaders(letter, group, failedAt) },
  };
}

interface OriginalHeaders {
  readonly headers: Record<string, string>;
  /** What the copy has not, in words. */
  readonly missing: readonly string[];
}

/** A repeated header keeps its last value; dlq- headers of an earlier failure give way; what is too large is left out. */
function originalHeaders(record: ConsumedRecord): OriginalHeaders {
  const headers: Record<string, string> = {};
  let bytes = 0;
  let kept = 0;
  let left = 0;
  for (const [name, value] of Object.entries(record.headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last === undefined || last === null || name.startsWith('dlq-')) continue;
    const [key, text] = [storableText(name), headerText(last)];
    const size = Buffer.byteLength(key) + Buffer.byteLength(text);
    if (kept === copyHeadersMax || bytes + size > copyHeadersBytesMax) {
      left += 1;
      continue;
    }
    headers[key] = text;
    kept += 1;
    bytes += size;
  }
  const cut = cutHeaders(record.headers);
  if (cut) return { headers, missing: [`headers: ${kept} of ${cut.count}, ${cut.raw.length} bytes`] };
  return { headers, missing: left > 0 ? [`headers: ${kept} of ${kept + left}`] : [] };
}

/** A header's value as text; what is no text that PostgreSQL can hold is kept as `base64:…`. */
export function headerText(value: Buffer | string): string {
  if (typeof value === 'string') return storableText(value);
  const text = storableText(value.toString());
  return value.equals(Buffer.from(text)) ? text : `base64:${value.toString('base64')}`;
}

/** Keys are names (a slip's id, a reference); a longer one than this is no key of ours. An index entry holds 2,700 bytes. */
const keyBytesMax = 1_024;

/** A key as text; keys of other encodings are kept distinct as `base64:…`, those too long for an index as `sha256:…`. */
export function keyText(key: Buffer | null): string | null {
  if (key === null) return null;
  if (key.length > keyBytesMax) return `sha256:${createHash('sha256').update(key).digest('hex')}`;
  const text = key.toString('utf8');
  // PostgreSQL's text cannot hold NUL.
  return !text.includes('\uFFFD') && !text.includes('\0') ? text : `base64:${key.toString('base64')}`;
}

import { describe, expect, it } from '@jest/globals';
import { encodeCloudEvent } from '@slipstream/contracts';
import { copyValueBytesMax, deadLetterHeaders, deadLetterRecord, keyText, traceIdIn } from './dead-letter.ts';
import type { DeadLetter } from './ports.ts';
import { headersBytesMax, headersCountMax } from './record-headers.ts';
import { decodedHeaders } from './test-support/headers.ts';

const letter: DeadLetter = {
  record: {
    topic: 'slips.events.v1',
    partition: 4,
    offset: 77,
    timestampMs: 0,
    key: Buffer.from('slip-1'),
    value: Buffer.from('bytes'),
    headers: {
      'content-type': Buffer.from('x'),
      twice: [Buffer.from('1'), Buffer.from('2')],
      'dlq-reason': 'old',
    },
    source: '',
    sequence: -1,
  },
  parkKey: 'slip-1',
  reason: 'failed',
  errorClass: 'TypeError',
  detail: 'boom',
  attempts: 3,
};
const failedAt = new Date('2026-11-22T10:00:00Z');

describe('dead letters', () => {
  it('say why, where from, when and for whom', () => {
    expect(deadLetterHeaders(letter, 'ledger', failedAt)).toEqual({
      'dlq-reason': 'failed',
      'dlq-error-class': 'TypeError',
      'dlq-detail': 'boom',
      'dlq-original-topic': 'slips.events.v1',
      'dlq-original-partition': '4',
      'dlq-original-offset': '77',
      'dlq-failed-at': '2026-11-22T10:00:00.000Z',
      'dlq-attempts': '3',
      'dlq-consumer-group': 'ledger',
    });
  });

  it('name the trace of the record, where there is one that can be read', () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${traceId}-b7ad6b7169203331-00`;
    const head = { id: 'e', source: '/s', type: 't', subject: 'slip-1', clock: 'wall' };
    const record = (value: Uint8Array | null) => ({
      ...{ ...letter.record, headers: {} },
      value: value && Buffer.from(value),
    });
    expect(traceIdIn(record(encodeCloudEvent({ ...head, traceparent }, new Uint8Array(0))))).toBe(traceId);
    expect(traceIdIn(record(encodeCloudEvent(head, new Uint8Array(0))))).toBeNull();
    expect(traceIdIn(record(Buffer.from('bytes')))).toBeNull();
    expect(traceIdIn(record(null))).toBeNull();
  });

  it('carry the original bytes and headers to the same partition of the .dlq topic', () => {
    const record = deadLetterRecord('ledger', letter, failedAt);
    expect(record).toMatchObject({ topic: 'slips.events.v1.dlq', partition: 4, key: 'slip-1' });
    expect(Buffer.from(record.body).toString()).toBe('bytes');
    expect(record.headers).toMatchObject({ 'content-type': 'x', twice: '2', 'dlq-reason': 'failed' });
  });

  it('hold nothing that PostgreSQL cannot: neither NUL nor half a surrogate pair', () => {
    const headers = { 'a\0b': Buffer.from([0, 0, 0, 7]), half: '\ud800', fine: 'ü' };
    const odd = { ...letter, detail: 'type "x\0" \udc00', record: { ...letter.record, headers } };
    const texts = deadLetterRecord('ledger', odd, failedAt).headers;
    expect(texts).toMatchObject({ 'a\uFFFDb': 'base64:AAAABw==', half: '\uFFFD', fine: 'ü' });
    expect(texts['dlq-detail']).toBe('type "x\uFFFD" \uFFFD');
  });

  it('name their publisher and its id where these can be read, in either mode', () => {
    const head = { id: 'cmd-1', source: '/shop', type: 'odd', subject: 'ord-1', clock: 'wall' };
    const value = Buffer.from(encodeCloudEvent(head, Buffer.from([0xff])));
    const inBinary = {
      ...{ 'content-type': 'application/protobuf', ce_id: 'cmd-1', ce_source: '/shop', ce_type: 'odd' },
    };
    for (const record of [
      { ...letter.record, value, headers: {} },
      { ...letter.record, value: Buffer.from([0xff]), headers: inBinary },
    ]) {
      expect(deadLetterHeaders({ ...letter, record }, 'intake')).toMatchObject({
        'dlq-event-id': 'cmd-1',
        'dlq-event-source': '/shop',
      });
    }
  });

  it('mark a value that was null', () => {
    const record = deadLetterRecord(
      'ledger',
      { ...letter, record: { ...letter.record, value: null } },
      failedAt,
    );
    expect(record.body).toHaveLength(0);
    expect(record.headers['dlq-original-value']).toBe('null');
  });

  it.each([
    [
      '14,000 of them',
      Array.from({ length: 14_000 }, (_, i): [string, Buffer] => [`h${i}`, Buffer.from('x')]),
      /^headers: 112 of 14000, \d+ bytes$/,
    ],
    [
      'one of 800,000 bytes 0xFF',
      [
        ['a', Buffer.from('1')],
        ['b', Buffer.alloc(800_000, 255)],
      ] as [string, Buffer][],
      /^headers: 1 of 2, 800\d+ bytes$/,
    ],
    [
      'one that just passes',
      [
        ['a', Buffer.from('1')],
        ['b', Buffer.alloc(50_000)],
      ] as [string, Buffer][],
      /^headers: 1 of 2$/,
    ],
  ])('carry as many headers as can be read again, and say what is missing: %s', (_, headers, missing) => {
    const record = { ...letter.record, headers: decodedHeaders(headers) };
    const copy = deadLetterRecord('ledger', { ...letter, record }, failedAt).headers;
    expect(copy['dlq-truncated']).toMatch(missing);
    expect(Object.keys(copy).length).toBeLessThanOrEqual(headersCountMax);
    expect(Buffer.byteLength(JSON.stringify(copy))).toBeLessThan(headersBytesMax);
  });

  it('carry no more of a value or a key than the topic takes', () => {
    const record = { ...letter.record, key: Buffer.alloc(1_000_000, 'k'), value: Buffer.alloc(3_000_000) };
    const copy = deadLetterRecord('ledger', { ...letter, record }, failedAt);
    expect(copy.body).toHaveLength(copyValueBytesMax);
    expect(copy.key).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(copy.headers['dlq-truncated']).toBe(
      'value: 1572864 of 3000000 bytes; key: digest of 1000000 bytes',
    );
  });

  it('keep keys that are no text apart', () => {
    expect(keyText(null)).toBeNull();
    expect(keyText(Buffer.from('ключ'))).toBe('ключ');
    expect(keyText(Buffer.from([0xff, 0xfe]))).toBe('base64://4=');
    expect(keyText(Buffer.from('a\0b'))).toBe('base64:YQBi');
    expect(keyText(Buffer.alloc(1_024, 'a'))).toHaveLength(1_024);
    expect(keyText(Buffer.alloc(1_025, 'a'))).not.toBe(keyText(Buffer.alloc(1_026, 'a')));
  });
});

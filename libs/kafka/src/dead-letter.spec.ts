import { describe, expect, it } from '@jest/globals';
import { deadLetterHeaders, deadLetterRecord, keyText } from './dead-letter.ts';
import type { DeadLetter } from './ports.ts';

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
    expect(texts).toMatchObject({ 'a\uFFFDb': '\uFFFD\uFFFD\uFFFD\u0007', half: '\uFFFD', fine: 'ü' });
    expect(texts['dlq-detail']).toBe('type "x\uFFFD" \uFFFD');
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

  it('keep keys that are no text apart', () => {
    expect(keyText(null)).toBeNull();
    expect(keyText(Buffer.from('ключ'))).toBe('ключ');
    expect(keyText(Buffer.from([0xff, 0xfe]))).toBe('base64://4=');
    expect(keyText(Buffer.from('a\0b'))).toBe('base64:YQBi');
  });
});

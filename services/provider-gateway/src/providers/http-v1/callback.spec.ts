import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { callbackReader, type WebhookHeaders } from './callback.ts';

const secretOf = (word: string) => `whsec_${Buffer.alloc(32, word).toString('base64')}`;
const current = secretOf('current');
const next = secretOf('next');
const read = callbackReader('acme', { current, next });

const data = { slip_id: 'slip-1', reference: 'ord-1', provider_id: 'p-1', status: 'succeeded', reason: null };
const text = JSON.stringify({ type: 'slip.updated', timestamp: '', data: { ...data, amount: null } });
const body = Buffer.from(text);
const nowS = () => Math.floor(Date.now() / 1000);

function sign(options: { secret?: string; id?: string; atS?: number; of?: string } = {}): WebhookHeaders {
  const { secret = current, id = 'msg_1', atS = nowS(), of = text } = options;
  const signature = new Webhook(secret).sign(id, new Date(atS * 1000), of);
  return { id: [id], timestamp: [String(atS)], signature: [signature] };
}

const headers = sign();
const signature = headers.signature[0]!;

describe('a callback is taken', () => {
  test.each<[string, WebhookHeaders]>([
    ['signed with the current secret', headers],
    ['signed with the next secret', sign({ secret: next })],
    ['with two signatures, while secrets are rotated', { ...headers, signature: [`v1,AAAA ${signature}`] }],
    ['with signatures of other versions beside it', { ...headers, signature: [`v1a,AAAA ${signature} v1`] }],
    ['four minutes old', sign({ atS: nowS() - 240 })],
  ])('%s', (_, given) => {
    expect(read(body, given)).toMatchObject({
      webhookId: 'msg_1',
      message: { slipId: 'slip-1', answer: { kind: 'returned', outcome: 'succeeded' } },
    });
  });
});

describe('a callback is refused as not signed', () => {
  test.each<[string, WebhookHeaders]>([
    ['by another secret', sign({ secret: secretOf('forged') })],
    ['for another body', sign({ of: `${text} ` })],
    ['for a body that was serialised anew', sign({ of: JSON.stringify(JSON.parse(text), null, 1) })],
    ['for another id', { ...headers, id: ['msg_2'] }],
    ['stale', sign({ atS: nowS() - 301 })],
    ['from the future', sign({ atS: nowS() + 330 })],
    ['cut off', { ...headers, signature: [signature.slice(0, -4)] }],
    ['empty', { ...headers, signature: ['v1,'] }],
    ['without a version', { ...headers, signature: [signature.slice(3)] }],
    ['not base64', { ...headers, signature: ['v1,§§§§'] }],
    ['missing', { ...headers, signature: [] }],
    ['with no id', { ...headers, id: [] }],
    ['with no timestamp', { ...headers, timestamp: [] }],
    ['with two ids', { ...headers, id: ['msg_1', 'msg_1'] }],
    ['with two timestamps', { ...headers, timestamp: [...headers.timestamp, '1'] }],
    ['with two signature headers', { ...headers, signature: [signature, signature] }],
    ['with a dot in its id', sign({ id: 'msg.1' })],
    ['with an endless id', sign({ id: 'x'.repeat(129) })],
    ['with a timestamp like 1e10', { ...headers, timestamp: ['1e10'] }],
    ['with a negative timestamp', { ...headers, timestamp: ['-1'] }],
    ['with a fraction in its timestamp', { ...headers, timestamp: [`${headers.timestamp[0]}.5`] }],
  ])('%s', (_, given) => {
    expect(() => read(body, given)).toThrow(expect.objectContaining({ code: 'signature_invalid' }));
  });
});

describe('a signed callback that says nothing usable is refused', () => {
  test.each([
    ['no object', '[]'],
    ['no data', '{"type":"slip.updated"}'],
    ['data that is a list', '{"data":[]}'],
    ['no slip', '{"data":{"status":"succeeded"}}'],
    ['two words on one thing', '{"data":{"slip_id":"slip-1","status":"failed","status":"succeeded"}}'],
    ['no status', '{"data":{"slip_id":"slip-1"}}'],
    [
      'a broken amount',
      '{"data":{"slip_id":"slip-1","status":"succeeded","amount":{"amount":"-1","currency":"EUR"}}}',
    ],
    ['a list for an amount', '{"data":{"slip_id":"slip-1","status":"succeeded","amount":[1]}}'],
  ])('%s', (_, given) => {
    expect(() => read(Buffer.from(given), sign({ of: given }))).toThrow(
      expect.objectContaining({ code: 'malformed_request' }),
    );
  });
});

describe('a provider’s words', () => {
  test.each([
    ['in_progress', { kind: 'progressed', step: 'in_progress' }],
    ['pending', { kind: 'acknowledged' }],
    ['settled_soon', { kind: 'acknowledged' }],
    ['failed', { kind: 'returned', outcome: 'failed' }],
    ['void', { kind: 'returned', outcome: 'void' }],
    ['rejected', { kind: 'returned', outcome: 'failed' }],
  ])('%s', (status, answer) => {
    const given = JSON.stringify({ data: { ...data, status, at: '2026-11-22T10:00:00Z' } });
    expect(read(Buffer.from(given), sign({ of: given })).message.answer).toMatchObject({
      ...answer,
      providerReference: 'p-1',
      providerTime: '2026-11-22T10:00:00.000000Z',
    });
  });
});

test('a secret that is none stops the start', () => {
  for (const secret of ['whsec_short', 'whsec_§§§', 'not base64 at all, really not']) {
    expect(() => callbackReader('acme', { current: secret, next: null })).toThrow('provider acme');
  }
});

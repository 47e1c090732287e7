import { describe, expect, test } from '@jest/globals';
import { type CallbackHeaders, SignatureMismatch } from '../../application/ports.ts';
import { callbackReader } from './callback.ts';
import { jsonCallbackUnderTest, sign as signAs } from './spec-support.ts';

const { secrets } = jsonCallbackUnderTest;
const { read, understand } = callbackReader('acme', secrets, () => Date.now());

const data = { slip_id: 'slip-1', reference: 'ord-1', provider_id: 'p-1', status: 'succeeded', reason: null };
const text = JSON.stringify({ type: 'slip.updated', timestamp: '', data: { ...data, amount: null } });
const body = Buffer.from(text);
const nowS = () => Math.floor(Date.now() / 1000);

function sign(options: { secret?: string; id?: string; atS?: number; of?: string } = {}): CallbackHeaders {
  const { secret = secrets.current, id = 'msg_1', atS = nowS(), of = text } = options;
  return signAs(id, of, secret, new Date(atS * 1000)).headers;
}

const headers = sign();
const signature = headers['webhook-signature']![0]!;
const forged = `whsec_${Buffer.alloc(32, 'forged').toString('base64')}`;

describe('a callback is taken', () => {
  test.each<[string, CallbackHeaders]>([
    ['signed with the current secret', headers],
    ['signed with the next secret', sign({ secret: secrets.next! })],
    [
      'with two signatures, while secrets are rotated',
      { ...headers, 'webhook-signature': [`v1,AAAA ${signature}`] },
    ],
    [
      'with three signatures, whichever of them is good',
      { ...headers, 'webhook-signature': [`v1,AAAA ${signature} v1,BBBB`] },
    ],
    [
      'with signatures of other versions beside it',
      { ...headers, 'webhook-signature': [`v1a,AAAA ${signature} v1`] },
    ],
    ['four minutes old', sign({ atS: nowS() - 240 })],
    ['four minutes ahead', sign({ atS: nowS() + 240 })],
    [
      'behind ten thousand signatures that are none',
      { ...headers, 'webhook-signature': [`${'v1,AAAA '.repeat(10_000)}${signature}`] },
    ],
  ])('%s', (_, given) => {
    expect(read(body, given)).toMatchObject({
      webhookId: 'msg_1',
      message: { slipId: 'slip-1', answer: { kind: 'returned', outcome: 'succeeded' } },
    });
  });
});

test('its age is judged by the time of day that is given, not by the clock of the process', () => {
  const hourMs = 3_600_000;
  const reader = callbackReader('acme', secrets, () => Date.now() - hourMs);
  expect(reader.read(body, sign({ atS: nowS() - 3_600 }))).toMatchObject({ webhookId: 'msg_1' });
  expect(() => reader.read(body, headers)).toThrow(expect.objectContaining({ code: 'signature_invalid' }));
});

describe('a callback is refused as not signed', () => {
  test.each<[string, CallbackHeaders]>([
    ['by another secret', sign({ secret: forged })],
    ['for another body', sign({ of: `${text} ` })],
    ['for a body that was serialised anew', sign({ of: JSON.stringify(JSON.parse(text), null, 1) })],
    ['for another id', { ...headers, 'webhook-id': ['msg_2'] }],
    ['stale', sign({ atS: nowS() - 301 })],
    ['from the future', sign({ atS: nowS() + 330 })],
    [
      'with three signatures, none of them good',
      { ...headers, 'webhook-signature': ['v1,AAAA v1,BBBB v1,'] },
    ],
    ['cut off', { ...headers, 'webhook-signature': [signature.slice(0, -4)] }],
    ['by ten thousand that are none', { ...headers, 'webhook-signature': ['v1,AAAA '.repeat(10_000)] }],
    ['by another version', { ...headers, 'webhook-signature': [signature.replace('v1,', 'v2,')] }],
    ['in other letters', { ...headers, 'webhook-signature': [signature.toUpperCase()] }],
    ['with a space in it', { ...headers, 'webhook-signature': [signature.replace('v1,', 'v1, ')] }],
    ['with more behind it', { ...headers, 'webhook-signature': [`${signature}A`] }],
    ['empty', { ...headers, 'webhook-signature': ['v1,'] }],
    ['without a version', { ...headers, 'webhook-signature': [signature.slice(3)] }],
    ['not base64', { ...headers, 'webhook-signature': ['v1,§§§§'] }],
    ['missing', { ...headers, 'webhook-signature': [] }],
    ['with no id', { ...headers, 'webhook-id': [] }],
    ['with no timestamp', { ...headers, 'webhook-timestamp': [] }],
    ['with two ids', { ...headers, 'webhook-id': ['msg_1', 'msg_1'] }],
    ['with two timestamps', { ...headers, 'webhook-timestamp': [...headers['webhook-timestamp']!, '1'] }],
    ['with two signature headers', { ...headers, 'webhook-signature': [signature, signature] }],
    ['with a dot in its id', sign({ id: 'msg.1' })],
    ['with an endless id', sign({ id: 'x'.repeat(129) })],
    ['with an empty id', { ...headers, 'webhook-id': [''] }],
    ['with a space in its id', sign({ id: 'msg 1' })],
    ['with a letter in its id that is no ASCII', sign({ id: 'msg\u00e9' })],
    ...['1e10', '-1', 'abc', '', '0', '01', ' 1', '+1', '0x10', '9'.repeat(20)].map(
      (at): [string, CallbackHeaders] => [
        `with the timestamp ${JSON.stringify(at)}`,
        { ...headers, 'webhook-timestamp': [at] },
      ],
    ),
    [
      'with a fraction in its timestamp',
      { ...headers, 'webhook-timestamp': [`${headers['webhook-timestamp']![0]}.5`] },
    ],
  ])('%s', (_, given) => {
    expect(() => read(body, given)).toThrow(expect.objectContaining({ code: 'signature_invalid' }));
  });
});

test('only a signature that none of our secrets makes may be a secret of ours that is wrong', () => {
  const refusalOf = (given: CallbackHeaders) => {
    try {
      return read(body, given);
    } catch (error) {
      return error;
    }
  };
  expect(refusalOf(sign({ secret: forged }))).toBeInstanceOf(SignatureMismatch);
  expect(refusalOf(sign({ atS: nowS() - 301, secret: forged }))).not.toBeInstanceOf(SignatureMismatch);
  expect(refusalOf({ ...headers, 'webhook-signature': [] })).not.toBeInstanceOf(SignatureMismatch);
});

describe('a provider’s words', () => {
  test.each([
    ['in_progress', { kind: 'progressed', step: 'in_progress' }],
    ['pending', { kind: 'acknowledged' }],
    ['settled_soon', { kind: 'doubtful', doubt: 'word_unknown', said: 'settled_soon' }],
    ['failed', { kind: 'returned', outcome: 'failed' }],
    ['void', { kind: 'returned', outcome: 'void' }],
    ['rejected', { kind: 'returned', outcome: 'failed' }],
  ])('%s', (status, answer) => {
    const given = JSON.stringify({ data: { ...data, status, at: '2026-11-22T10:00:00Z' } });
    expect(read(Buffer.from(given), sign({ of: given })).message).toMatchObject({
      answer: { ...answer, providerReference: 'p-1', providerTime: '2026-11-22T10:00:00.000000Z' },
    });
  });
});

test('a body without its signature is understood alike: whoever asks knows what that is worth', () => {
  expect(understand(body)).toMatchObject({ slipId: 'slip-1', answer: { outcome: 'succeeded' } });
  for (const other of ['', 'nothing', '{"data":{}}', '{"data":{"slip_id":7}}', '[]', '{"data":[]}']) {
    expect(understand(Buffer.from(other))).toMatchObject({ problem: expect.any(String) });
  }
  expect(understand(Buffer.from('{"data":{"slip_id":"slip-1","status":7}}'))).toEqual({
    ...{ problem: expect.any(String), names: 'slip-1' },
  });
  expect(understand(Buffer.from('{"a":1,"a":2}'))).toEqual({
    problem: expect.any(String),
    isMalformed: true,
  });
});

test('a secret that is none stops the start', () => {
  for (const secret of ['whsec_short', 'whsec_§§§', 'not base64 at all, really not']) {
    expect(() => callbackReader('acme', { current: secret, next: null }, () => Date.now())).toThrow(
      'providers.acme.secret',
    );
  }
});

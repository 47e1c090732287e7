import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { dispatch } from '../../domain/dispatch/spec-support.ts';
import { http, patientMs, says, Wire } from '../spec-support.ts';
import { jsonCallbackUnderTest } from './spec-support.ts';

// This protocol's own words and forms; what every provider keeps is in ../contract.spec.ts.

const slip = dispatch({ attempt: 2 });
const done = { status: 'succeeded', reason: null, amount: { amount: '1250', currency: 'EUR' } };

let wire: Wire;
afterEach(() => wire?.close());

async function sent(answer: (socket: Socket) => void) {
  wire = await Wire.listen(answer);
  const provider = wire.provider(jsonCallbackUnderTest);
  return (await provider.send(provider.prepare(slip), performance.now() + patientMs)).outcome;
}

describe('a dispatch call', () => {
  test('carries the order, and the slip’s id as its key', async () => {
    await sent(says(http(202, { status: 'pending' })));
    const [head, body] = wire.requests[0]!.split('\r\n\r\n');
    expect(head).toMatch(/^POST \/api\/slips HTTP\/1.1\r\n/);
    expect(head).toContain(`idempotency-key: ${slip.slipId}`);
    expect(JSON.parse(body!)).toEqual({
      slip_id: slip.slipId,
      reference: 'ord-1',
      kind: 'order',
      account: 'cust-42',
      counterparty: 'shop-7',
      amount: { amount: '1250', currency: 'EUR' },
      attempt: 2,
    });
  });

  test.each<[string, string, object]>([
    [
      '202 pending',
      http(202, { status: 'pending', provider_id: 'p-1' }),
      { kind: 'acknowledged', providerReference: 'p-1' },
    ],
    ['200 failed', http(200, { status: 'failed', reason: 'AM04' }), { outcome: 'failed', reason: 'AM04' }],
    [
      '200 succeeded, and what it charges',
      http(200, { ...done, fee: { amount: '30', currency: 'USD' } }),
      { outcome: 'succeeded', fee: { amount: 30n, currency: 'USD' } },
    ],
    [
      '200 succeeded, for a fee that cannot be read',
      http(200, { ...done, fee: { amount: 'much', currency: 'USD' } }),
      { kind: 'doubtful', doubt: 'amount_unreadable' },
    ],
    [
      '200 succeeded, for nothing',
      http(200, { ...done, fee: { amount: '0', currency: 'EUR' } }),
      { kind: 'returned', outcome: 'succeeded' },
    ],
    [
      '200 failed, for a fee that cannot be read',
      http(200, { status: 'failed', fee: 'much' }),
      { kind: 'returned', outcome: 'failed' },
    ],
    [
      '422 rejected',
      http(422, { status: 'rejected', reason: 'AC04' }),
      { outcome: 'failed', reason: 'AC04' },
    ],
    [
      '403 failed, with the provider’s own word',
      http(403, { status: 'failed', reason: 'AG01' }),
      { kind: 'returned', outcome: 'failed', reason: 'AG01' },
    ],
    [
      'early hints before the answer',
      `HTTP/1.1 103 X\r\n\r\n${http(202, { status: 'pending' })}`,
      { kind: 'acknowledged' },
    ],
    [
      'a failure about an amount of zero',
      http(200, { status: 'failed', amount: { amount: '0', currency: 'EUR' } }),
      { kind: 'returned', outcome: 'failed', amount: null },
    ],
    [
      'a success of an amount that is no amount',
      http(200, { ...done, amount: { amount: '1e3', currency: 'EUR' } }),
      { kind: 'doubtful', doubt: 'amount_unreadable', said: '{"amount":"1e3","currency":"EUR"}' },
    ],
    ['not_found', http(200, { status: 'not_found' }), { kind: 'doubtful', said: 'not_found' }],
    ['a word in other letters', http(200, { status: 'SUCCEEDED' }), { kind: 'doubtful', said: 'SUCCEEDED' }],
    [
      'a word that cannot be stored',
      http(200, { status: 'a\u0000b' }),
      { kind: 'doubtful', said: '"a\\u0000b"' },
    ],
    [
      'a reason without end, and its number for the slip',
      http(200, { status: 'failed', reason: 'x'.repeat(300), provider_id: 42 }),
      { outcome: 'failed', reason: 'x'.repeat(256), providerReference: '42' },
    ],
    [
      'a reason that cannot be stored',
      http(200, { status: 'failed', reason: 'a\u0000b' }),
      { outcome: 'failed', reason: null },
    ],
  ])('is answered by %s', async (_, reply, expected) => {
    expect(await sent(says(reply))).toMatchObject({ kind: 'answered', answer: expected });
  });

  test.each<[string, string, string]>([
    ['200 with an error body', http(200, { error: 'no' }), 'garbage'],
    ['a status that is no text', http(200, { status: true }), 'garbage'],
    ['422 without a word', http(422, 'no'), 'garbage'],
    ['422 with problem details', http(422, { status: 422, title: 'Unprocessable' }), 'garbage'],
    ['422 about another slip', http(422, { status: 'rejected', slip_id: 'another' }), 'garbage'],
    ['400 pending', http(400, { status: 'pending' }), 'garbage'],
    ['405', http(405, ''), 'garbage'],
    ['409', http(409, { status: 'rejected' }), 'garbage'],
    ['408', http(408, {}), 'garbage'],
    ['429 rejected', http(429, { status: 'rejected' }), 'throttled'],
    ['503', http(503, ''), 'server_error'],
    ['308', http(308, '', { location: '/elsewhere' }), 'redirect'],
  ])('is unanswered after %s', async (_, reply, reason) => {
    expect(await sent(says(reply))).toMatchObject({ kind: 'unanswered', reason });
  });
});

describe('an inquiry', () => {
  test.each<[string, string, object]>([
    ['404 with another word', http(404, { status: 'gone' }), { kind: 'no_answer' }],
    [
      '404 that says it among other things',
      http(404, '{"status":"x","status":"not_found"}'),
      { kind: 'no_answer' },
    ],
    ['404 not_found', http(404, { status: 'not_found' }), { kind: 'not_found' }],
    ['404 not_found, by its id', http(404, { status: 'not_found', slip_id: 'a/b' }), { kind: 'not_found' }],
    ['200 not_found, by its id', http(200, { status: 'not_found', slip_id: 'a/b' }), { kind: 'not_found' }],
    [
      '200 not_found that names no slip',
      http(200, { status: 'not_found' }),
      { kind: 'no_answer', detail: 'HTTP 200: it does not say what is not found' },
    ],
    [
      '200 not_found of another slip',
      http(200, { status: 'not_found', slip_id: 'x' }),
      { kind: 'no_answer' },
    ],
    [
      'in progress',
      http(200, { status: 'in_progress' }),
      { kind: 'answered', answer: { kind: 'progressed' } },
    ],
    ...(['failed', 'rejected', 'void'] as const).map((status): [string, string, object] => [
      `${status} of nobody`,
      http(200, { status, error: 'upstream timeout' }),
      { kind: 'no_answer', detail: 'HTTP 200: it does not say what failed' },
    ]),
    ['failed, by its id', http(200, { status: 'failed', slip_id: 'a/b' }), { answer: { outcome: 'failed' } }],
    [
      'failed, by its own name for it',
      http(200, { status: 'failed', provider_id: 'p-1' }),
      { answer: { outcome: 'failed' } },
    ],
    ['succeeded, whoever it is', http(200, done), { answer: { outcome: 'succeeded' } }],
    ['500', http(500, done), { kind: 'no_answer', detail: 'HTTP 500' }],
    ['a redirect', http(301, '', { location: '/x' }), { kind: 'no_answer', detail: 'HTTP 301' }],
  ])('%s', async (_, reply, expected) => {
    wire = await Wire.listen(says(reply));
    expect((await wire.provider(jsonCallbackUnderTest).inquire('a/b')).outcome).toMatchObject(expected);
    expect(wire.requests[0]).toMatch(/^GET \/api\/slips\/a%2Fb HTTP\/1.1/);
  });
});

test('a cancellation is confirmed only with the slip’s id', async () => {
  wire = await Wire.listen(says(http(200, { status: 'cancelled' })));
  const provider = wire.provider(jsonCallbackUnderTest, { cancelByReference: true });
  const { outcome } = await provider.cancel!(slip.slipId);
  expect(outcome).toMatchObject({ kind: 'no_answer', detail: expect.stringContaining('what is cancelled') });
  expect(wire.requests[0]).toMatch(new RegExp(`^POST /api/slips/${slip.slipId}/cancel HTTP`));
});

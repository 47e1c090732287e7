import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { dispatch } from '../../domain/dispatch/spec-support.ts';
import { http, patientMs, says, Wire } from '../spec-support.ts';
import { pollStatementUnderTest } from './spec-support.ts';

// This protocol's own words and forms; what every provider keeps is in ../contract.spec.ts.

const slip = dispatch({ attempt: 2 });
const { slipId } = slip;
const order = { order_ref: slipId, provider_id: 'b-1' };

let wire: Wire;
afterEach(() => wire?.close());

async function sent(answer: (socket: Socket) => void, of = slip) {
  wire = await Wire.listen(answer);
  const provider = wire.provider(pollStatementUnderTest);
  return (await provider.send(provider.prepare(of), performance.now() + patientMs)).outcome;
}

async function asked(reply: string) {
  wire = await Wire.listen(says(reply));
  return (await wire.provider(pollStatementUnderTest).inquire(slipId)).outcome;
}

describe('a dispatch call', () => {
  test('carries the order under the slip’s id, and the key', async () => {
    await sent(says(http(202, { ...order, state: 'accepted' })));
    const [head, body] = wire.requests[0]!.split('\r\n\r\n');
    expect(head).toMatch(/^POST \/api\/v2\/orders HTTP\/1.1\r\n/);
    expect(head).toContain(`x-api-key: ${pollStatementUnderTest.secrets.current}`);
    expect(JSON.parse(body!)).toEqual({
      order_ref: slipId,
      type: 'order',
      amount_minor: '1250',
      currency: 'EUR',
      payer: 'cust-42',
      payee: 'shop-7',
    });
  });

  test('of a slip without an amount names none', async () => {
    await sent(says(http(202, { ...order, state: 'accepted' })), { ...slip, amount: null });
    expect(JSON.parse(wire.requests[0]!.split('\r\n\r\n')[1]!)).toMatchObject({
      amount_minor: null,
      currency: null,
    });
  });

  test.each<[string, string, object]>([
    [
      '202 accepted',
      http(202, { ...order, state: 'accepted' }),
      { kind: 'acknowledged', providerReference: 'b-1' },
    ],
    [
      '409 of an order that was taken before',
      http(409, { ...order, state: 'accepted' }),
      { kind: 'acknowledged' },
    ],
    [
      '409 that knows its end',
      http(409, { ...order, state: 'executed' }),
      { kind: 'returned', outcome: 'succeeded' },
    ],
    [
      '422 declined',
      http(422, { ...order, state: 'declined', reason: 'AC04' }),
      { kind: 'returned', outcome: 'failed', reason: 'AC04' },
    ],
  ])('is answered by %s', async (_, reply, expected) => {
    expect(await sent(says(reply))).toMatchObject({ kind: 'answered', answer: expected });
  });

  test.each<[string, string]>([
    ['an answer that names no order', http(202, { state: 'accepted' })],
    ['409 about another order', http(409, { ...order, order_ref: 'another', state: 'accepted' })],
    ['409 without a word', http(409, { error: 'conflict', order_ref: slipId })],
    ['400 accepted', http(400, { ...order, state: 'accepted' })],
    ['404 of an order that is not known', http(404, { error: 'unknown_order', order_ref: slipId })],
  ])('is unanswered after %s', async (_, reply) => {
    expect(await sent(says(reply))).toMatchObject({ kind: 'unanswered', reason: 'garbage' });
  });
});

describe('an inquiry', () => {
  test('asks for the order by the slip’s id, with the key', async () => {
    await asked(http(200, { ...order, state: 'processing' }));
    expect(wire.requests[0]).toMatch(new RegExp(`^GET /api/v2/orders/${slipId} HTTP/1.1`));
    expect(wire.requests[0]).toContain(`x-api-key: ${pollStatementUnderTest.secrets.current}`);
  });

  test.each<[string, string, object]>([
    [
      'processing',
      http(200, { ...order, state: 'processing' }),
      { answer: { kind: 'progressed', step: 'processing' } },
    ],
    [
      'cancelled',
      http(200, { ...order, state: 'cancelled' }),
      { answer: { kind: 'returned', outcome: 'void' } },
    ],
    [
      '404 that names another order',
      http(404, { error: 'unknown_order', order_ref: 'x' }),
      { kind: 'no_answer' },
    ],
    ['404 that names none', http(404, { error: 'unknown_order' }), { kind: 'no_answer' }],
    ['404 of another kind', http(404, { error: 'no_route', order_ref: slipId }), { kind: 'no_answer' }],
    ['200 unknown_order', http(200, { error: 'unknown_order', order_ref: slipId }), { kind: 'no_answer' }],
  ])('%s', async (_, reply, expected) => {
    expect(await asked(reply)).toMatchObject(expected);
  });

  test('is told an amount that cannot be read as it came', async () => {
    const reply = http(200, { ...order, state: 'executed', amount_minor: 12.5, currency: 'EUR' });
    expect(await asked(reply)).toMatchObject({
      answer: {
        kind: 'doubtful',
        doubt: 'amount_unreadable',
        said: '{"amount_minor":12.5,"currency":"EUR"}',
      },
    });
  });
});

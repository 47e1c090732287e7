import { moneyToJson } from '@slipstream/kernel';
import { Webhook } from 'standardwebhooks';
import {
  type AnswerBody,
  http,
  type ProtocolUnderTest,
  type Saying,
  type SignedCallback,
} from '../spec-support.ts';

const secretOf = (word: string) => `whsec_${Buffer.alloc(32, word).toString('base64')}`;

/** For specs: how this protocol says things. */
export const jsonCallbackUnderTest: ProtocolUnderTest = {
  protocol: 'json-callback',
  secrets: { current: secretOf('current'), next: secretOf('next') },
  reply: (slipId, saying) => http(saying === 'pending' ? 202 : 200, words(slipId, saying)),
  inquiryReply: (slipId, saying) =>
    saying === 'not_found' ? http(404, { status: 'not_found' }) : http(200, words(slipId, saying)),
  cancellation: {
    confirmation: (slipId) => http(200, { slip_id: slipId, status: 'cancelled' }),
    reply: (slipId, saying) => http(200, words(slipId, saying)),
  },
  json: {
    body: words,
    ...{ word: 'status', slip: 'slip_id', mustName: false },
    amount: (amount, currency) => ({ amount: { amount, currency } }),
    oddAmounts: [{ amount: '1250' }, { amount: 1250 }, { amount: [{ amount: '1250', currency: 'EUR' }] }],
  },
  twoWords: () => http(200, '{"status":"failed","status":"succeeded"}'),
  statement: null,
  callbacks: {
    otherSecret: secretOf('another'),
    signed: (id, slipId, saying, secret) => sign(id, eventOf(words(slipId, saying)), secret),
    bodyOf: eventOf,
    signedBody: sign,
    unreadable: (slipId) => [
      '',
      '[]',
      '{"type":"slip.updated"}',
      '{"data":[]}',
      '{"data":{"status":"succeeded"}}',
      `{"data":{"slip_id":"${slipId}"}}`,
      `{"data":{"slip_id":"${slipId}","status":"failed","status":"succeeded"}}`,
    ],
  },
};

export function sign(id: string, body: string, secret: string, at = new Date()): SignedCallback {
  const headers = {
    'webhook-id': [id],
    'webhook-timestamp': [String(Math.floor(at.getTime() / 1000))],
    'webhook-signature': [new Webhook(secret).sign(id, at, body)],
  };
  return { body: Buffer.from(body), headers };
}

function eventOf(data: AnswerBody): string {
  return JSON.stringify({ type: 'slip.updated', timestamp: '', data });
}

function words(slipId: string, saying: Saying): AnswerBody {
  const base = { slip_id: slipId, provider_id: 'p-1', reason: null };
  if (saying === 'pending') return { ...base, status: 'pending' };
  if (saying === 'unheard_of') return { ...base, status: 'COMPLETED_MAYBE' };
  if ('acceptedAt' in saying) return { ...base, status: 'pending', accepted_at: saying.acceptedAt };
  const { outcome, amount } = saying;
  if (amount === 'unreadable') return { ...base, status: outcome, amount: { amount: '0', currency: 'EUR' } };
  return { ...base, status: outcome, amount: amount ? moneyToJson(amount) : null };
}

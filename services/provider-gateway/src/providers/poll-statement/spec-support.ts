import { type AnswerBody, http, type ProtocolUnderTest, type Saying } from '../spec-support.ts';

const head = 'order_ref,provider_id,state,amount_minor,currency,booked_at';

/** For specs: how this protocol says things. */
export const pollStatementUnderTest: ProtocolUnderTest = {
  protocol: 'poll-statement',
  secrets: { current: 'an-api-key-of-the-provider', next: null },
  reply: (slipId, saying) => http(saying === 'pending' ? 202 : 200, words(slipId, saying)),
  inquiryReply: (slipId, saying) =>
    saying === 'not_found'
      ? http(404, { error: 'unknown_order', order_ref: slipId })
      : http(200, words(slipId, saying)),
  cancellation: null,
  json: {
    body: words,
    ...{ word: 'state', slip: 'order_ref', mustName: true },
    amount: (amount, currency) => ({ amount_minor: amount, currency }),
    oddAmounts: [{ amount_minor: { amount: '1250', currency: 'EUR' } }],
  },
  twoWords: (slipId) => http(200, `{"order_ref":"${slipId}","state":"declined","state":"executed"}`),
  statement: {
    body: (lines) => table(lines.map(({ slipId, saying }) => words(slipId, saying))),
    bodyOf: table,
    unreadable: [
      '',
      's-1',
      's-1,b-1,executed,1250,EUR',
      's-1,b-1,executed,1250,EUR,2026-11-22T10:00:00Z,more',
      ',b-1,executed,1250,EUR,2026-11-22T10:00:00Z',
      's-1,b-1,,1250,EUR,2026-11-22T10:00:00Z',
      's-1,b-1,executed,1250,EUR,yesterday',
      's-1,"b-1,executed,1250,EUR,2026-11-22T10:00:00Z',
    ],
    notOne: ['', '{}', `${head.replace('state', 'status')}\r\n`, `${head}\r\ns-1,b-1,execut`],
  },
  callbacks: null,
};

function table(lines: readonly AnswerBody[]): string {
  return [head, ...lines.map(line)].map((one) => `${one}\r\n`).join('');
}

function line(order: AnswerBody): string {
  const fields = ['order_ref', 'provider_id', 'state', 'amount_minor', 'currency'].map((name) => order[name]);
  return [...fields.map((value) => value ?? ''), '2026-11-22T10:00:00Z'].join(',');
}

const states = { succeeded: 'executed', failed: 'declined', void: 'cancelled' } as const;

export function words(slipId: string, saying: Saying): AnswerBody {
  const base = { order_ref: slipId, provider_id: 'b-1', reason: null };
  if (saying === 'pending') return { ...base, state: 'accepted' };
  if (saying === 'unheard_of') return { ...base, state: 'COMPLETED_MAYBE' };
  if ('acceptedAt' in saying) return { ...base, state: 'accepted', accepted_at: saying.acceptedAt };
  const { outcome, amount } = saying;
  const named = amount === undefined || amount === 'unreadable' ? null : amount;
  return {
    ...{ ...base, state: states[outcome] },
    amount_minor: amount === 'unreadable' ? 0 : (named?.amount.toString() ?? null),
    currency: named?.currency ?? null,
  };
}

import { http, type ProtocolUnderTest, type Saying } from '../spec-support.ts';

/** For specs: how this protocol says things. */
export const pollStatementUnderTest: ProtocolUnderTest = {
  protocol: 'poll-statement',
  secrets: { current: 'an-api-key-of-the-provider', next: null },
  reply: (slipId, saying) => http(saying === 'pending' ? 202 : 200, words(slipId, saying)),
  inquiryReply: (slipId, saying) =>
    saying === 'not_found'
      ? http(404, { error: 'unknown_order', order_ref: slipId })
      : http(200, words(slipId, saying)),
  twoWords: (slipId) => http(200, `{"order_ref":"${slipId}","state":"declined","state":"executed"}`),
  callbacks: null,
};

const states = { succeeded: 'executed', failed: 'declined', void: 'cancelled' } as const;

export function words(slipId: string, saying: Saying): object {
  const base = { order_ref: slipId, provider_id: 'b-1', reason: null };
  if (saying === 'pending') return { ...base, state: 'accepted' };
  if (saying === 'unheard_of') return { ...base, state: 'COMPLETED_MAYBE' };
  const { outcome, amount } = saying;
  const named = amount === undefined || amount === 'unreadable' ? null : amount;
  return {
    ...{ ...base, state: states[outcome] },
    amount_minor: amount === 'unreadable' ? 0 : (named?.amount.toString() ?? null),
    currency: named?.currency ?? null,
  };
}

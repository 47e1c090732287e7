import type { CallOutcome, InquiryOutcome, ProviderAnswer } from '../../domain/provider/answer.ts';
import type { OnceResult } from '../transport/call-once.ts';
import { askedOutcome, callOutcome } from '../transport/outcomes.ts';
import {
  Garbage,
  type Json,
  money,
  parseObject,
  reference,
  said,
  text,
  time,
} from '../transport/read-answer.ts';
import { meaningOf } from '../transport/words.ts';
import { words } from './capabilities.ts';

/** The reference was taken before, and the answer tells what became of it: an order is one by its reference. */
const takenBefore = 409;

/** What a dispatch call came to. */
export function dispatchOutcome(result: OnceResult, slipId: string): CallOutcome {
  return callOutcome(result, (response) => toAnswer(about(slipId, parseObject(response))), takenBefore);
}

/** What an inquiry came to. */
export function inquiryOutcome(result: OnceResult, slipId: string): InquiryOutcome {
  return askedOutcome(result, (response) => {
    const json = about(slipId, parseObject(response));
    if (response.status === 200) return toAnswer(json);
    if (json.error === 'unknown_order') return 'not_found';
    throw new Garbage('it does not say unknown_order');
  });
}

/** An answer that does not name the order it was asked about is about nothing we know. */
function about(slipId: string, json: Json): Json {
  if (json.order_ref !== slipId) throw new Garbage('it is about another order, or none');
  return json;
}

/** The provider's words as ours. @throws Garbage */
export function toAnswer(json: Json): ProviderAnswer {
  const { state } = json;
  if (typeof state !== 'string' || state === '') throw new Garbage('no state');
  const acceptedAt = time(json.accepted_at);
  const names = {
    ...{ providerReference: reference(json.provider_id), providerTime: null },
    ...(acceptedAt && { acceptedAt }),
  };
  const meaning = meaningOf(words, state);
  switch (meaning) {
    case 'succeeded':
    case 'failed':
    case 'void': {
      const amount = moneyOf(json);
      // That nothing was executed is so whatever amount is named.
      if (amount === 'unreadable' && meaning === 'succeeded') {
        const { amount_minor, currency } = json;
        return {
          ...{ kind: 'doubtful', doubt: 'amount_unreadable', ...names },
          said: said({ amount_minor, currency }),
        };
      }
      const moved = amount === 'unreadable' ? null : amount;
      return { kind: 'returned', outcome: meaning, reason: text(json.reason), amount: moved, ...names };
    }
    case 'progressed':
      return { kind: 'progressed', step: state, ...names };
    case 'acknowledged':
      return { kind: 'acknowledged', ...names };
    case null:
      return { kind: 'doubtful', doubt: 'word_unknown', said: text(state) ?? said(state), ...names };
    default:
      return meaning satisfies never;
  }
}

/** A currency alone names an amount, too, and not which. */
function moneyOf({ amount_minor, currency }: Json) {
  return (amount_minor ?? null) === null && (currency ?? null) === null
    ? null
    : money(amount_minor, currency);
}

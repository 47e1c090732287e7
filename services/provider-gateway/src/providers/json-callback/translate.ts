import type {
  CallOutcome,
  CancelOutcome,
  InquiryOutcome,
  ProviderAnswer,
} from '../../domain/provider/answer.ts';
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

/** What a dispatch call came to. */
export function dispatchOutcome(result: OnceResult, slipId: string): CallOutcome {
  return callOutcome(result, (response) => toAnswer(about(slipId, parseObject(response))));
}

/** What an inquiry came to. */
export function inquiryOutcome(result: OnceResult, slipId: string): InquiryOutcome {
  return askedOutcome(result, (response) => {
    const json = about(slipId, parseObject(response));
    if (json.status === 'not_found') return denied(json, slipId, response.status);
    if (response.status === 404) throw new Garbage('it does not say not_found');
    return told(json, slipId);
  });
}

/**
 * What is told of a slip by whoever is asked about it. Money is given back on a failure, too, and a 200 with `failed` alone is what many
 * gateways say when they themselves could not ask. @throws Garbage
 */
function told(json: Json, slipId: string): ProviderAnswer {
  const answer = toAnswer(json);
  const givesBack = answer.kind === 'returned' && answer.outcome !== 'succeeded';
  if (givesBack && json.slip_id !== slipId && answer.providerReference === null) {
    throw new Garbage('it does not say what failed');
  }
  return answer;
}

/**
 * Refunds rest on it (rule 3), so two things must say so: its word, and the status of this very path or the slip's id. A 200
 * with the word alone may be what a gateway says of anything.
 */
function denied({ slip_id }: Json, slipId: string, status: number): 'not_found' {
  if (status !== 404 && slip_id !== slipId) throw new Garbage('it does not say what is not found');
  return 'not_found';
}

/**
 * What the cancellation of a slip that its provider does not know came to: the confirmation that it never executes it, news of it after all, or
 * nothing new. Only its own word with the slip's id confirms.
 */
export function cancelOutcome(result: OnceResult, slipId: string): CancelOutcome {
  const said = askedOutcome(result, (response) => {
    const json = about(slipId, parseObject(response));
    if (response.status !== 200) throw new Garbage('it does not confirm it');
    if (json.status !== 'cancelled') return told(json, slipId);
    if (json.slip_id !== slipId) throw new Garbage('it does not say what is cancelled');
    return 'not_found';
  });
  return said.kind === 'not_found' ? { kind: 'cancelled', raw: said.raw } : said;
}

/** An answer that names another slip than the one asked about is about nothing we know. */
function about(slipId: string, json: Json): Json {
  if (json.slip_id !== undefined && json.slip_id !== slipId) throw new Garbage('it is about another slip');
  return json;
}

/** The provider's words as ours. @throws Garbage */
export function toAnswer(json: Json): ProviderAnswer {
  const { status } = json;
  if (typeof status !== 'string' || status === '') throw new Garbage('no status');
  const providerReference = reference(json.provider_id);
  const providerTime = time(json.at);
  const acceptedAt = time(json.accepted_at);
  const names = { providerReference, providerTime, ...(acceptedAt && { acceptedAt }) };
  const meaning = meaningOf(words, status);
  switch (meaning) {
    case 'succeeded':
    case 'failed':
    case 'void': {
      const amount = moneyOf(json.amount);
      // That nothing was executed is so whatever amount is named.
      if (amount === 'unreadable' && meaning === 'succeeded') {
        return { kind: 'doubtful', doubt: 'amount_unreadable', said: said(json.amount), ...names };
      }
      const moved = amount === 'unreadable' ? null : amount;
      const fee = feeOf(json.fee);
      if (fee === 'unreadable' && meaning === 'succeeded') {
        return { kind: 'doubtful', doubt: 'amount_unreadable', said: said(json.fee), ...names };
      }
      const charged = fee === 'unreadable' || fee === null ? {} : { fee };
      const told = { outcome: meaning, reason: text(json.reason), amount: moved, ...charged };
      return { kind: 'returned', ...told, ...names };
    }
    case 'progressed':
      return { kind: 'progressed', step: status, ...names };
    case 'acknowledged':
      return { kind: 'acknowledged', ...names };
    case null:
      return { kind: 'doubtful', doubt: 'word_unknown', said: text(status) ?? said(status), ...names };
    default:
      return meaning satisfies never;
  }
}

/** Many name a fee of zero. */
function feeOf(value: unknown) {
  const isNone = typeof value === 'object' && value !== null && 'amount' in value && value.amount === '0';
  return isNone ? null : moneyOf(value);
}

function moneyOf(value: unknown) {
  if (value === null || value === undefined) return null;
  const { amount, currency } = value as { amount?: unknown; currency?: unknown };
  return money(amount, currency);
}

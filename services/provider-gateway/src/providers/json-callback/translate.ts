import { isUtf8 } from 'node:buffer';
import {
  foreignTextLengthMax,
  type Instant,
  type Money,
  parseInstant,
  parseMoney,
  strictJson,
} from '@slipstream/kernel';
import type { CallOutcome, InquiryOutcome, ProviderAnswer } from '../../domain/provider/answer.ts';
import type { OnceResult } from '../transport/call-once.ts';
import { throttled } from '../transport/throttled.ts';

/** The provider's answer cannot be understood; the message says why, for people. */
export class Garbage extends Error {}

type Json = Readonly<Record<string, unknown>>;

/** What a dispatch call came to. Only an explicit final word ends a slip, and only an explicit refusal denies it. */
export function dispatchOutcome(result: OnceResult, slipId: string): CallOutcome {
  if (result.kind === 'not_sent') return result;
  if (result.kind === 'lost') return { ...result, kind: 'unanswered' };
  const { status } = result;
  if (status >= 300 && status < 400) {
    return {
      kind: 'unanswered',
      reason: 'redirect',
      detail: `HTTP ${status}; redirects are never followed`,
    };
  }
  if (status >= 500) return { kind: 'unanswered', reason: 'server_error', detail: `HTTP ${status}` };
  // It says "later"; whether that means that nothing was taken is its rules' word.
  if (status === 429) return throttled(result.headers);
  try {
    const answer = toAnswer(about(slipId, parseObject(result)));
    if (status >= 400 && !refuses(status, answer)) {
      throw new Garbage('it does not tell whether work was done');
    }
    return { kind: 'answered', answer };
  } catch (error) {
    return garbage(status, error);
  }
}

/** Statuses that say: not accepted, because of the request itself. Others (408, 409 …) may come after the work. */
const refusals = new Set([400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 428, 431, 451]);

/** A number alone proves nothing: a proxy, a moved path or an old key gives it too. The provider's word must say so. */
function refuses(status: number, answer: ProviderAnswer): boolean {
  return refusals.has(status) && answer.kind === 'returned' && answer.outcome === 'failed';
}

function garbage(status: number, error: unknown): CallOutcome {
  if (!(error instanceof Garbage)) throw error;
  return { kind: 'unanswered', reason: 'garbage', detail: `HTTP ${status}: ${error.message}` };
}

/** What an inquiry came to. NOT_FOUND must be said in so many words: a 404 of a proxy proves nothing. */
export function inquiryOutcome(result: OnceResult, slipId: string): InquiryOutcome {
  if (result.kind !== 'response') {
    return { kind: 'no_answer', detail: `${result.reason}: ${result.detail}` };
  }
  const { status } = result;
  try {
    if (status === 404 && parseObject(result).status === 'not_found') return { kind: 'not_found' };
    if (status !== 200) return { kind: 'no_answer', detail: `HTTP ${status}` };
    return { kind: 'answered', answer: toAnswer(about(slipId, parseObject(result))) };
  } catch (error) {
    if (!(error instanceof Garbage)) throw error;
    return { kind: 'no_answer', detail: `HTTP ${status}: ${error.message}` };
  }
}

/** An answer that names another slip than the one asked about is about nothing we know. */
function about(slipId: string, json: Json): Json {
  if (json.slip_id !== undefined && json.slip_id !== slipId) throw new Garbage('it is about another slip');
  return json;
}

/** The provider's words as ours. @throws Garbage */
export function toAnswer(json: Json): ProviderAnswer {
  const status = json.status;
  if (typeof status !== 'string' || status === '') throw new Garbage('no status');
  const providerReference = text(json.provider_id);
  const providerTime = time(json.at);
  switch (status) {
    case 'succeeded':
    case 'failed':
    case 'void':
    case 'rejected':
      return {
        kind: 'returned',
        outcome: status === 'rejected' ? 'failed' : status,
        reason: text(json.reason),
        amount: money(json.amount),
        providerReference,
        providerTime,
      };
    case 'in_progress':
      return { kind: 'progressed', step: status, providerReference, providerTime };
    default:
      // Also every word we do not know: it is pending until the provider says something final.
      return { kind: 'acknowledged', providerReference, providerTime };
  }
}

function parseObject(response: Extract<OnceResult, { kind: 'response' }>): Json {
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new Garbage('the body is encoded');
  return parseJson(response.body);
}

/**
 * Strictly: of a key that comes twice nobody knows which value was meant. A reason that cannot be stored is no reason
 * to lose the outcome beside it. @throws Garbage
 */
export function parseJson(body: Buffer): Json {
  if (!isUtf8(body)) throw new Garbage('the body is not UTF-8');
  const parsed = strictJson(body.toString('utf8'), { anyText: true });
  if (!parsed.ok) throw new Garbage(parsed.error);
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Garbage('the body is not a JSON object');
  }
  return value as Json;
}

/** Text that can be stored; anything else counts as not given. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string' || value === '' || value.length > foreignTextLengthMax) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not come in
  return /[\u0000-\u001f\u007f]/.test(value) || !value.isWellFormed() ? null : value;
}

function time(value: unknown): Instant | null {
  return typeof value === 'string' ? parseInstant(value) : null;
}

/** A final answer that names an amount we cannot read is not to be believed at all. */
function money(value: unknown): Money | null {
  if (value === null || value === undefined) return null;
  const { amount, currency } = value as { amount?: unknown; currency?: unknown };
  const parsed = parseMoney(amount, currency);
  if (!parsed.ok) throw new Garbage(`the amount is not usable (${parsed.error})`);
  return parsed.value;
}

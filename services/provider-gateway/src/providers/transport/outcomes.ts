import {
  type CallOutcome,
  type InquiryOutcome,
  type ProviderAnswer,
  rawBytesMax,
} from '../../domain/provider/answer.ts';
import type { OnceResult } from './call-once.ts';
import { Garbage } from './read-answer.ts';
import { throttled } from './throttled.ts';

// What HTTP answers prove, whatever protocol they speak: by themselves nothing (ADR 13).

type Response = Extract<OnceResult, { kind: 'response' }>;

/**
 * What a dispatch call came to. Only an explicit final word ends a slip, and only an explicit refusal denies it.
 * @param read the provider's words as ours; throws {@link Garbage}
 */
export function callOutcome(result: OnceResult, read: (response: Response) => ProviderAnswer): CallOutcome {
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
    return { kind: 'answered', answer: read(result) };
  } catch (error) {
    return { kind: 'unanswered', reason: 'garbage', detail: problemOf(status, error) };
  }
}

/**
 * What an inquiry came to. NOT_FOUND must be said in so many words: a 404 of a proxy proves nothing.
 * @param read the provider's words as ours, of a 200 or a 404; throws {@link Garbage}
 */
export function askedOutcome(
  result: OnceResult,
  read: (response: Response) => ProviderAnswer | 'not_found',
): InquiryOutcome {
  if (result.kind !== 'response') {
    return { kind: 'no_answer', detail: `${result.reason}: ${result.detail}` };
  }
  const { status } = result;
  if (status !== 200 && status !== 404) return { kind: 'no_answer', detail: `HTTP ${status}` };
  try {
    const answer = read(result);
    if (answer !== 'not_found') return { kind: 'answered', answer };
    const { body } = result;
    if (body.length > rawBytesMax)
      throw new Garbage(`not_found in ${body.length} bytes, too many to be kept`);
    return { kind: 'not_found', raw: { status, body } };
  } catch (error) {
    return { kind: 'no_answer', detail: problemOf(status, error) };
  }
}

function problemOf(status: number, error: unknown): string {
  if (!(error instanceof Garbage)) throw error;
  return `HTTP ${status}: ${error.message}`;
}

/** Statuses that say: not accepted, because of the request itself. Others (408, 409 …) may come after the work. */
const refusals = new Set([400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 428, 431, 451]);

/** A number alone proves nothing: a proxy, a moved path or an old key gives it too. The provider's word must say so. */
export function refuses({ status }: Response, answer: ProviderAnswer): boolean {
  return refusals.has(status) && answer.kind === 'returned' && answer.outcome === 'failed';
}

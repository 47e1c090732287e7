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
 * @param takenBefore the status, if there is one, with which a protocol tells what became of an order that it had before
 */
export function callOutcome(
  result: OnceResult,
  read: (response: Response) => ProviderAnswer,
  takenBefore?: number,
): CallOutcome {
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
  const answer = orGarbage(() => read(result));
  // It says "later"; whether that means that nothing was taken is its rules' word, unless its own word says that it was.
  if (status === 429 && (answer instanceof Garbage || denies(answer))) return throttled(result.headers);
  const said =
    answer instanceof Garbage || status < 400 || status === takenBefore || refuses(status, answer)
      ? answer
      : new Garbage('it does not tell whether work was done');
  if (!(said instanceof Garbage)) return { kind: 'answered', answer: said };
  return { kind: 'unanswered', reason: 'garbage', detail: problemOf(status, said) };
}

function orGarbage<Answer>(read: () => Answer): Answer | Garbage {
  try {
    return read();
  } catch (error) {
    if (error instanceof Garbage) return error;
    throw error;
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
  const answer = orGarbage(() => read(result));
  if (answer instanceof Garbage) return { kind: 'no_answer', detail: problemOf(status, answer) };
  if (answer !== 'not_found') return { kind: 'answered', answer };
  const { body } = result;
  if (body.length <= rawBytesMax) return { kind: 'not_found', raw: { status, body } };
  const problem = new Garbage(`not_found in ${body.length} bytes, too many to be kept`);
  return { kind: 'no_answer', detail: problemOf(status, problem) };
}

function problemOf(status: number, { message }: Garbage): string {
  return `HTTP ${status}: ${message}`;
}

/** Statuses that say: not accepted, because of the request itself. Others (408, 409 …) may come after the work. */
const refusals = new Set([400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 428, 431, 451]);

/** A number alone proves nothing: a proxy, a moved path or an old key gives it too. The provider's word must say so. */
function refuses(status: number, answer: ProviderAnswer): boolean {
  return refusals.has(status) && denies(answer);
}

function denies(answer: ProviderAnswer): boolean {
  return answer.kind === 'returned' && answer.outcome === 'failed';
}

import { checkObject, type FieldChecks } from '@slipstream/service-host';
import { declineReasons } from '../../domain/review/decide-review.ts';
import { wordsLengthMax } from './change-slip.dto.ts';

/** The small bodies of commands on slips that wait: what each field may hold. */
export const wordChecks = {
  confirm: {},
  claim: {},
  release: {},
  withdraw: { reason: wordsProblem },
  approve: { note: wordsProblem },
  decline: { reason: reasonProblem, detail: wordsProblem },
} satisfies Record<string, FieldChecks>;

/** Reads a body that may be absent. @throws SlipstreamError as `checkBody` does */
export function readWords<Body extends object>(body: unknown, checks: FieldChecks): Body {
  return checkObject(body ?? {}, checks);
}

function reasonProblem(value: unknown): string | null {
  const isKnown = declineReasons.some((reason) => reason === value);
  return isKnown ? null : `must be one of ${declineReasons.join(', ')}`;
}

function wordsProblem(value: unknown): string | null {
  if (value === undefined) return null;
  const fits = typeof value === 'string' && value !== '' && value.length <= wordsLengthMax;
  if (!fits) return `must be a text of 1 to ${wordsLengthMax} characters, or absent`;
  return value.includes('\0') || !value.isWellFormed()
    ? 'must not have U+0000 or half a surrogate pair in it'
    : null;
}

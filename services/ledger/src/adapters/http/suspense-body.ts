import { checkObject, type FieldChecks } from '@slipstream/service-host';
import type { SuspenseDecision } from '@slipstream/slip';
import { decisions } from './described-suspense.ts';

/** Of a reason or a note, in characters. */
const wordsLengthMax = 500;

const words = (value: unknown): string | null => {
  const fits = typeof value === 'string' && value.trim() !== '' && value.length <= wordsLengthMax;
  if (!fits) return `must be a text of 1 to ${wordsLengthMax} characters`;
  const isStorable = !value.includes('\0') && value.isWellFormed();
  return isStorable ? null : 'must not have U+0000 or half a surrogate pair in it';
};

const decisionChecks: FieldChecks = {
  decision: (value) =>
    decisions.some((one) => one === value) ? null : `must be one of ${decisions.join(', ')}`,
  reason: words,
  dry_run: (value) =>
    value === undefined || typeof value === 'boolean' ? null : 'must be true or false, or absent',
};

/** @throws SlipstreamError validation_failed, malformed_request */
export function readDecision(body: unknown) {
  const read = checkObject<{ decision: SuspenseDecision; reason: string; dry_run?: boolean }>(
    body,
    decisionChecks,
  );
  return { decision: read.decision, reason: read.reason, dryRun: read.dry_run ?? false };
}

/** The second person's words. @throws SlipstreamError validation_failed, malformed_request */
export function readNote(body: unknown): string {
  return checkObject<{ note: string }>(body, { note: words }).note;
}

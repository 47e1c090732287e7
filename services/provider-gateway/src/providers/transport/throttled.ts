import type { IncomingHttpHeaders } from 'node:http';
import type { CallOutcome } from '../../domain/provider/answer.ts';

const retryAfterMsMax = 3_600_000;

/** What HTTP 429 says, with how long it asks to wait (RFC 9110 section 10.2.3): seconds, or a date by its own clock. */
export function throttled(headers: IncomingHttpHeaders): CallOutcome {
  const outcome = { kind: 'unanswered', reason: 'throttled' } as const;
  const waitMs = retryAfterMs(headers);
  if (waitMs === null) return { ...outcome, detail: 'HTTP 429' };
  return { ...outcome, detail: `HTTP 429; it asks to wait ${waitMs} ms`, retryAfterMs: waitMs };
}

/** Null: it does not say, or not in words that can be read. At most an hour. */
function retryAfterMs({ 'retry-after': value, date }: IncomingHttpHeaders): number | null {
  if (value === undefined) return null;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.parse(date ?? '');
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), retryAfterMsMax) : null;
}

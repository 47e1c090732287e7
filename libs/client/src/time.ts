import { type Instant, parseInstant, SlipstreamError } from '@slipstream/kernel';

/** A time as callers have it: RFC 3339 with an offset, or a Date. */
export type Time = string | Date;

/** A time as it is written everywhere in Slipstream; null when it is none. */
export function toInstant(time: Time): Instant | null {
  const text = time instanceof Date ? textOf(time) : time;
  return typeof text === 'string' ? parseInstant(text) : null;
}

/** The same. @throws SlipstreamError validation_failed for what is no time */
export function instantOf(field: string, time: Time): Instant {
  const instant = toInstant(time);
  if (instant !== null) return instant;
  throw new SlipstreamError('validation_failed', `${field} is no time: ${time}`, {
    errors: [{ pointer: `/${field}`, detail: noTime }],
  });
}

export const noTime = 'must be a Date, or a time by RFC 3339 with an offset, like 2026-11-22T10:39:00Z';

/** A Date that is none has no text. */
function textOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

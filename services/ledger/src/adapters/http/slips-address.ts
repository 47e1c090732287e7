import { type Instant, instantFromMicros, instantToMicros } from '@slipstream/kernel';
import { unusable } from '@slipstream/service-host';
import type { Parameters, Query } from './parameters.ts';

const hourMicros = 3_600_000_000n;

/** Slips by the filters of a question, of one of its groups: `key` is what they have in `field`, of a time its hour; null: of all. */
export function addressOf(
  query: Query,
  field: string | null,
  key: string | null,
  more: Readonly<Record<string, readonly string[]>>,
): string {
  const parameters = new URLSearchParams();
  const add = (given: Readonly<Record<string, unknown>>) => {
    for (const [name, value] of Object.entries(given)) {
      for (const one of [value].flat()) parameters.append(name, String(one));
    }
  };
  const { group_by: _, ...filters } = query;
  add(filters);
  add(more);
  if (field === null) return `/v1/slips?${parameters}`;
  if (key === null) parameters.append('lacks', lackedOf[field] ?? field);
  else if (field === 'deadline' || field === 'submitted') {
    parameters.set(`${field}_from`, key);
    parameters.set(`${field}_to`, hourAfter(key));
  } else parameters.set(field, key);
  return `/v1/slips?${parameters}`;
}

/** What slips lack that have no value in a field. */
const lackedOf: Readonly<Record<string, string>> = { cause_code: 'cause', currency: 'amount' };

function hourAfter(instant: Instant): Instant {
  return instantFromMicros(instantToMicros(instant) + hourMicros);
}

/** @throws SlipstreamError malformed_request for another time */
export function wholeHour(parameters: Parameters, name: string): Instant | undefined {
  const instant = parameters.instant(name);
  if (instant === undefined || instantToMicros(instant) % hourMicros === 0n) return instant;
  throw unusable(name, 'must be a whole hour, as in 2026-11-22T10:00:00Z');
}

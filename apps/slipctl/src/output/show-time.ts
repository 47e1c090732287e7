import type { Instant } from '@slipstream/kernel';

/** RFC 3339 in UTC without decimals that say nothing: `2018-01-01T10:00:00Z`, `…:00.25Z`. */
export function showTime(instant: Instant): string {
  return instant.replace(/\.?0*Z$/, 'Z');
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A span of time as people say it, in its two largest units: `3 d 4 h`, `1.204 s`, `12 ms`. */
export function showSpan(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  if (size < 1_000) return `${sign}${size} ms`;
  if (size < 60_000) return `${sign}${size / 1_000} s`;
  const at = units.findIndex(([, unitMs]) => size >= unitMs);
  const [name, unitMs] = units[at]!;
  const [smallerName, smallerMs] = units[at + 1]!;
  const rest = Math.floor((size % unitMs) / smallerMs);
  return `${sign}${Math.floor(size / unitMs)} ${name}${rest > 0 ? ` ${rest} ${smallerName}` : ''}`;
}

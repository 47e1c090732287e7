/**
 * A point in time: RFC 3339 in UTC with exactly six decimals, `2026-11-22T10:39:00.123456Z`.
 * Microseconds are PostgreSQL's precision (a JavaScript `Date` would drop three digits, and rule 6 compares
 * receipt with deadline exactly). Years 0001-9999, so plain string comparison is comparison in time.
 */
export type Instant = string;

const shape =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?([Zz]|[+-]\d{2}(?::?\d{2})?)$/;

/** Parses RFC 3339 (any offset, up to nine decimals, the rest cut) and PostgreSQL's text form; null when it is no time. */
export function parseInstant(text: string): Instant | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const offset = zone === 'Z' || zone === 'z' ? 'Z' : normaliseOffset(zone);
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(local) || !sameCalendarDay(local, Number(month), Number(day), Number(hour))) return null;
  const seconds =
    offset === 'Z' ? local : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  if (Number.isNaN(seconds)) return null;
  return fromParts(seconds / 1000, Number(fraction.padEnd(9, '0').slice(0, 6)));
}

function normaliseOffset(zone: string): string {
  return zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
}

/** `Date.parse` takes 30 February for 2 March and 24:00 for the next day; a time that never was is refused. */
function sameCalendarDay(epochMs: number, month: number, day: number, hour: number): boolean {
  const date = new Date(epochMs);
  return date.getUTCMonth() + 1 === month && date.getUTCDate() === day && date.getUTCHours() === hour;
}

const secondsPerDay = 86_400;
/** The date of the last time that was written: times that follow each other nearly always share it. */
let lastDay = Number.NaN;
let lastDate = '';

/** From whole seconds since the epoch and microseconds within the second; null outside the years 0001-9999. */
function fromParts(seconds: number, micros: number): Instant | null {
  if (seconds < -62_135_596_800 || seconds > 253_402_300_799) return null;
  const day = Math.floor(seconds / secondsPerDay);
  if (day !== lastDay) {
    lastDate = new Date(day * secondsPerDay * 1000).toISOString().slice(0, 11);
    lastDay = day;
  }
  const second = seconds - day * secondsPerDay;
  return `${lastDate}${timeOfDay(second)}.${String(micros).padStart(6, '0')}Z`;
}

function timeOfDay(second: number): string {
  const minute = Math.floor(second / 60);
  return `${twoDigits[Math.floor(minute / 60)]}:${twoDigits[minute % 60]}:${twoDigits[second % 60]}`;
}

const twoDigits = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

/** Microseconds since the epoch. */
export function instantToMicros(instant: Instant): bigint {
  return BigInt(Date.parse(`${instant.slice(0, 19)}Z`)) * 1000n + BigInt(instant.slice(20, 26));
}

/** From microseconds since the epoch; throws RangeError outside the years 0001-9999. */
export function instantFromMicros(micros: bigint): Instant {
  const exact = Number(micros);
  if (Number.isSafeInteger(exact)) {
    const seconds = Math.floor(exact / 1_000_000);
    // Every such time lies in the years that can be written, up to 2255.
    return fromParts(seconds, exact - seconds * 1_000_000)!;
  }
  const within = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const instant = fromParts(Number((micros - within) / 1_000_000n), Number(within));
  if (instant === null) throw new RangeError(`no instant: ${micros} us`);
  return instant;
}

/** From milliseconds since the epoch (what `Date.now()` and Kafka timestamps are). */
export function instantFromMs(epochMs: number): Instant {
  return instantFromMicros(BigInt(Math.trunc(epochMs)) * 1000n);
}

/** Milliseconds since the epoch, cut. */
export function instantToMs(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 23)}Z`);
}

export function addMs(instant: Instant, ms: number): Instant {
  return instantFromMicros(instantToMicros(instant) + BigInt(Math.trunc(ms)) * 1000n);
}

export function addMicros(instant: Instant, micros: bigint): Instant {
  return instantFromMicros(instantToMicros(instant) + micros);
}

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}

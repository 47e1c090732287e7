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
  return instantFromSeconds(seconds / 1000, Number(fraction.padEnd(9, '0').slice(0, 6)));
}

function normaliseOffset(zone: string): string {
  return zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
}

/** `Date.parse` takes 30 February for 2 March and 24:00 for the next day; a time that never was is refused. */
function sameCalendarDay(epochMs: number, month: number, day: number, hour: number): boolean {
  const date = new Date(epochMs);
  return date.getUTCMonth() + 1 === month && date.getUTCDate() === day && date.getUTCHours() === hour;
}

const secondsMin = -62_135_596_800;
const secondsMax = 253_402_300_799;
const secondsPerDay = 86_400;
const microsPerSecond = 1_000_000;

/**
 * From whole seconds since the epoch and microseconds within the second (0 to 999,999); null outside the years 0001-9999.
 * Every event carries several times: sign by sign, one takes a tenth of what it takes by way of `Date`.
 */
export function instantFromSeconds(seconds: number, micros: number): Instant | null {
  if (!(seconds >= secondsMin && seconds <= secondsMax)) return null;
  const day = Math.floor(seconds / secondsPerDay);
  const second = seconds - day * secondsPerDay;
  const minute = (second / 60) | 0;
  return textOf(day, (minute / 60) | 0, minute % 60, second % 60, micros);
}

/** Of a day since the epoch. Source: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, `civil_from_days`. */
function textOf(day: number, hour: number, minute: number, second: number, micros: number): Instant {
  const shifted = day + daysBeforeEpoch;
  const era = (shifted / daysPerEra) | 0;
  const ofEra = shifted - era * daysPerEra;
  const leapDays = ((ofEra / 1460) | 0) - ((ofEra / 36_524) | 0) + ((ofEra / 146_096) | 0);
  const yearOfEra = ((ofEra - leapDays) / 365) | 0;
  const ofYear = ofEra - (yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const fromMarch = ((5 * ofYear + 2) / 153) | 0;
  const ofMonth = ofYear - (((153 * fromMarch + 2) / 5) | 0) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  const upper = (micros / 10_000) | 0;
  const middle = ((micros / 100) | 0) % 100;
  // biome-ignore format: the parts of a time, one a line
  return String.fromCharCode(
    tens(century), ones(century), tens(year % 100), ones(year), dash,
    tens(month), ones(month), dash,
    tens(ofMonth), ones(ofMonth), letterT,
    tens(hour), ones(hour), colon,
    tens(minute), ones(minute), colon,
    tens(second), ones(second), dot,
    tens(upper), ones(upper), tens(middle), ones(middle), tens(micros % 100), ones(micros), letterZ,
  );
}

/** Years begin in March there, eras of 400 years on 1 March of the year 0. */
const daysBeforeEpoch = 719_468;
const daysPerEra = 146_097;

const [zero, dash, letterT, colon, dot, letterZ] = [48, 45, 84, 58, 46, 90] as const;

function tens(number: number): number {
  return zero + ((number / 10) | 0);
}

function ones(number: number): number {
  return zero + (number % 10);
}

/** Whole seconds since the epoch, cut towards the past. @throws RangeError for a text that is no instant */
export function instantToSeconds(instant: Instant): number {
  const year = digits(instant, 0) * 100 + digits(instant, 2);
  const month = digits(instant, 5);
  const day = digits(instant, 8);
  const time = digits(instant, 11) * 3600 + digits(instant, 14) * 60 + digits(instant, 17);
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && time < secondsPerDay)) {
    throw new RangeError(`no instant: ${instant}`);
  }
  return daysTo(year, month, day) * secondsPerDay + time;
}

/** The microseconds within its second. @throws RangeError for a text that is no instant */
export function microsWithin(instant: Instant): number {
  const micros = (digits(instant, 20) * 100 + digits(instant, 22)) * 100 + digits(instant, 24);
  if (Number.isNaN(micros)) throw new RangeError(`no instant: ${instant}`);
  return micros;
}

/** Days since the epoch to a day of the Gregorian calendar. Source: as above, `days_from_civil`. */
function daysTo(year: number, month: number, dayOfMonth: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.trunc(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const ofYear = Math.trunc((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + dayOfMonth - 1;
  const ofEra = yearOfEra * 365 + Math.trunc(yearOfEra / 4) - Math.trunc(yearOfEra / 100) + ofYear;
  return era * daysPerEra + ofEra - daysBeforeEpoch;
}

/** The number of two digits; NaN when there are none. */
function digits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Microseconds since the epoch. @throws RangeError for a text that is no instant */
export function instantToMicros(instant: Instant): bigint {
  const seconds = instantToSeconds(instant);
  const micros = seconds * microsPerSecond + microsWithin(instant);
  if (Number.isSafeInteger(micros)) return BigInt(micros);
  return BigInt(seconds) * 1_000_000n + BigInt(microsWithin(instant));
}

/** From microseconds since the epoch; throws RangeError outside the years 0001-9999. */
export function instantFromMicros(micros: bigint): Instant {
  const exact = Number(micros);
  if (Number.isSafeInteger(exact)) return moved(0, exact);
  const seconds = micros / 1_000_000n;
  return moved(Number(seconds), Number(micros - seconds * 1_000_000n));
}

/** From milliseconds since the epoch (what `Date.now()` and Kafka timestamps are). */
export function instantFromMs(epochMs: number): Instant {
  return moved(0, 0, Math.trunc(epochMs));
}

/** Milliseconds since the epoch, cut. */
export function instantToMs(instant: Instant): number {
  return Date.parse(`${instant.slice(0, 23)}Z`);
}

export function addMs(instant: Instant, ms: number): Instant {
  return moved(instantToSeconds(instant), microsWithin(instant), Math.trunc(ms));
}

export function addMicros(instant: Instant, micros: bigint): Instant {
  return instantFromMicros(instantToMicros(instant) + micros);
}

/** From seconds and microseconds that may lie outside their second, later by whole milliseconds; all exact. */
function moved(seconds: number, micros: number, ms = 0): Instant {
  const wholeSeconds = Math.floor(ms / 1000);
  const within = micros + (ms - wholeSeconds * 1000) * 1000;
  const carried = Math.floor(within / microsPerSecond);
  const instant = instantFromSeconds(seconds + wholeSeconds + carried, within - carried * microsPerSecond);
  if (instant === null) throw new RangeError('no instant outside the years 0001-9999');
  return instant;
}

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}

import { addMs, type Instant, instantFromMs, instantToMs, parseInstant } from '@slipstream/kernel';
import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon';

export const timeFormatDefault = 'yyyy-MM-dd HH:mm:ss';
const zoneLookMs = 24 * 3_600_000;

/** Gives the time, or what is wrong with the text. */
export type TimeParser = (text: string) => { readonly at: Instant } | { readonly problem: string };

/** Why there can be no parser: `of` names the key of the mapping that is wrong. */
interface NoParser {
  readonly of: 'zone' | 'time_format';
  readonly problem: string;
}

/**
 * A parser for times in `format` (luxon tokens; `ISO` for RFC 3339 and ISO 8601), which stand in `zoneName` where the
 * text has no offset. A local time that a change of the clocks skipped is refused; of one that occurred twice the
 * first is taken. RFC 3339 keeps microseconds, a format of tokens milliseconds.
 */
export function parserOf(format: string, zoneName: string): TimeParser | NoParser {
  if (!IANAZone.isValidZone(zoneName)) {
    return { of: 'zone', problem: `zone ${zoneName} is not in the IANA time zone database` };
  }
  const zone = zoneName === 'UTC' ? FixedOffsetZone.utcInstance : IANAZone.create(zoneName);
  if (format.toUpperCase() === 'ISO') return isoParser(zone);
  if (!keepsADay(format)) {
    return { of: 'time_format', problem: `time_format ${format} does not tell year, month and day` };
  }
  const rest = tokenParser(format, zone);
  if (format !== timeFormatDefault) return rest;
  // Nearly every file: one fixed shape is read ten times faster.
  return (text) => {
    const local = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? parseInstant(`${text}Z`) : null;
    return local === null ? rest(text) : inZone(local, zone, text);
  };
}

/** RFC 3339 with an offset, and the same without one (then in `zone`); also dates alone, and `T` or a space between. */
function isoParser(zone: Zone): TimeParser {
  return (text) => {
    const given = parseInstant(text);
    if (given !== null) return { at: given };
    const local = parseInstant(`${text}Z`);
    if (local !== null) return inZone(local, zone, text);
    const other = DateTime.fromISO(text, { zone: 'UTC', setZone: true });
    if (!other.isValid) return { problem: `${JSON.stringify(text)} is no ISO 8601 time` };
    const hasOffset = /(?:[Zz]|[+-]\d\d(?::?\d\d)?)$/.test(text.slice(10));
    const at = instantOf(other);
    return hasOffset || at === null ? found(at, text) : inZone(at, zone, text);
  };
}

function tokenParser(format: string, zone: Zone): TimeParser {
  const parser = DateTime.buildFormatParser(format);
  const hasOffset = /[Zz]/.test(unquoted(format));
  return (text) => {
    const parsed = DateTime.fromFormatParser(text, parser, { zone: 'UTC' });
    if (!parsed.isValid) return { problem: `${JSON.stringify(text)} is no time of the form ${format}` };
    const at = instantOf(parsed);
    return hasOffset || at === null ? found(at, text) : inZone(at, zone, text);
  };
}

function instantOf(time: DateTime<true>): Instant | null {
  return time.year >= 1 && time.year <= 9999 ? instantFromMs(time.toMillis()) : null;
}

function found(at: Instant | null, text: string): ReturnType<TimeParser> {
  return at === null ? { problem: `${JSON.stringify(text)} lies outside the years 1 to 9999` } : { at };
}

/** `local` is the wall clock's reading, written as if it were UTC. */
function inZone(local: Instant, zone: Zone, text: string): ReturnType<TimeParser> {
  const localMs = instantToMs(local);
  const before = zone.offset(localMs - zoneLookMs);
  const after = zone.offset(localMs + zoneLookMs);
  // The larger offset gives the earlier time: the first of two equal readings.
  for (const offset of [Math.max(before, after), Math.min(before, after)]) {
    const offsetMs = offset * 60_000;
    if (zone.offset(localMs - offsetMs) !== offset) continue;
    try {
      return { at: addMs(local, -offsetMs) };
    } catch {
      return found(null, text);
    }
  }
  return { problem: `${JSON.stringify(text)} never was: the clocks of ${zone.name} skipped it` };
}

/** A format that loses the day would give every row some day of this year. */
function keepsADay(format: string): boolean {
  const probe = DateTime.fromISO('2017-03-24T15:16:17.000Z', { zone: 'UTC', locale: 'en' });
  const again = DateTime.fromFormat(probe.toFormat(format), format, { zone: 'UTC', locale: 'en' });
  return again.isValid && again.toISODate() === probe.toISODate();
}

function unquoted(format: string): string {
  return format.replace(/'[^']*'/g, '');
}

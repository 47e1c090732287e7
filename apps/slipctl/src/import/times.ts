import { addMicros, addMs, type Instant, instantFromMs, instantToMs, parseInstant } from '@slipstream/kernel';
import { DateTime, FixedOffsetZone, IANAZone, type Zone } from 'luxon';
import type { Content } from './mapping-content.ts';
import type { MappingProblem, Path } from './mapping-file.ts';

export const timeFormatDefault = 'yyyy-MM-dd HH:mm:ss';
const zoneLookMs = 24 * 3_600_000;

/** Gives the time, or what is wrong with the text. */
export type TimeParser = (text: string) => FoundTime;
export type FoundTime = { readonly at: Instant } | { readonly problem: string };

/** Reads the times of a file: each in its format, in the zone of the file or of its row. */
export class TimeReader {
  readonly #content: Pick<Content, 'zone' | 'zones' | 'time_format' | 'ambiguous'>;
  readonly #format: string;
  readonly #parsers = new Map<string, TimeParser | NoParser>();
  readonly #mapping: Content;

  constructor(mapping: Content) {
    this.#mapping = mapping;
    this.#content = mapping;
    this.#format = mapping.time_format ?? timeFormatDefault;
  }

  /** The column that says the zone of a row's times; null: it is the same in all rows. */
  get zoneColumn(): string | null {
    const { zone } = this.#content;
    return typeof zone === 'object' ? zone.column : null;
  }

  /** A time in `format` (null: the file's); `zone` is the word of the row, null where the file's holds. */
  read(text: string, { format, zone }: { format: string | null; zone: string | null }): FoundTime {
    return this.#use(format, zone, (parse) => parse(text));
  }

  /** As {@link read}; a date alone means the end of that day, any time does where `endOfDay`. */
  readEnd(
    text: string,
    { format, zone, endOfDay }: { format: string | null; zone: string | null; endOfDay: boolean },
  ): FoundTime {
    const found = this.read(text, { format, zone });
    if ('problem' in found || !(endOfDay || isDateAlone(text, format ?? this.#format))) return found;
    const where = this.#zoneOf(zone);
    if ('problem' in where) return where;
    const day = DateTime.fromMillis(instantToMs(found.at), { zone: where.zone }).endOf('day');
    return { at: addMicros(instantFromMs(day.toMillis()), 999n) };
  }

  /** What is wrong with the mapping's zones and formats. */
  problems(): MappingProblem[] {
    const { zone, zones } = this.#content;
    const problems: MappingProblem[] = [];
    const checkZone = (path: Path, name: string) => {
      const found = zoneOf(name);
      if ('problem' in found) problems.push({ path, detail: found.problem });
    };
    if (typeof zone === 'string') checkZone(['zone'], zone);
    for (const [word, name] of Object.entries(zones ?? {})) checkZone(['zones', word], name);
    for (const { path, format } of formatsOf(this.#mapping)) {
      const parser = parserOf(format, 'UTC');
      if ('problem' in parser) problems.push({ path, detail: parser.problem });
    }
    return problems;
  }

  #use(format: string | null, zone: string | null, read: (parse: TimeParser) => FoundTime): FoundTime {
    const key = `${format ?? ''}\n${zone ?? ''}`;
    let parser = this.#parsers.get(key);
    if (!parser) {
      const where = this.#zoneOf(zone);
      parser =
        'problem' in where
          ? { of: 'zone', ...where }
          : inZoneParser(format ?? this.#format, this.#clockIn(where.zone));
      this.#parsers.set(key, parser);
    }
    return 'problem' in parser ? { problem: parser.problem } : read(parser);
  }

  #clockIn(zone: Zone): LocalClock {
    return { zone, ambiguous: this.#content.ambiguous ?? null };
  }

  #zoneOf(word: string | null): FoundZone {
    const { zone, zones = {} } = this.#content;
    if (word === null) return zoneOf(typeof zone === 'string' ? zone : 'UTC');
    const meant = Object.hasOwn(zones, word) ? zones[word]! : null;
    if (meant !== null) return zoneOf(meant);
    // CST is in Chicago, in Shanghai and in Havana: only the file's own mapping can know.
    if (/^[A-Za-z]+$/.test(word) && !/^(?:UTC|GMT|Z)$/.test(word)) {
      return { problem: `the zone ${word} has no meaning of its own: name it under zones in the mapping` };
    }
    return zoneOf(word === 'Z' ? 'UTC' : word);
  }
}

/** Why there can be no parser: `of` names the key of the mapping that is wrong. */
interface NoParser {
  readonly of: 'zone' | 'time_format';
  readonly problem: string;
}

type FoundZone = { readonly zone: Zone } | { readonly problem: string };

function zoneOf(name: string): FoundZone {
  if (name === 'UTC') return { zone: FixedOffsetZone.utcInstance };
  const offset = /^(?:UTC|GMT)?([+-])(\d\d?)(?::?(\d\d))?$/.exec(name);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    if (minutes <= 18 * 60) {
      return { zone: FixedOffsetZone.instance(offset[1] === '-' ? -minutes : minutes) };
    }
  }
  if (IANAZone.isValidZone(name)) return { zone: IANAZone.create(name) };
  return { problem: `zone ${name} is not in the IANA time zone database` };
}

function formatsOf(mapping: Content): { path: Path; format: string }[] {
  const formats: { path: Path; format: string }[] = [];
  const add = (path: Path, content: unknown) => {
    if (typeof content !== 'object' || content === null) return;
    const { format } = content as { format?: string };
    if (format !== undefined) formats.push({ path: [...path, 'format'], format });
  };
  if (mapping.time_format !== undefined) formats.push({ path: ['time_format'], format: mapping.time_format });
  add(['deadline'], mapping.deadline);
  if (mapping.layout === 'long') {
    add(['time'], mapping.time);
    return formats;
  }
  add(['submitted'], mapping.submitted);
  add(['acknowledged'], mapping.acknowledged);
  for (const key of ['progress', 'returned'] as const) {
    mapping[key]?.forEach((content, index) => void add([key, index], content));
  }
  return formats;
}

/**
 * A parser for times in `format` (luxon tokens; `ISO` for RFC 3339 and ISO 8601; `unix`, `unix_ms` and `excel` for
 * numbers), which stand in `zoneName` where the text has no offset. A local time that a change of the clocks skipped
 * is refused, and one that occurred twice unless `ambiguous` says which is meant. RFC 3339 keeps microseconds, a format of
 * tokens milliseconds.
 */
export function parserOf(
  format: string,
  zoneName: string,
  ambiguous: Which | null = null,
): TimeParser | NoParser {
  const found = zoneOf(zoneName);
  return 'problem' in found
    ? { of: 'zone', ...found }
    : inZoneParser(format, { zone: found.zone, ambiguous });
}

/** Which of two equal readings of a clock is meant. */
type Which = 'earlier' | 'later';

/** The wall clock of a zone; `ambiguous` null: a reading that it had twice means nothing. */
interface LocalClock {
  readonly zone: Zone;
  readonly ambiguous: Which | null;
}

function inZoneParser(format: string, clock: LocalClock): TimeParser | NoParser {
  if (format.toUpperCase() === 'ISO') return isoParser(clock);
  if (Object.hasOwn(numberFormats, format)) return numberParser(format as keyof typeof numberFormats, clock);
  if (!keepsADay(format)) {
    return { of: 'time_format', problem: `time_format ${format} does not tell year, month and day` };
  }
  const rest = tokenParser(format, clock);
  if (format !== timeFormatDefault) return rest;
  // Nearly every file: one fixed shape is read ten times faster.
  return (text) => {
    const local = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? parseInstant(`${text}Z`) : null;
    return local === null ? rest(text) : inZone(local, clock, text);
  };
}

/** Milliseconds of a number's unit; Excel counts the days of the wall clock from the end of 1899. */
const numberFormats = { unix: 1_000, unix_ms: 1, excel: 86_400_000 } as const;
const excelEpochMs = Date.UTC(1899, 11, 30);

function numberParser(format: keyof typeof numberFormats, clock: LocalClock): TimeParser {
  return (text) => {
    const number = /^-?\d{1,15}(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(number)) return { problem: `${JSON.stringify(text)} is no number, as ${format} needs` };
    const ms = Math.round(number * numberFormats[format]) + (format === 'excel' ? excelEpochMs : 0);
    const time = DateTime.fromMillis(ms, { zone: 'UTC' });
    const at = time.isValid ? instantOf(time) : null;
    if (at === null || format !== 'excel') return found(at, text);
    return isDateAlone(text, format) ? beginOfDay(at, clock.zone) : inZone(at, clock, text);
  };
}

/** RFC 3339 with an offset, and the same without one (then in `zone`); also dates alone, and `T` or a space between. */
function isoParser(clock: LocalClock): TimeParser {
  return (text) => {
    const given = parseInstant(text);
    if (given !== null) return { at: given };
    const local = parseInstant(`${text}Z`);
    if (local !== null) return inZone(local, clock, text);
    const other = DateTime.fromISO(text, { zone: 'UTC', setZone: true });
    if (!other.isValid) return { problem: `${JSON.stringify(text)} is no ISO 8601 time` };
    const hasOffset = /(?:[Zz]|[+-]\d\d(?::?\d\d)?)$/.test(text.slice(10));
    const at = instantOf(other);
    if (hasOffset || at === null) return found(at, text);
    return isDateAlone(text, 'ISO') ? beginOfDay(at, clock.zone) : inZone(at, clock, text);
  };
}

function tokenParser(format: string, clock: LocalClock): TimeParser {
  const parser = DateTime.buildFormatParser(format);
  const hasOffset = /[Zz]/.test(unquoted(format));
  const isDay = isDateAlone('', format);
  return (text) => {
    const parsed = DateTime.fromFormatParser(text, parser, { zone: 'UTC' });
    if (!parsed.isValid) return { problem: `${JSON.stringify(text)} is no time of the form ${format}` };
    const at = instantOf(parsed);
    if (hasOffset || at === null) return found(at, text);
    return isDay ? beginOfDay(at, clock.zone) : inZone(at, clock, text);
  };
}

function instantOf(time: DateTime<true>): Instant | null {
  return time.year >= 1 && time.year <= 9999 ? instantFromMs(time.toMillis()) : null;
}

function found(at: Instant | null, text: string): FoundTime {
  return at === null ? { problem: `${JSON.stringify(text)} lies outside the years 1 to 9999` } : { at };
}

/** A day begins with the first midnight of its clock, or where that was skipped with what it showed next. */
function beginOfDay(local: Instant, zone: Zone): FoundTime {
  const text = local.slice(0, 10);
  const midnight = inZone(local, { zone, ambiguous: 'earlier' }, text);
  if ('at' in midnight) return midnight;
  const [year, month, day] = text.split('-').map(Number);
  const begin = DateTime.fromObject({ year: year!, month: month!, day: day! }, { zone }).startOf('day');
  return found(begin.isValid ? instantOf(begin) : null, text);
}

/** `local` is the wall clock's reading, written as if it were UTC. */
function inZone(local: Instant, { zone, ambiguous }: LocalClock, text: string): FoundTime {
  const localMs = instantToMs(local);
  const before = zone.offset(localMs - zoneLookMs);
  const after = zone.offset(localMs + zoneLookMs);
  // The larger offset gives the earlier time: the first of two equal readings.
  const offsets = [...new Set([Math.max(before, after), Math.min(before, after)])].filter(
    (offset) => zone.offset(localMs - offset * 60_000) === offset,
  );
  const offset = ambiguous === 'later' ? offsets.at(-1) : offsets[0];
  if (offset === undefined)
    return { problem: `${JSON.stringify(text)} never was: the clocks of ${zone.name} skipped it` };
  if (offsets.length > 1 && ambiguous === null)
    return {
      problem: `${JSON.stringify(text)} was twice: the clocks of ${zone.name} were set back; say ambiguous: earlier or later in the mapping`,
    };
  try {
    return { at: addMs(local, -offset * 60_000) };
  } catch {
    return found(null, text);
  }
}

/** A format that loses the day would give every row some day of this year. */
function keepsADay(format: string): boolean {
  const probe = DateTime.fromISO('2017-03-24T15:16:17.000Z', { zone: 'UTC', locale: 'en' });
  const again = DateTime.fromFormat(probe.toFormat(format), format, { zone: 'UTC', locale: 'en' });
  return again.isValid && again.toISODate() === probe.toISODate();
}

/** ISO 8601's dates, and formats of tokens that tell no hour. */
function isDateAlone(text: string, format: string): boolean {
  if (format.toUpperCase() === 'ISO') return !/[T :]/.test(text.trim());
  if (Object.hasOwn(numberFormats, format)) return format === 'excel' && /^\d+$/.test(text);
  return !/[HhTtFfXx]/.test(unquoted(format));
}

function unquoted(format: string): string {
  return format.replace(/'[^']*'/g, '');
}

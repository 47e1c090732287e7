import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  addMicros,
  addMs,
  earlier,
  instantFromMicros,
  instantFromMs,
  instantFromSeconds,
  instantToMicros,
  instantToMs,
  instantToSeconds,
  microsWithin,
  parseInstant,
} from './index.ts';

const firstMicros = -62_135_596_800_000_000n;
const lastMicros = 253_402_300_799_999_999n;
const micros = fc.bigInt({ min: firstMicros, max: lastMicros });

describe('parseInstant', () => {
  it.each([
    ['2026-11-22T10:39:00Z', '2026-11-22T10:39:00.000000Z'],
    ['2026-11-22T10:39:00.123456Z', '2026-11-22T10:39:00.123456Z'],
    ['2026-11-22t10:39:00z', '2026-11-22T10:39:00.000000Z'],
    ['2026-11-22T10:39:00,5Z', '2026-11-22T10:39:00.500000Z'],
    ['2026-11-22T10:39:00.123456999Z', '2026-11-22T10:39:00.123456Z'],
    ['2026-11-22T23:30:00-02:00', '2026-11-23T01:30:00.000000Z'],
    ['2026-11-22T10:39:00+0530', '2026-11-22T05:09:00.000000Z'],
    ['2026-11-22T10:39:00-00:00', '2026-11-22T10:39:00.000000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000000Z'],
    ['2000-02-29T12:00:00Z', '2000-02-29T12:00:00.000000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
  ])('reads RFC 3339 %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  it.each([
    ['2026-11-22 10:39:00.1+00', '2026-11-22T10:39:00.100000Z'],
    ['2026-11-22 10:39:00+00', '2026-11-22T10:39:00.000000Z'],
    ['2026-11-22 16:09:00.000001+05:30', '2026-11-22T10:39:00.000001Z'],
    ['1969-12-31 23:59:59.999999+00', '1969-12-31T23:59:59.999999Z'],
  ])('reads PostgreSQL %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  it.each([
    ['a day that never was', '2026-02-30T10:00:00Z'],
    ['29 February of a common year', '2026-02-29T10:00:00Z'],
    ['29 February of 1900', '1900-02-29T10:00:00Z'],
    ['31 April', '2026-04-31T10:00:00Z'],
    ['30 February with an offset', '2026-02-30T23:00:00-05:00'],
    ['month 0', '2026-00-10T10:00:00Z'],
    ['month 13', '2026-13-10T10:00:00Z'],
    ['day 0', '2026-11-00T10:00:00Z'],
    ['24:00', '2026-11-22T24:00:00Z'],
    ['hour 25', '2026-11-22T25:00:00Z'],
    ['minute 60', '2026-11-22T10:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['offset +24:00', '2026-11-22T10:39:00+24:00'],
    ['offset +00:60', '2026-11-22T10:39:00+00:60'],
    ['no zone', '2026-11-22T10:39:00'],
    ['a date', '2026-11-22'],
    ['year 0', '0000-12-31T00:00:00Z'],
    ['before year 1 in UTC', '0001-01-01T00:00:00+01:00'],
    ['after year 9999 in UTC', '9999-12-31T23:59:59-01:00'],
    ['year 275760', '+275760-09-13T00:00:00Z'],
    ['ten decimals', '2026-11-22T10:39:00.1234567890Z'],
    ['a bare decimal point', '2026-11-22T10:39:00.Z'],
    ['a leading space', ' 2026-11-22T10:39:00Z'],
    ['a trailing newline', '2026-11-22T10:39:00Z\n'],
    ['other digits', '٢٠٢٦-11-22T10:39:00Z'],
    ['infinity', 'infinity'],
    ['BC', '0044-03-15 12:00:00+00 BC'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseInstant(text) === null || text.length >= 20));
  });
});

describe('an instant', () => {
  it('is its microseconds, and its own text', () => {
    fc.assert(
      fc.property(micros, (value) => {
        const instant = instantFromMicros(value);
        expect(instantToMicros(instant)).toBe(value);
        expect(parseInstant(instant)).toBe(instant);
      }),
    );
  });

  it('has the day and time that a Date has', () => {
    fc.assert(
      fc.property(micros, (value) => {
        const instant = instantFromMicros(value);
        const ms = instantToMs(instant);
        expect(`${instant.slice(0, 23)}Z`).toBe(new Date(ms).toISOString());
        expect(instantToSeconds(instant) * 1000 + Math.trunc(microsWithin(instant) / 1000)).toBe(ms);
        expect(instantFromSeconds(instantToSeconds(instant), microsWithin(instant))).toBe(instant);
      }),
    );
  });

  it.each(['0004-02-29', '0100-02-28', '1900-03-01', '2000-02-29', '2024-12-31', '9999-12-31'])(
    'finds the day %s, where calendars go wrong',
    (day) => {
      const instant = `${day}T23:59:59.999999Z`;
      expect(instantToMicros(instant)).toBe(BigInt(Date.parse(`${day}T23:59:59Z`)) * 1000n + 999_999n);
      expect(instantFromMicros(instantToMicros(instant))).toBe(instant);
    },
  );

  it.each(['', 'infinity', '2026-13-01T00:00:00.000000Z', '2026-11-22T10:39:00.12345xZ', '2026-11-22'])(
    'is no text that is none: %s',
    (text) => {
      expect(() => instantToMicros(text)).toThrow(RangeError);
    },
  );

  it('sorts as text as it sorts in time', () => {
    fc.assert(
      fc.property(micros, micros, (a, b) => {
        const [first, second] = [instantFromMicros(a), instantFromMicros(b)];
        expect(first < second).toBe(a < b);
        expect(earlier(first, second)).toBe([first, second].sort()[0]);
      }),
    );
  });

  it('is the same time in every zone', () => {
    const offsetMinutes = fc.integer({ min: -1439, max: 1439 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000n }), offsetMinutes, (value, offset) => {
        const local = instantFromMicros(value + BigInt(offset) * 60_000_000n).slice(0, 26);
        const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
          String(part).padStart(2, '0'),
        );
        const text = `${local}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
        expect(parseInstant(text)).toBe(instantFromMicros(value));
      }),
    );
  });

  it('converts to milliseconds, cut towards the past', () => {
    expect(instantToMs('2026-11-22T10:39:00.123999Z')).toBe(Date.UTC(2026, 10, 22, 10, 39, 0, 123));
    expect(instantToMs('1969-12-31T23:59:59.999999Z')).toBe(-1);
    expect(instantFromMs(-1)).toBe('1969-12-31T23:59:59.999000Z');
  });

  it('moves by milliseconds and microseconds, both ways', () => {
    expect(addMs('2026-12-31T23:59:59.999000Z', 1)).toBe('2027-01-01T00:00:00.000000Z');
    expect(addMs('1970-01-01T00:00:00.000000Z', -1)).toBe('1969-12-31T23:59:59.999000Z');
    expect(addMs('2026-12-31T23:59:59.999456Z', 1)).toBe('2027-01-01T00:00:00.000456Z');
    expect(addMs('0001-01-01T00:00:00.000001Z', 1)).toBe('0001-01-01T00:00:00.001001Z');
    expect(() => addMs('0001-01-01T00:00:00.000999Z', -1)).toThrow(RangeError);
    expect(addMicros('2024-02-28T23:59:59.999999Z', 1n)).toBe('2024-02-29T00:00:00.000000Z');
  });

  it('refuses to leave the years 0001-9999', () => {
    expect(() => instantFromMicros(lastMicros + 1n)).toThrow(RangeError);
    expect(() => instantFromMicros(firstMicros - 1n)).toThrow(RangeError);
    expect(() => addMs('9999-12-31T23:59:59.999999Z', 1)).toThrow(RangeError);
    expect(() => instantFromMs(Number.NaN)).toThrow(RangeError);
  });
});

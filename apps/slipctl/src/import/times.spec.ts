import { describe, expect, it } from '@jest/globals';
import { parserOf, type TimeParser } from './times.ts';

function parser(format: string, zone: string): TimeParser {
  const found = parserOf(format, zone);
  if ('problem' in found) throw new Error(found.problem);
  return found;
}

describe('times', () => {
  it.each([
    ['yyyy-MM-dd HH:mm:ss', 'UTC', '2018-01-01 10:00:00', '2018-01-01T10:00:00.000000Z'],
    ['yyyy-MM-dd HH:mm:ss', 'America/Sao_Paulo', '2018-01-01 10:00:00', '2018-01-01T12:00:00.000000Z'],
    ['yyyy-MM-dd HH:mm:ss', 'America/Sao_Paulo', '2018-06-01 10:00:00', '2018-06-01T13:00:00.000000Z'],
    ['yyyy-MM-dd HH:mm:ss', 'Asia/Kathmandu', '2018-01-01 05:44:59', '2017-12-31T23:59:59.000000Z'],
    ['dd.MM.yyyy HH:mm', 'Europe/Berlin', '31.12.2018 23:30', '2018-12-31T22:30:00.000000Z'],
    ['M/d/yyyy h:mm:ss a', 'UTC', '3/4/2018 5:06:07 PM', '2018-03-04T17:06:07.000000Z'],
    ['yyyy-MM-dd HH:mm ZZ', 'UTC', '2018-01-01 10:00 +05:30', '2018-01-01T04:30:00.000000Z'],
    ['yyyy-MM-dd HH:mm:ss.SSS', 'UTC', '2018-01-01 10:00:00.123', '2018-01-01T10:00:00.123000Z'],
    ['ISO', 'UTC', '2018-01-01T10:00:00.123456Z', '2018-01-01T10:00:00.123456Z'],
    ['ISO', 'Europe/Berlin', '2018-01-01T10:00:00+05:30', '2018-01-01T04:30:00.000000Z'],
    ['ISO', 'Europe/Berlin', '2018-07-01T10:00:00.000001', '2018-07-01T08:00:00.000001Z'],
    ['iso', 'Europe/Berlin', '2018-07-01', '2018-06-30T22:00:00.000000Z'],
    ['ISO', 'UTC', '20180701T101500Z', '2018-07-01T10:15:00.000000Z'],
  ])('%s in %s: %s is %s', (format, zone, text, at) => {
    expect(parser(format, zone)(text)).toEqual({ at });
  });

  it.each([
    ['yyyy-MM-dd HH:mm:ss', '2018-02-30 10:00:00', 'is no time of the form'],
    ['yyyy-MM-dd HH:mm:ss', '2018-01-01', 'is no time of the form'],
    ['yyyy-MM-dd HH:mm:ss', '2018-01-01T10:00:00Z', 'is no time of the form'],
    ['ISO', 'yesterday', 'is no ISO 8601 time'],
    ['ISO', '', 'is no ISO 8601 time'],
  ])('%s: %p is refused', (format, text, problem) => {
    expect(parser(format, 'UTC')(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('refuses a local time that the clocks skipped', () => {
    // Brazil set its clocks forward at midnight, the European Union at two.
    for (const [zone, text] of [
      ['America/Sao_Paulo', '2018-11-04 00:30:00'],
      ['Europe/Berlin', '2018-03-25 02:30:00'],
    ] as const) {
      expect(parser('yyyy-MM-dd HH:mm:ss', zone)(text)).toEqual({
        problem: `"${text}" never was: the clocks of ${zone} skipped it`,
      });
    }
  });

  it('takes the first of a local time that occurred twice', () => {
    const brazil = parser('yyyy-MM-dd HH:mm:ss', 'America/Sao_Paulo');
    expect(brazil('2018-02-17 23:30:00')).toEqual({ at: '2018-02-18T01:30:00.000000Z' });
    expect(brazil('2018-02-18 00:00:00')).toEqual({ at: '2018-02-18T03:00:00.000000Z' });
    const shiftOfHalfAnHour = parser('ISO', 'Australia/Lord_Howe');
    expect(shiftOfHalfAnHour('2018-04-01T01:45:00')).toEqual({ at: '2018-03-31T14:45:00.000000Z' });
  });
});

import { describe, expect, it } from '@jest/globals';
import { goodCells, mappingWith, readCells, rowOf } from './spec-support.ts';
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
    ['unix', 'Europe/Berlin', '1514800800', '2018-01-01T10:00:00.000000Z'],
    ['unix', 'UTC', '1514800800.123', '2018-01-01T10:00:00.123000Z'],
    ['unix_ms', 'Europe/Berlin', '1514800800123', '2018-01-01T10:00:00.123000Z'],
    ['excel', 'UTC', '43101.5', '2018-01-01T12:00:00.000000Z'],
    ['excel', 'Europe/Berlin', '43101', '2017-12-31T23:00:00.000000Z'],
    ['yyyy-MM-dd HH:mm:ss', '+05:30', '2018-01-01 10:00:00', '2018-01-01T04:30:00.000000Z'],
  ])('%s in %s: %s is %s', (format, zone, text, at) => {
    expect(parser(format, zone)(text)).toEqual({ at });
  });

  it.each([
    ['yyyy-MM-dd HH:mm:ss', '2018-02-30 10:00:00', 'is no time of the form'],
    ['yyyy-MM-dd HH:mm:ss', '2018-01-01', 'is no time of the form'],
    ['yyyy-MM-dd HH:mm:ss', '2018-01-01T10:00:00Z', 'is no time of the form'],
    ['ISO', 'yesterday', 'is no ISO 8601 time'],
    ['ISO', '', 'is no ISO 8601 time'],
    ['unix', '2018-01-01', 'is no number'],
    ['unix_ms', '99999999999999999', 'is no number'],
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

describe('the times of a file', () => {
  it('stand in the zone of their row, whose words the mapping explains', () => {
    const mapping = mappingWith({
      ...{ zone: '{ column: cur }', zones: '{ EDT: "-04:00", PDT: America/Los_Angeles }' },
      ...{ submitted: '{ column: [sent, taken] }', acknowledged: 'moved', deadline: '{ after: 1d }' },
    });
    const at = (cur: string) =>
      readCells(mapping, { ...goodCells, sent: '2026-06-21', taken: '23:59:30', done: '', cur });
    expect(at('EDT')).toMatchObject({ row: { submittedAt: '2026-06-22T03:59:30.000000Z' } });
    expect(at('PDT')).toMatchObject({ row: { submittedAt: '2026-06-22T06:59:30.000000Z' } });
    expect(at('Asia/Tokyo')).toMatchObject({ row: { submittedAt: '2026-06-21T14:59:30.000000Z' } });
    expect(at('CST')).toMatchObject({ problem: expect.stringContaining('the zone CST has no meaning') });
    expect(at('')).toMatchObject({ problem: 'sent taken: cur is missing' });
  });

  it.each([
    ['{ column: due, format: yyyy-MM-dd }', 'Europe/Berlin', '2018-03-25', '2018-03-25T21:59:59.999999Z'],
    ['{ column: due, format: ISO }', 'America/Sao_Paulo', '2018-11-03', '2018-11-04T02:59:59.999999Z'],
    ['{ column: due, day: end }', 'UTC', '2018-01-05 00:00:00', '2018-01-05T23:59:59.999999Z'],
    ['{ column: due, format: ISO }', 'UTC', '2018-01-05T00:00:00Z', '2018-01-05T00:00:00.000000Z'],
    ['{ column: due }', 'UTC', '2018-01-05 00:00:00', '2018-01-05T00:00:00.000000Z'],
  ])('%s in %s: %s is reached with %s', (deadline, zone, due, at) => {
    expect(rowOf(mappingWith({ deadline, zone }), { due }).deadline).toBe(at);
  });
});

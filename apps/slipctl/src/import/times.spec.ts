import { describe, expect, it } from '@jest/globals';
import { goodCells, mappingWith, readCells, rowOf } from './spec-support.ts';
import { parserOf, type TimeParser } from './times.ts';

function parser(format: string, zone: string, which: 'earlier' | 'later' | null = null): TimeParser {
  const found = parserOf(format, zone, which);
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

  const brazil = ['yyyy-MM-dd HH:mm:ss', 'America/Sao_Paulo'] as const;
  it.each([
    [...brazil, '2018-02-17 23:30:00', '2018-02-18T01:30:00.000000Z', '2018-02-18T02:30:00.000000Z'],
    [
      'ISO',
      'Australia/Lord_Howe',
      '2018-04-01T01:45:00',
      '2018-03-31T14:45:00.000000Z',
      '2018-03-31T15:15:00.000000Z',
    ],
    [
      'excel',
      'Europe/Berlin',
      '43401.1041666667',
      '2018-10-28T00:30:00.000000Z',
      '2018-10-28T01:30:00.000000Z',
    ],
  ])(
    '%s in %s: %s was twice, and is refused until somebody says which',
    (format, zone, text, earlier, later) => {
      expect(parser(format, zone)(text)).toEqual({
        problem: `"${text}" was twice: the clocks of ${zone} were set back; say ambiguous: earlier or later in the mapping`,
      });
      expect(parser(format, zone, 'earlier')(text)).toEqual({ at: earlier });
      expect(parser(format, zone, 'later')(text)).toEqual({ at: later });
    },
  );

  it.each(['earlier', 'later', null] as const)('takes any other as it is (%s)', (which) => {
    expect(parser(...brazil, which)('2018-02-17 22:59:59')).toEqual({ at: '2018-02-18T00:59:59.000000Z' });
    expect(parser(...brazil, which)('2018-02-18 00:00:00')).toEqual({ at: '2018-02-18T03:00:00.000000Z' });
    expect(parser('ISO', 'UTC', which)('2018-10-28T02:30:00')).toEqual({ at: '2018-10-28T02:30:00.000000Z' });
  });

  it.each([
    // No midnight on this day, and two on that one.
    ['yyyy-MM-dd', 'America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000000Z'],
    ['ISO', 'America/Havana', '2018-11-04', '2018-11-04T04:00:00.000000Z'],
  ])('%s in %s: %s begins at %s', (format, zone, text, at) => {
    expect(parser(format, zone)(text)).toEqual({ at });
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

  it('may say which one is meant of a time that was twice; else the row is refused', () => {
    const given = { ...goodCells, sent: '2018-10-28 02:30:00', done: '' };
    const at = (more: Readonly<Record<string, string>>) =>
      readCells(
        mappingWith({ zone: 'Europe/Berlin', submitted: 'sent', acknowledged: 'moved', ...more }),
        given,
      );
    expect(at({})).toMatchObject({
      problem: expect.stringContaining('sent: "2018-10-28 02:30:00" was twice'),
    });
    expect(at({ ambiguous: 'later' })).toMatchObject({ row: { submittedAt: '2018-10-28T01:30:00.000000Z' } });
  });

  it.each([
    ['{ column: due, format: yyyy-MM-dd }', 'America/Sao_Paulo', '2018-11-04', '2018-11-05T01:59:59.999999Z'],
    ['{ column: due, format: yyyy-MM-dd }', 'Europe/Berlin', '2018-03-25', '2018-03-25T21:59:59.999999Z'],
    ['{ column: due, format: ISO }', 'America/Sao_Paulo', '2018-11-03', '2018-11-04T02:59:59.999999Z'],
    ['{ column: due, day: end }', 'UTC', '2018-01-05 00:00:00', '2018-01-05T23:59:59.999999Z'],
    ['{ column: due, format: ISO }', 'UTC', '2018-01-05T00:00:00Z', '2018-01-05T00:00:00.000000Z'],
    ['{ column: due }', 'UTC', '2018-01-05 00:00:00', '2018-01-05T00:00:00.000000Z'],
  ])('%s in %s: %s is reached with %s', (deadline, zone, due, at) => {
    expect(rowOf(mappingWith({ deadline, zone }), { due }).deadline).toBe(at);
  });
});

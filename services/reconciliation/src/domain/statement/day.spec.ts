import { expect, test } from '@jest/globals';
import { bankDay, daysBetween, plusDays, readDay } from './day.ts';

test.each([
  ['2026-11-20T10:00:00Z', 'YYYY-MM-DD', '2026-11-20'],
  ['20261120', 'YYYYMMDD', '2026-11-20'],
  ['20261120T10', 'YYYYMMDD', '2026-11-20'],
  ['202611201005', 'YYYYMMDD', '2026-11-20'],
  ['20261120100530', 'YYYYMMDD', '2026-11-20'],
  ['202611201', 'YYYYMMDD', null],
  ['2026112010053', 'YYYYMMDD', null],
  ['2026-11-201', 'YYYY-MM-DD', null],
  ['1.2.20261', 'DD.MM.YYYY', null],
  ['1/2/20261', 'MM/DD/YYYY', null],
  ['1.2.2026 10:00', 'DD.MM.YYYY', '2026-02-01'],
  ['1.2.2026', 'DD.MM.YYYY', '2026-02-01'],
  ['01/02/2026', 'DD/MM/YYYY', '2026-02-01'],
  ['9/4/2018', 'MM/DD/YYYY', '2018-09-04'],
  ['13/1/2018', 'MM/DD/YYYY', null],
  ['2026-02-29', 'YYYY-MM-DD', null],
  ['2028-02-29', 'YYYY-MM-DD', '2028-02-29'],
  ['26-11-20', 'YYYY-MM-DD', null],
  ['0000-01-01', 'YYYY-MM-DD', null],
  ['0001-01-01', 'YYYY-MM-DD', null],
  ['1900-01-01', 'YYYY-MM-DD', '1900-01-01'],
] as const)('%s written %s is %s', (text, form, day) => expect(readDay(text, form)).toBe(day));

test('a bank’s February has thirty days, and no other month more than it has', () => {
  expect([bankDay(2016, 2, 30), bankDay(2015, 2, 29), bankDay(2016, 2, 31), bankDay(2016, 4, 31)]).toEqual([
    ...['2016-02-29', '2015-02-28'],
    ...[null, null],
  ]);
});

test('days are counted over months and changes of the clock', () => {
  expect(plusDays('2026-03-28', 4)).toBe('2026-04-01');
  expect(daysBetween('2026-03-28', '2026-04-01')).toBe(4);
  expect(daysBetween('2026-03-01', '2026-02-28')).toBe(-1);
});

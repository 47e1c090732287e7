import { describe, expect, test } from '@jest/globals';
import { daysMax, daysToRead } from './days.ts';

const berlin = { zone: 'Europe/Berlin', availableAt: '01:30' };
const at = (time: string) => `2026-${time}:00.000000Z`;

describe('the days whose statements are to be read', () => {
  test.each([
    ['a minute before it is whole, there', at('11-23T00:29'), '2026-11-21'],
    ['from then on', at('11-23T00:30'), '2026-11-22'],
    ['late in the evening there', at('11-23T22:59'), '2026-11-22'],
    ['when it is the next day there', at('11-24T00:29'), '2026-11-22'],
  ])('of somebody who has read none: the last whole one, %s', (_, now, day) => {
    expect(daysToRead(now, berlin, null)).toEqual([day]);
  });

  test('are each read once', () => {
    const now = at('11-23T12:00');
    expect(daysToRead(now, berlin, '2026-11-21')).toEqual(['2026-11-22']);
    expect(daysToRead(now, berlin, '2026-11-22')).toEqual([]);
    // A clock that was ahead, once.
    expect(daysToRead(now, berlin, '2026-12-01')).toEqual([]);
  });

  test('are made up for after a pause, the oldest first, over the end of a month and of summer time', () => {
    expect(daysToRead(at('11-02T12:00'), berlin, '2026-10-29')).toEqual([
      '2026-10-30',
      '2026-10-31',
      '2026-11-01',
    ]);
    expect(daysToRead(at('10-26T12:00'), berlin, '2026-10-23')).toEqual(['2026-10-24', '2026-10-25']);
    expect(daysToRead(at('03-30T12:00'), berlin, '2026-03-27')).toEqual(['2026-03-28', '2026-03-29']);
  });

  test('are so many at most: the latest', () => {
    const days = daysToRead(at('11-23T12:00'), berlin, '2025-01-01');
    expect([days.length, days.at(-1)]).toEqual([daysMax, '2026-11-22']);
  });

  test('are those of the zone, on both sides of the date line', () => {
    const now = at('11-23T12:00');
    expect(daysToRead(now, { zone: 'Pacific/Kiritimati', availableAt: '00:00' }, null)).toEqual([
      '2026-11-23',
    ]);
    expect(daysToRead(now, { zone: 'Pacific/Pago_Pago', availableAt: '00:00' }, null)).toEqual([
      '2026-11-22',
    ]);
    expect(daysToRead(now, { zone: 'Pacific/Pago_Pago', availableAt: '02:00' }, null)).toEqual([
      '2026-11-21',
    ]);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BreakType } from './breaks.ts';
import type { DaySums } from './bridge.ts';
import { plusDays } from './day.ts';
import { type AccountDay, dayBridgeOf, type ToldOfDay, unstatedDayOf } from './day-bridge.ts';
import type { Day } from './statement.ts';

const monday = '2026-11-23';
const tuesday = '2026-11-24';
const sums = (
  day: Day,
  movements: bigint,
  fees = 0n,
  breaks: readonly (readonly [BreakType, bigint])[] = [],
): DaySums => ({
  ...{ day, movements, fees, transfers: 0n, conversions: 0n },
  breaks: new Map(breaks.map(([type, amount]) => [type, { count: 1, amount }])),
});
const told = (
  name: string,
  day: Day,
  opening: bigint,
  closing: bigint,
  more: Partial<ToldOfDay> = {},
): ToldOfDay => ({
  ...{ name, opening, closing, closesOn: day, firstOn: day, lastOn: day, before: 0n },
  ...{ sums: sums(day, closing - opening), ...more },
});

function movedBy({ movements, fees, transfers, conversions, breaks }: Omit<AccountDay, 'names'>): bigint {
  return breaks.reduce((all, { amount }) => all + amount, movements + fees + transfers + conversions);
}

describe('a day of an account', () => {
  test('is told by several files together', () => {
    const fees = sums(monday, 30n, -2n, [['missing_here', 12n]]);
    const first = told('1', monday, 100n, 140n, { sums: fees });
    const second = told('2', monday, 140n, 150n);
    for (const ofDay of [
      [first, second],
      [second, first],
    ])
      expect(dayBridgeOf(monday, [], [ofDay])).toEqual({
        ...{ day: monday, opening: 100n, movements: 40n, fees: -2n, transfers: 0n, conversions: 0n },
        breaks: [{ type: 'missing_here', count: 1, amount: 12n }],
        ...{ closing: 150n, statedClosing: 150n, names: ['1', '2'] },
      });
  });

  test('goes on from the day before, and names what lies between', () => {
    const before = [told('1', monday, 0n, 100n)];
    const [day] = [dayBridgeOf(tuesday, before, [[told('2', tuesday, 130n, 140n)]])];
    expect(day).toMatchObject({ opening: 100n, movements: 10n, closing: 140n, statedClosing: 140n });
    expect(day.breaks).toEqual([{ type: 'gap', count: 1, amount: 30n }]);
  });

  test('names what files tell once more that begin where the day begins', () => {
    const interim = told('1', tuesday, 100n, 110n);
    const whole = told('2', tuesday, 100n, 112n, { sums: sums(tuesday, 2n, 0n, [['duplicate', 10n]]) });
    const day = dayBridgeOf(tuesday, [told('0', monday, 0n, 100n)], [[interim, whole]]);
    expect(day.breaks).toEqual([
      { type: 'duplicate', count: 1, amount: 10n },
      { type: 'overlap', count: 1, amount: -10n },
    ]);
    expect(day).toMatchObject({ opening: 100n, movements: 12n, closing: 112n, statedClosing: 112n });
  });

  test('of statements without balances is told from 0 on', () => {
    expect(unstatedDayOf(monday, [{ name: 'n', sums: sums(monday, 7n, -1n) }])).toMatchObject({
      ...{ opening: 0n, closing: 6n, statedClosing: null },
    });
  });

  test('adds up and opens with what the one before closed with, whatever files tell it and in whichever order they came', () => {
    const file = fc.record({
      // Some tell several days, some lie apart from those of the day before.
      moves: fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.bigInt(1n, 99n)), { maxLength: 4 }),
      gap: fc.oneof({ weight: 4, arbitrary: fc.constant(0n) }, fc.bigInt(1_000n, 2_000n)),
      isNextDay: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(file, { minLength: 1, maxLength: 7 }),
        fc.infiniteStream(fc.nat()),
        (files, order) => {
          let closing = 5n;
          let closesOn = monday;
          const all = files.map(({ moves, gap, isNextDay }, at) => {
            const opening = isNextDay ? closing + gap : closing;
            if (isNextDay) closesOn = plusDays(closesOn, 1);
            closing = moves.reduce((sum, [, amount]) => sum + amount, opening) + 1n;
            const on = closesOn;
            const lines = [
              ...moves.map(([back, amount]) => [plusDays(on, -back), amount] as const),
              [on, 1n] as const,
            ];
            return { name: String(at), opening, closing, closesOn, lines };
          });
          const askOf = (day: Day, given: typeof all) => {
            const days = [...Map.groupBy(given, (one) => one.closesOn)]
              .toSorted(([a], [b]) => (a < b ? -1 : 1))
              .map(([, ofDay]) =>
                ofDay.map(({ lines, ...one }): ToldOfDay => {
                  const sumOf = (some: typeof lines) => some.reduce((sum, [, amount]) => sum + amount, 0n);
                  const booked = lines.map(([on]) => on).sort();
                  const ofDay = lines.filter(([on]) => on === day);
                  return {
                    ...{ ...one, firstOn: booked[0]!, lastOn: booked.at(-1)! },
                    before: sumOf(lines.filter(([on]) => on < day)),
                    sums: ofDay.length > 0 ? sums(day, sumOf(ofDay)) : null,
                  };
                }),
              );
            return dayBridgeOf(day, [], days);
          };
          const shuffled = all.toSorted(() => (order.next().value! % 2 === 0 ? 1 : -1));
          let last: bigint | null = null;
          for (let day = plusDays(monday, -2); day <= plusDays(closesOn, 1); day = plusDays(day, 1)) {
            const one = askOf(day, all);
            expect(askOf(day, shuffled)).toEqual(one);
            expect(one.opening + movedBy(one)).toBe(one.closing);
            if (last !== null) expect(one.opening).toBe(last);
            last = one.closing;
          }
          expect(last).toBe(closing);
        },
      ),
    );
  });
});

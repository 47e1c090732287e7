import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gapsOf, type Stretch, saidOf } from './continuity.ts';

const on = (closesOn: string, opening: bigint, closing: bigint): Stretch => ({ opening, closing, closesOn });
const monday = '2026-11-23';
const tuesday = '2026-11-24';

describe('statements of an account', () => {
  test('go on from where the day before closed, or have a gap', () => {
    const before = [on(monday, 0n, 1_000n)];
    expect(gapsOf(before, [on(tuesday, 1_000n, 900n)])).toEqual([]);
    const later = on(tuesday, 1_250n, 900n);
    const [gap, ...more] = gapsOf(before, [later]);
    expect([gap, more]).toEqual([{ of: later, before: before[0] }, []]);
    expect(saidOf(gap!, 'DE89', 'EUR')).toEqual({
      expected: 'DE89 goes on from 10.00 EUR, with which it closed on 2026-11-23',
      ...{ seen: 'it opens with 12.50 EUR', difference: 250n },
    });
  });

  test('of which none is known before may begin with anything', () => {
    expect(gapsOf([], [on(monday, 77n, 80n)])).toEqual([]);
    const apart = on(monday, 90n, 95n);
    expect(gapsOf([], [on(monday, 77n, 80n), apart])).toEqual([{ of: apart, before: on(monday, 77n, 80n) }]);
  });

  test('that tell a day once more, as a grown file does, begin where it begins', () => {
    const before = [on(monday, 0n, 10n)];
    expect(gapsOf(before, [on(tuesday, 10n, 15n), on(tuesday, 10n, 19n)])).toEqual([]);
    expect(gapsOf([on(tuesday, 10n, 15n), on(tuesday, 10n, 19n)], [on('2026-11-25', 15n, 1n)])).toEqual([]);
  });

  test('go on from each other before another one begins where the day does', () => {
    const before = [on(monday, -5n, 0n)];
    expect(gapsOf(before, [on(tuesday, 0n, 10n), on(tuesday, 0n, 12n), on(tuesday, 10n, 11n)])).toEqual([]);
  });

  test('whose first of a day is missing have one gap, and the next day one from where the day ends', () => {
    const [first, second] = [on(tuesday, 50n, 100n), on(tuesday, 100n, 200n)];
    const before = [on(monday, 0n, 10n)];
    for (const ofDay of [
      [first, second],
      [second, first],
    ]) {
      expect(gapsOf(before, ofDay)).toEqual([{ of: first, before: before[0] }]);
      const later = on('2026-11-25', 201n, 300n);
      expect(gapsOf(ofDay, [later])).toEqual([{ of: later, before: second }]);
    }
  });

  test('of one day may come in any order', () => {
    const balances = fc.uniqueArray(fc.bigInt(-99n, 99n), { minLength: 2, maxLength: 9 });
    const chain = balances.chain((all) =>
      fc
        .shuffledSubarray(
          all.slice(1).map((closing, i) => on(tuesday, all[i]!, closing)),
          { minLength: all.length - 1 },
        )
        .map((ofDay) => ({ ofDay, first: all[0]! })),
    );
    fc.assert(
      fc.property(chain, fc.nat(), ({ ofDay, first }, at) => {
        const before = [on(monday, 1_000n, first)];
        expect(gapsOf(before, ofDay)).toEqual([]);
        // One of them opens with what none closes with: that one, or who went on from it, is named.
        const broken = ofDay.with(at % ofDay.length, { ...ofDay[at % ofDay.length]!, opening: 500n });
        expect(gapsOf(before, broken).length).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

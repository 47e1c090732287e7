import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decideIncidents, type Incident, type Warning } from './decide.ts';
import { type Slot, segmentsOf } from './segments.ts';

/** Slots with so many dispatches each, of which so many are missed. */
const slots = (from: number, count: number, dispatched: number, missed: number): Slot[] =>
  Array.from({ length: count }, (_, i) => ({ slot: from + i, dispatched, missed }));

describe('the times of outages', () => {
  test.each<[string, Slot[], [number, number][]]>([
    ['none, where nothing is missed', slots(0, 100, 10, 0), []],
    ['none of background noise', slots(0, 10_000, 100, 1), []],
    ['none of a few that are missed', [...slots(0, 50, 10, 0), ...slots(50, 1, 6, 6)], []],
    [
      'everything between two edges',
      [...slots(0, 100, 10, 0), ...slots(100, 20, 10, 10), ...slots(120, 100, 10, 0)],
      [[100, 119]],
    ],
    ['of what was never dispatched', slots(7, 3, 0, 5), [[7, 9]]],
    [
      'one of a part that is lost, over lulls',
      [...slots(0, 50, 10, 0), ...slots(50, 10, 10, 4), ...slots(60, 2, 0, 0), ...slots(62, 10, 10, 4)],
      [[50, 71]],
    ],
    [
      'two, with a time between them in which all is well',
      [...slots(0, 5, 10, 10), ...slots(5, 60, 10, 0), ...slots(65, 5, 10, 10)],
      [
        [0, 4],
        [65, 69],
      ],
    ],
    [
      'two great ones of one day, with a hundred that came back between them',
      [...slots(0, 50, 100, 100), ...slots(50, 10, 10, 0), ...slots(60, 50, 100, 100)],
      [
        [0, 49],
        [60, 109],
      ],
    ],
    [
      'one, with fewer between its halves than end an outage',
      [...slots(0, 50, 100, 100), ...slots(50, 7, 10, 0), ...slots(57, 50, 100, 100)],
      [[0, 106]],
    ],
    [
      'one that loses a fifth for long',
      Array.from({ length: 2_000 }, (_, slot) => ({
        slot,
        dispatched: 5,
        missed: slot % 10 === 9 ? 5 : slot % 10 < 5 ? 1 : 0,
      })),
      [[9, 1_999]],
    ],
    [
      'a third one by itself, behind one that was joined',
      [
        ...slots(0, 2, 20, 20),
        ...slots(2, 3, 10, 0),
        ...slots(5, 2, 20, 20),
        ...slots(7, 10, 10, 0),
        ...slots(17, 4, 20, 20),
      ],
      [
        [0, 6],
        [17, 20],
      ],
    ],
  ])('%s', (_, given, expected) => {
    expect(segmentsOf(given).map(({ from, until }) => [from, until])).toEqual(expected);
  });

  const anySlots = fc.uniqueArray(
    fc.record({ slot: fc.nat(300), dispatched: fc.nat(30), missed: fc.nat(30) }),
    { selector: ({ slot }) => slot, maxLength: 80 },
  );

  test('do not depend on the order of what is counted, are disjoint, and begin and end with something missed', () => {
    fc.assert(
      fc.property(anySlots, fc.infiniteStream(fc.nat()), (given, keys) => {
        const shuffled = given
          .map((slot) => [keys.next().value, slot] as const)
          .sort(([a], [b]) => a - b)
          .map(([, slot]) => slot);
        const found = segmentsOf(given);
        expect(segmentsOf(shuffled)).toEqual(found);
        for (const [i, { from, until }] of found.entries()) {
          expect(from).toBeLessThanOrEqual(until);
          if (i > 0) expect(found[i - 1]!.until).toBeLessThan(from);
          for (const edge of [from, until])
            expect(given.find(({ slot }) => slot === edge)?.missed).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('hold no stretch in which it was over', () => {
    const score = ({ dispatched, missed }: Slot) =>
      missed * Math.log(6) + Math.max(0, dispatched - missed) * Math.log(0.7 / 0.95);
    const goodAndBad = fc.array(fc.tuple(fc.nat(60), fc.nat(3)), { maxLength: 40 });
    fc.assert(
      fc.property(goodAndBad, (kinds) => {
        const given = kinds.map(([dispatched, bad], slot) => ({
          ...{ slot, dispatched, missed: bad === 0 ? dispatched : 0 },
        }));
        for (const { from, until } of segmentsOf(given)) {
          let drop = 0;
          for (const slot of given.slice(from, until + 1)) {
            drop = Math.max(0, drop - score(slot));
            expect(drop).toBeLessThan(2 * Math.log(100_000));
          }
        }
      }),
    );
  });

  test('no part before the end of one, nor the rest, is against it: its edges are where the outage is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 40 }), fc.integer({ min: 4, max: 40 }), (length, perSlot) => {
        const given = [
          ...slots(0, 60, perSlot, 0),
          ...slots(60, length, perSlot, perSlot),
          ...slots(60 + length, 60, perSlot, 0),
        ];
        expect(segmentsOf(given)).toEqual([{ from: 60, until: 59 + length }]);
      }),
    );
  });
});

describe('incidents', () => {
  const newId = (side: string, from: number) => `${side}@${from}`;
  const decide = (
    known: Incident[],
    segments: Record<string, [number, number][]>,
    warnings: Warning[] = [],
  ) => {
    const bySide = Object.entries(segments).map(
      ([side, all]) => [side, all.map(([from, until]) => ({ from, until }))] as const,
    );
    return decideIncidents(known, new Map(bySide), warnings, newId);
  };
  const incident = (id: string, from: number, until: number, more: Partial<Incident> = {}): Incident => ({
    ...{ id, side: 'acme', from, until, isOpen: true, warnings: [], ...more },
  });
  const warning = (id: string, since: number): Warning => ({
    ...{ id, provider: 'acme', since, foundAt: since + 3 },
  });

  test('are opened once, and grow with their outage', () => {
    const [opened] = decide([], { acme: [[5, 9]] });
    expect(opened).toMatchObject({ change: 'opened', incident: incident('acme@5', 5, 9) });
    expect(decide([opened!.incident], { acme: [[5, 9]] })).toEqual([]);
    expect(decide([opened!.incident], { acme: [[4, 20]] })).toEqual([
      { change: 'grown', incident: incident('acme@5', 4, 20), merged: [] },
    ]);
  });

  test('of several sides at once are several, and of one side one for each outage', () => {
    const ids = decide([], {
      '': [[1, 2]],
      acme: [
        [1, 2],
        [50, 60],
      ],
    }).map((one) => one.incident.id);
    expect(ids).toEqual(['@1', 'acme@1', 'acme@50']);
  });

  test('have the id of the warning that came before the first deadline, and take in what is missed later', () => {
    const [opened] = decide([], {}, [warning('w1', 10)]);
    expect(opened?.incident).toEqual(incident('w1', 10, 13, { warnings: ['w1'] }));
    const [grown] = decide([opened!.incident], { acme: [[11, 30]] }, [warning('w1', 10)]);
    expect(grown).toEqual({
      change: 'grown',
      incident: incident('w1', 10, 30, { warnings: ['w1'] }),
      merged: [],
    });
    // The warning is over, and its slips are still the same incident's.
    expect(decide([grown!.incident], { acme: [[11, 30]] })).toEqual([]);
  });

  test('that began without a warning take it in', () => {
    const [grown] = decide([incident('i', 9, 12)], { acme: [[9, 12]] }, [warning('w1', 10)]);
    expect(grown).toMatchObject({ change: 'grown', incident: { id: 'i', warnings: ['w1'] } });
  });

  test('that turn out to be one are one; a closed one that goes on is opened again', () => {
    const [grown] = decide([incident('a', 1, 5), incident('b', 9, 12)], { acme: [[1, 12]] });
    expect(grown).toMatchObject({
      change: 'grown',
      incident: { id: 'a', from: 1, until: 12 },
      merged: ['b'],
    });
    const [again] = decide([incident('a', 1, 5, { isOpen: false })], { acme: [[1, 7]] });
    expect(again).toMatchObject({ change: 'opened', incident: { id: 'a', until: 7 } });
    expect(decide([incident('a', 1, 7, { isOpen: false })], { acme: [[1, 7]] })).toHaveLength(0);
  });
});

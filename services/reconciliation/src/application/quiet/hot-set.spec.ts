import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HotSet, type HotSlip, isHeld, isInTime } from './hot-set.ts';
import { idOf, idText, idWords } from './slip-ids.ts';
import { offsetsMax, slotBytes } from './slip-record.ts';
import { fromChunks, toChunks } from './snapshot.ts';

interface Model extends HotSlip {
  deadline: number;
  due: number;
  flags: number;
  readonly offsets: number[];
}

const idFor = (n: number) => {
  const id = new Uint32Array(idWords);
  // Ids that differ in one word only, and share most of their bits.
  id[n % idWords] = 0x0198_0000 + Math.floor(n / idWords);
  return id;
};
const name = (n: number) => idText(idFor(n));
const slip = (due: number, amount = 5): HotSlip => ({
  ...{ deadline: due - 1_000, due, flags: 0, amount, currency: 7 },
});

type Step = ['add' | 'remove' | 'hold' | 'return' | 'note' | 'delay', number, number];
const step = fc.tuple(
  fc.constantFrom('add', 'add', 'remove', 'hold', 'return', 'note', 'delay'),
  fc.nat({ max: 300 }),
  fc.nat({ max: 1_000 }),
) as fc.Arbitrary<Step>;

/** Does the same to the set and to a plain map. */
function run(steps: readonly Step[]): { hot: HotSet; model: Map<string, Model>; before: number } {
  const hot = new HotSet(4);
  const model = new Map<string, Model>();
  let offset = 2 ** 32 - 20;
  for (const [what, n, due] of steps) {
    const slot = hot.find(idFor(n));
    const known = model.get(name(n));
    expect(slot >= 0).toBe(known !== undefined);
    offset += 1;
    if (what === 'add' && !known) {
      hot.note(hot.add(idFor(n), slip(due)), offset);
      model.set(name(n), { ...slip(due), offsets: [offset] });
    } else if (known && what === 'remove') {
      hot.remove(slot);
      model.delete(name(n));
    } else if (known && what === 'hold') {
      hot.hold(slot);
      known.flags |= isHeld;
    } else if (known && what === 'return') {
      hot.returnInTime(slot);
      known.flags |= isInTime;
    } else if (known && what === 'delay') {
      hot.delay(slot, due - 1_000);
      Object.assign(known, { deadline: due - 1_000, due });
    } else if (known && what === 'note' && hot.hasRoom(slot)) {
      hot.note(slot, offset);
      known.offsets.push(offset);
    }
  }
  return { hot, model, before: offset + 1 };
}

function shown(hot: HotSet, before: number): Map<string, Model> {
  const id = new Uint32Array(idWords);
  return new Map(
    [...hot.slots()].map((slot) => {
      hot.id(slot, id);
      return [idText(id), { ...hot.get(slot), offsets: hot.offsets(slot, before) }];
    }),
  );
}

const sorted = (model: Map<string, Model>) => [...model].sort(([a], [b]) => (a < b ? -1 : 1));

describe('a hot set', () => {
  test('holds what a map would, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const { hot, model, before } = run(steps);
        expect(hot.size).toBe(model.size);
        expect(sorted(shown(hot, before))).toEqual(sorted(model));
        for (const id of model.keys()) {
          const words = new Uint32Array(idWords);
          idOf(id, words);
          expect(hot.find(words)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('gives what is due, the earliest first, those that wait for their hold apart, and returns none in time', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 400 }),
        fc.nat({ max: 1_000 }),
        fc.integer({ min: 1, max: 40 }),
        (steps, time, max) => {
          const { hot, model } = run(steps);
          for (const [heap, flags] of [
            [hot.held, isHeld],
            [hot.unheld, 0],
          ] as const) {
            const expected = [...model.values()]
              .filter((one) => one.flags === flags && one.due <= time)
              .map(({ due }) => due);
            expected.sort((a, b) => a - b);
            const found = hot.dueIn(heap, time, max).map((slot) => hot.due(slot));
            expect(found).toEqual(expected.slice(0, max));
            // Looking changes nothing.
            expect(hot.dueIn(heap, time, max).map((slot) => hot.due(slot))).toEqual(found);
          }
        },
      ),
    );
  });

  test('tells which slips had no event for the longest', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 20 }), (steps, max) => {
        const { hot, model, before } = run(steps);
        const latest = [...model.values()].map(({ offsets }) => offsets.at(-1)!).sort((a, b) => a - b);
        const found = hot.coldest(before, max).map((slot) => hot.offsets(slot, before).at(-1)!);
        expect(found.sort((a, b) => a - b)).toEqual(latest.slice(0, max));
      }),
    );
  });

  test('reads back from a snapshot as it was', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { hot, model, before } = run(steps);
        const again = fromChunks(toChunks(hot), hot.size);
        expect(sorted(shown(again, before))).toEqual(sorted(model));
        expect(again.held.size).toBe(hot.held.size);
        expect(again.unheld.size).toBe(hot.unheld.size);
      }),
    );
  });

  test('reads what earlier releases wrote: field by field, without the stages of slips, and without their ways', () => {
    const words = Buffer.alloc(16);
    for (const [i, word] of idFor(1).entries()) words.writeUInt32LE(word, i * 4);
    const numbers = Buffer.alloc(28);
    for (const [i, number] of [1_000, 2_000, 5].entries()) numbers.writeDoubleLE(number, i * 8);
    numbers.writeUInt32LE(7, 24);
    const [way, stages, end] = [Buffer.alloc(6), Buffer.alloc(5), Buffer.alloc(10)];
    way.writeUInt16LE(2);
    way.writeUInt32LE(77, 2);
    stages.writeUInt8(1);
    stages.writeUInt32LE(99, 1);
    end.writeUInt8(isHeld);
    end.writeUInt8(1, 1);
    end.writeDoubleLE(3, 2);
    for (const [format, parts, ways, limits] of [
      [3, [words, numbers, way, stages, end], [2, 77], [1, 99]],
      [2, [words, numbers, way, end], [2, 77], [0, 0]],
      [1, [words, numbers, end], [0, 0], [0, 0]],
    ] as const) {
      const hot = fromChunks([Buffer.concat(parts)], 1, format);
      const found = hot.find(idFor(1));
      expect(hot.get(found)).toEqual({ ...slip(2_000), flags: isHeld });
      expect(hot.offsets(found, 9)).toEqual([3]);
      expect([hot.way(found), hot.dispatched(found)]).toEqual(ways);
      expect([hot.stages(found), hot.since(found)]).toEqual(limits);
    }
  });

  test('refuses a snapshot of a later release, and one that is cut off', () => {
    expect(() => fromChunks([], 0, 6)).toThrow(RangeError);
    expect(() => fromChunks([Buffer.alloc(slotBytes + 1)], 1)).toThrow(RangeError);
  });

  test('keeps its bytes: what this release writes the next ones must read', () => {
    const hot = new HotSet();
    hot.note(hot.add(idFor(9), slip(1)), 1);
    const slot = hot.add(idFor(1), { ...slip(2_000), flags: isHeld | isInTime });
    for (const offset of [3, 2 ** 32 + 5]) hot.note(slot, offset);
    hot.setWay(slot, 258, 77);
    hot.limitStages(slot, 1, 99);
    hot.remove(hot.find(idFor(9)));
    const [idAndTimes, offsets, rest] = [
      '00000000 00009801 00000000 00000000 00000000 00409f40 00000000 00001440',
      '03000000 05000000 00000000 00000000 00000000 00000000',
      // Grace, dispatched, since, no place in a heap, stages and currency, way, flags, number of offsets.
      '01000000 4d000000 63000000 ffffffff 01070000 0201 03 02',
    ];
    const expected = [idAndTimes, offsets, rest].join('').replaceAll(' ', '');
    expect(toChunks(hot).map((chunk) => chunk.toString('hex'))).toEqual([expected]);
  });

  test('cuts a large snapshot into chunks', () => {
    const hot = new HotSet();
    for (let n = 0; n < 20_000; n++) hot.note(hot.add(idFor(n), slip(n)), n);
    const chunks = toChunks(hot);
    expect(chunks.length).toBeGreaterThan(1);
    expect(shown(fromChunks(chunks, hot.size), 20_000).size).toBe(20_000);
  });

  test('takes a stated number of bytes for each slip', () => {
    const hot = new HotSet();
    let worst = 0;
    for (let n = 0; n < 100_000; n++) {
      hot.add(idFor(n), slip(n));
      if (n > 2_000) worst = Math.max(worst, hot.bytes / hot.size);
    }
    expect(worst).toBeLessThan(108);
    expect(offsetsMax).toBe(6);
  });
});

test('is full until a slip leaves: its room is given again, and the arrays grow no more for it', () => {
  const hot = new HotSet(4);
  const slots = [0, 1, 2, 3].map((n) => hot.add(idFor(n), slip(n)));
  const { bytes } = hot;
  expect(hot.isFull).toBe(true);
  hot.remove(slots[1]!);
  expect(hot.isFull).toBe(false);
  hot.add(idFor(9), slip(9));
  expect([hot.isFull, hot.bytes]).toEqual([true, bytes]);
});

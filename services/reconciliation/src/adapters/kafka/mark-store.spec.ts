import { describe, expect, test } from '@jest/globals';
import { at } from '../../../test/story.ts';
import { judgeable, never } from '../../domain/deadline/judgeable.ts';
import { MarkStore } from './mark-store.ts';

const mark = (seconds: number, offset: number, closed = false) => ({ time: at(seconds), offset, closed });
const read = (nextOffset: number) => new Map([[0, nextOffset]]);

describe('watermarks', () => {
  test('count when everything before their offset was read', () => {
    const marks = new MarkStore();
    marks.note('gateway', 'wall', 0, mark(5, 10));
    expect(judgeable(marks, read(9))).toEqual([]);
    expect(judgeable(marks, read(10))).toMatchObject([{ clock: 'wall', partition: 0, through: at(5) }]);
  });

  test('of an empty partition count from the start', () => {
    const marks = new MarkStore();
    marks.note('gateway', 'wall', 0, mark(5, 0));
    expect(judgeable(marks, read(0))).toMatchObject([{ through: at(5) }]);
  });

  test('are not starved by newer ones that are always a little ahead', () => {
    const marks = new MarkStore();
    let judgedThrough = '';
    for (let second = 1; second <= 100; second++) {
      marks.note('gateway', 'wall', 0, mark(second, second * 10));
      judgedThrough = judgeable(marks, read(second * 10 - 15))[0]?.through ?? judgedThrough;
    }
    expect(judgedThrough).toBe(at(98));
  });

  test('that pile up while nothing is read lose only the middle', () => {
    const marks = new MarkStore();
    for (let second = 1; second <= 1_000; second++) marks.note('gateway', 'wall', 0, mark(second, second));
    expect(judgeable(marks, read(1))[0]!.through).toBe(at(1));
    expect(judgeable(marks, read(1_000))[0]!.through).toBe(at(1_000));
  });

  test('never go back', () => {
    const marks = new MarkStore();
    marks.note('gateway', 'wall', 0, mark(5, 10));
    marks.note('gateway', 'wall', 0, mark(4, 8));
    expect(judgeable(marks, read(20))[0]!.through).toBe(at(5));
  });

  test('of the ledger count for what is not held yet, on the wall clock; imports wait for the answer itself', () => {
    const marks = new MarkStore();
    marks.note('gateway', 'wall', 0, mark(5, 10));
    marks.note('gateway', 'import', 0, mark(5, 10));
    const holds = () => judgeable(marks, read(10)).map(({ clock, holdsThrough }) => [clock, holdsThrough]);
    expect(holds()).toEqual([
      ['wall', never],
      ['import', never],
    ]);
    marks.note('ledger', 'wall', 0, mark(3, 9));
    expect(holds()).toEqual([
      ['wall', at(3)],
      ['import', never],
    ]);
  });

  test('close a clock when the gateway and intake have closed it and both were read', () => {
    const marks = new MarkStore();
    const closed = (nextOffset: number) => judgeable(marks, read(nextOffset))[0]!.closed;
    marks.note('gateway', 'import', 0, mark(5, 10));
    marks.note('gateway', 'import', 0, mark(5, 10, true));
    expect(closed(10)).toBe(false);
    marks.note('intake', 'import', 0, mark(5, 12, true));
    expect(closed(11)).toBe(false);
    expect(closed(12)).toBe(true);
  });
});

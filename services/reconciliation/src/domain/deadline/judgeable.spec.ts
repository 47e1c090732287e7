import { describe, expect, test } from '@jest/globals';
import { at } from '../../../test/story.ts';
import { asClocksAllow, type Judgeable, never } from './judgeable.ts';

const range = (clock: string, more: Partial<Judgeable> = {}): Judgeable => ({
  ...{ partition: 0, clock, through: at(10), holdsThrough: at(9), closed: false },
  ...more,
});

describe('live deadlines', () => {
  test('are judged as the marks say while the clocks agree', () => {
    expect(asClocksAllow([range('wall')], { trouble: null, spreadMs: 0 })).toEqual([range('wall')]);
  });

  test('are judged as much later as the clocks lie apart', () => {
    expect(asClocksAllow([range('wall')], { trouble: null, spreadMs: 1_999.2 })).toEqual([
      range('wall', { through: at(8), holdsThrough: at(7) }),
    ]);
    const unheard = range('wall', { holdsThrough: never });
    expect(asClocksAllow([unheard], { trouble: null, spreadMs: 1_000 })[0]!.holdsThrough).toBe(never);
  });

  test('are not judged at all while the clocks are in trouble; imported ones know no wall clock', () => {
    const ranges = [range('wall'), range('import')];
    expect(asClocksAllow(ranges, { trouble: 'apart', spreadMs: 5_000 })).toEqual([range('import')]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { StreamBroken, StreamPlaces, storedOffsetProblem } from './stream-places.ts';

const answer = (fetchedOffset: number, highWatermark = 1_000) => ({
  partition: 0,
  fetchedOffset,
  highWatermark,
});

describe('the places of a stream', () => {
  it('are gone on from', () => {
    const places = new StreamPlaces();
    places.join(new Map([[0, 10]]));
    places.check(answer(10));
    places.passed(0, 20);
    places.check(answer(20));
    places.check(answer(15));
  });

  it('are not skipped, by as little as one record', () => {
    const places = new StreamPlaces();
    places.join(new Map([[0, 10]]));
    expect(() => places.check(answer(11))).toThrow(StreamBroken);
    expect(() => places.check(answer(30))).toThrow('partition 0: offsets 10 to 29 are gone from the log');
    places.passed(0, 30);
    places.check(answer(30));
  });

  it('end with a log that is shorter', () => {
    const places = new StreamPlaces();
    places.join(new Map([[0, 10]]));
    expect(() => places.check(answer(0, 9))).toThrow('the log ends at 9, before offset 10');
    places.check(answer(0, 10));
  });

  it('are unknown where the group stored none, and after a new assignment', () => {
    const places = new StreamPlaces();
    places.join(new Map([[0, -1]]));
    places.check(answer(500));
    places.passed(0, 600);
    places.join(new Map());
    places.check(answer(900));
  });
});

describe('a stored offset', () => {
  const log = { start: 5, end: 20 };
  it('is gone on from within the log and at its ends', () => {
    for (const offset of [-1, 5, 12, 20]) expect(storedOffsetProblem(0, offset, log)).toBeNull();
    expect(storedOffsetProblem(0, 7, undefined)).toBeNull();
  });

  it('is refused outside of it', () => {
    expect(storedOffsetProblem(3, 4, log)).toBe(
      'partition 3: the group stands at offset 4, but the log begins at 5',
    );
    expect(storedOffsetProblem(3, 21, log)).toBe(
      'partition 3: the group stands at offset 21, but the log ends at 20',
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { MovingPosition, type SourcePosition, succession } from './source-position.ts';

/** Read up to `sequence`; only the newest digests are known, each ten times its number. */
function readTo(sequence: number, incarnation = 7, digestsKnown = 3): SourcePosition {
  const digests = Array.from({ length: digestsKnown }, (_, i) => (sequence - digestsKnown + 1 + i) * 10);
  return { incarnation, sequence, digests };
}

const follows = (known: SourcePosition | undefined, sequence: number, incarnation: number, digest: number) =>
  succession(known, { sequence, incarnation, digest });

describe('what a record is to what was read of its source', () => {
  it.each([
    ['the very first', undefined, 1, 0, 'next'],
    ['the first of a source that has an incarnation', undefined, 1, 7, 'next'],
    ['the next', readTo(5), 6, 7, 'next'],
    ['the next after numbers without incarnation', readTo(5, 0), 6, 7, 'next'],
    ['the next in a later incarnation', readTo(5), 6, 9, 'next'],
    ['the next but one', readTo(5), 7, 7, 'lost'],
    ['a later incarnation that leaves a number out', readTo(5), 7, 9, 'lost'],
    ['an earlier incarnation that speaks on', readTo(5), 6, 6, 'fork'],
    ['an event without incarnation after one with', readTo(5), 6, 0, 'fork'],
  ])('%s', (_, known, sequence, incarnation, kind) => {
    expect(follows(known, sequence, incarnation, 1).kind).toBe(kind);
  });

  it.each([
    ['the last, with its bytes', 5, 7, 50, 'resent'],
    ['the last, with other bytes', 5, 7, 51, 'fork'],
    ['the oldest that is known, with its bytes', 3, 7, 30, 'resent'],
    ['the oldest that is known, with other bytes', 3, 7, 50, 'fork'],
    ['one whose bytes are not known any more', 2, 7, 1, 'resent'],
    ['a taken number in a later incarnation, though the bytes were the same', 5, 9, 50, 'fork'],
    ['a copy of an earlier incarnation with its bytes', 4, 6, 40, 'resent'],
    ['an earlier incarnation’s with other bytes', 4, 6, 41, 'fork'],
    ['an earlier incarnation’s that nothing is known of', 2, 6, 20, 'fork'],
  ])('a number again: %s', (_, sequence, incarnation, digest, kind) => {
    expect(follows(readTo(5), sequence, incarnation, digest).kind).toBe(kind);
  });

  it('knows nothing of bytes that nobody kept, as after an upgrade', () => {
    expect(follows(readTo(5, 0, 0), 5, 0, 1).kind).toBe('resent');
  });

  it('says what forks', () => {
    expect(follows(readTo(5), 5, 7, 51)).toMatchObject({
      why: 'a fork: its bytes are not those seen under this number after 5 of incarnation 7',
    });
  });
});

describe('a position that moves', () => {
  it('leaves the one before alone, and keeps the newest digests', () => {
    const before = readTo(5);
    const moving = new MovingPosition(before);
    for (let i = 0; i < 2_000; i++) moving.move(9, i);
    expect(before).toEqual(readTo(5));
    const { incarnation, sequence, digests } = moving.settled();
    expect([incarnation, sequence, digests.length, digests.at(-1)]).toEqual([9, 2_005, 1_024, 1_999]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { encodeTick, type Tick, tickKey } from '@slipstream/contracts';
import { TickBook } from './tick-book.ts';

const source = '/slipstream/intake';
const mark = (partition: number, second: number, offset: number) => ({
  partition,
  time: `2026-11-22T10:00:${String(second).padStart(2, '0')}.000000Z`,
  offset: BigInt(offset),
});

function setUp() {
  const time = { ms: 0 };
  const book = new TickBook(() => time.ms);
  const put = (marks: Tick['marks'], { clock = 'wall', closed = false, ageMs = 0 } = {}) => {
    const value = Buffer.from(encodeTick({ source, clock, marks, closed }));
    return book.apply(tickKey(source, clock), value, { appendedMs: 1_000 - ageMs, nowMs: 1_000 });
  };
  return { book, put, time };
}

describe('TickBook', () => {
  it('keeps the latest tick of each source and clock', () => {
    const { book, put } = setUp();
    put([mark(0, 1, 10), mark(1, 1, 7)]);
    put([mark(0, 2, 12), mark(1, 2, 7)]);
    put([mark(0, 1, 3)], { clock: 'import-1' });
    expect(book.latest(source, 'wall')!.marks).toEqual([mark(0, 2, 12), mark(1, 2, 7)]);
    expect(book.clocks()).toEqual(['wall', 'import-1']);
    expect(book.latest('/slipstream/ledger', 'wall')).toBeUndefined();
  });

  it('takes no tick of a stranger, nor one under another key', () => {
    const { book } = setUp();
    const at = { appendedMs: 1_000, nowMs: 1_000 };
    const of = (from: string) =>
      Buffer.from(encodeTick({ source: from, clock: 'wall', marks: [mark(0, 1, 1)], closed: false }));
    expect(() => book.apply(tickKey('/somebody', 'wall'), of('/somebody'), at)).toThrow(
      /no tick of \/somebody/,
    );
    expect(() => book.apply(tickKey(source, 'other'), of(source), at)).toThrow(/undecodable_record/);
    expect(book.clocks()).toEqual([]);
    expect(book.apply(tickKey(source, 'wall'), of(source), at)).not.toBeNull();
  });

  it('never lets a mark go back', () => {
    const { book, put } = setUp();
    put([mark(0, 5, 50), mark(1, 5, 50)]);
    expect(put([mark(0, 4, 40), mark(1, 4, 40)])).toBeNull();
    const merged = put([mark(0, 4, 40), mark(1, 6, 60)]);
    expect(merged!.marks).toEqual([mark(0, 5, 50), mark(1, 6, 60)]);
    expect(put([mark(0, 5, 49)])).toBeNull();
    expect(book.latest(source, 'wall')).toEqual(merged);
  });

  it('keeps a clock closed once it was closed', () => {
    const { put } = setUp();
    put([mark(0, 5, 50)], { closed: true });
    expect(put([mark(0, 6, 50)])!.closed).toBe(true);
  });

  it('forgets a clock at its tombstone', () => {
    const { book, put } = setUp();
    put([mark(0, 1, 1)], { clock: 'import-1' });
    expect(book.apply(tickKey(source, 'import-1'), null, { appendedMs: 0, nowMs: 0 })).toBeNull();
    expect(book.clocks()).toEqual([]);
  });

  it('tells how long ago a source last spoke, the record’s own age included', () => {
    const { book, put, time } = setUp();
    expect(book.ageMs(source, 'wall')).toBe(Number.POSITIVE_INFINITY);
    put([mark(0, 1, 1)], { ageMs: 400 });
    time.ms = 250;
    expect(book.ageMs(source, 'wall')).toBe(650);
  });

  it('refuses what is no tick', () => {
    const { book } = setUp();
    expect(() => book.apply('k', Buffer.from('nonsense'), { appendedMs: 0, nowMs: 0 })).toThrow(
      /undecodable_record/,
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { encodeTick, tickKey } from '@slipstream/contracts';
import { addMs, instantFromMs } from '@slipstream/kernel';
import { TickBook } from './tick-book.ts';

const source = '/slipstream/intake';

/** Ticks of a source whose clock is `aheadMs` ahead, each `delayMs` on its way; time passes as told. */
function setUp() {
  const time = { ms: 1_000_000 };
  const book = new TickBook(() => time.ms);
  const tick = (
    aheadMs: number,
    delayMs: number,
    more: { markMs?: number; ageMs?: number; sentInMs?: number } = {},
  ) => {
    const reading = instantFromMs(time.ms - delayMs + aheadMs);
    const marks = [{ partition: 0, time: addMs(reading, more.markMs ?? 0), offset: 1n }];
    const { sentInMs = 0 } = more;
    const value = Buffer.from(encodeTick({ source, clock: 'wall', marks, closed: false, reading, sentInMs }));
    book.apply(tickKey(source, 'wall'), value, { appendedMs: time.ms, nowMs: time.ms + (more.ageMs ?? 0) });
  };
  const skewMs = () => book.sourceClock(source, 'wall').skewMs;
  return { book, tick, time, skewMs };
}

describe('the skew of a clock', () => {
  it('is unknown while the source does not say', () => {
    const { book, skewMs } = setUp();
    const value = Buffer.from(encodeTick({ source, clock: 'wall', marks: [], closed: false }));
    book.apply(tickKey(source, 'wall'), value, { appendedMs: 5, nowMs: 5 });
    expect(skewMs()).toBeNull();
  });

  it('is what the quickest tick says: slow ones look like no skew', () => {
    const { tick, skewMs } = setUp();
    for (const delayMs of [4_000, 3, 900]) tick(0, delayMs);
    expect(skewMs()).toBe(-3);
  });

  it('is told from a broker that is always slow by what the way there takes', () => {
    const { tick, time, skewMs } = setUp();
    for (const delayMs of [4_000, 4_050, 3_990]) tick(0, delayMs, { sentInMs: 4_010 });
    expect(skewMs()).toBe(-0);
    time.ms += 20_000;
    tick(-60_000, 4_000, { sentInMs: 4_010 });
    expect(skewMs()).toBe(-59_990);
    tick(10_000, 4_000, { sentInMs: 4_010 });
    expect(skewMs()).toBe(6_000);
  });

  it('is seen at once when the clock goes ahead, and for a while after it was put right', () => {
    const { tick, time, skewMs } = setUp();
    tick(0, 5);
    tick(60_000, 5);
    expect(skewMs()).toBe(59_995);
    time.ms += 9_000;
    tick(0, 5);
    expect(skewMs()).toBe(59_995);
    time.ms += 2_000;
    tick(0, 5);
    expect(skewMs()).toBe(-5);
  });

  it('is seen behind when no tick of the window says otherwise', () => {
    const { tick, time, skewMs } = setUp();
    tick(0, 5);
    time.ms += 5_000;
    tick(-3_000, 5);
    expect(skewMs()).toBe(-5);
    time.ms += 6_000;
    tick(-3_000, 5);
    expect(skewMs()).toBe(-3_005);
  });

  it('is seen behind at once when the clock goes back, and a tick that is overtaken by another is no step', () => {
    const { tick, time, skewMs } = setUp();
    tick(0, 5);
    tick(0, 1_004);
    expect(skewMs()).toBe(-5);
    time.ms += 5_000;
    tick(-10_000, 5);
    expect(skewMs()).toBe(-10_005);
    // Put right: nothing says any more that it lies behind.
    time.ms += 1_000;
    tick(0, 5);
    expect(skewMs()).toBe(-5);
  });

  it('is the same when ticks are read again', () => {
    const { book, tick, time, skewMs } = setUp();
    const marks = [{ partition: 0, time: instantFromMs(time.ms - 30_000), offset: 1n }];
    tick(0, 5);
    const old = { source, clock: 'wall', marks, closed: false, reading: instantFromMs(time.ms - 30_000) };
    const at = { appendedMs: time.ms - 20_000, nowMs: time.ms };
    book.apply(tickKey(source, 'wall'), Buffer.from(encodeTick(old)), at);
    expect(skewMs()).toBe(-5);
  });

  it('says nothing about now when it was measured long ago', () => {
    const { tick, time, skewMs } = setUp();
    tick(60_000, 5);
    time.ms += 61_000;
    expect(skewMs()).toBeNull();
  });

  it('shows a clock that stepped back behind what was vouched for', () => {
    const { book, tick } = setUp();
    tick(0, 5, { markMs: 600_000 });
    tick(0, 5);
    expect(book.sourceClock(source, 'wall').steppedBackMs).toBe(600_000);
  });
});

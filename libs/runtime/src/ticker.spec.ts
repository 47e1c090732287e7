import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { decodeTick, sources, type Tick } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Watermark } from '@slipstream/postgres';
import { busyMs, heartbeatMs, lineTickMs, tickMs, waitedLongTickMs } from './tick-pace.ts';
import { Ticker, type TickerOptions } from './ticker.ts';

const t0: Instant = '2026-11-22T10:00:00.000000Z';
const wall: Watermark = {
  clock: 'wall',
  closed: false,
  marks: [
    { partition: 0, time: t0, offset: 4n },
    { partition: 1, time: addMs(t0, -5), offset: 9n },
  ],
};
const ended: Watermark = { clock: 'import', closed: true, marks: [{ partition: 0, time: t0, offset: 4n }] };

function setUp(watermarks: readonly Watermark[], more: Partial<TickerOptions> = {}) {
  const sent: Tick[] = [];
  const said: string[] = [];
  const closed: string[] = [];
  const ticker = new Ticker({
    source: sources.gateway,
    clock: {
      read: async () => ({ reading: t0, watermarks }),
      said: (all) => void said.push(...all.map(({ clock }) => clock)),
    },
    leads: () => true,
    isHeldBack: () => false,
    send: async (records) => {
      sent.push(...records.map(({ value }) => decodeTick(value)));
    },
    awaited: () => null,
    behindMs: () => 0,
    open: async () => false,
    onClosed: async (clocks) => void closed.push(...clocks),
    onError: (error) => {
      throw error;
    },
    ...more,
  });
  return { ticker, sent, said, closed };
}

describe('a tick', () => {
  test('tells the marks, the clock they were read by, and what the source waits for', async () => {
    const awaits = addMs(t0, 7_000);
    const waits = [{ route: 'default', waitMs: 2_500 }];
    const { ticker, sent } = setUp([wall], {
      ...{ awaits: async () => awaits, behindMs: () => 300, waits: async () => waits },
    });
    expect(await ticker.tick()).toBe(lineTickMs);
    const measured = { reading: t0, awaits, sentInMs: 0, behindMs: 300, waits, silentMs: 0 };
    expect(sent).toEqual([{ source: sources.gateway, ...wall, ...measured }]);
  });

  test('tells how long the one before was on its way: that much of its delay is no skew', async () => {
    const world = { ms: 0 };
    const { ticker, sent } = setUp([wall], {
      monotonicMs: () => world.ms,
      awaits: async () => {
        world.ms += 4_000;
        return null;
      },
    });
    await ticker.tick();
    await ticker.tick();
    expect(sent.map(({ sentInMs }) => sentInMs)).toEqual([0, 4_000]);
  });

  test('tells how long nothing was said when it comes too late, whoever spoke last', async () => {
    const world = { nowMs: 0, spokenMs: null as number | null };
    const { ticker, sent } = setUp([], {
      clock: { read: async () => ({ reading: addMs(t0, world.nowMs), watermarks: [wall] }), said: () => {} },
      spoken: () => (world.spokenMs === null ? null : addMs(t0, world.spokenMs)),
    });
    const tickAt = async (nowMs: number, spokenMs: number | null = world.spokenMs) => {
      Object.assign(world, { nowMs, spokenMs });
      await ticker.tick();
      return sent.at(-1)!.silentMs;
    };
    expect(await tickAt(0)).toBe(0);
    expect(await tickAt(5_000)).toBe(0);
    expect(await tickAt(14_000)).toBe(9_000);
    // Another instance spoke meanwhile.
    expect(await tickAt(30_000, 27_000)).toBe(0);
    expect(await tickAt(60_000, 50_000)).toBe(10_000);
  });

  test('is not told while something that was read cannot be written; the next one tells of that time', async () => {
    const world = { nowMs: 0, isHeldBack: false };
    const { ticker, sent } = setUp([wall], {
      clock: { read: async () => ({ reading: addMs(t0, world.nowMs), watermarks: [wall] }), said: () => {} },
      isHeldBack: () => world.isHeldBack,
    });
    await ticker.tick();
    Object.assign(world, { nowMs: 5_000, isHeldBack: true });
    expect(await ticker.tick()).toBe(busyMs);
    expect(sent).toHaveLength(1);
    Object.assign(world, { nowMs: 9_000, isHeldBack: false });
    await ticker.tick();
    expect(sent.at(-1)!.silentMs).toBe(9_000);
  });

  test('tells also of the time in which nobody ran', async () => {
    const { ticker, sent } = setUp([wall], { spoken: () => addMs(t0, -8_000) });
    await ticker.tick();
    expect(sent[0]!.silentMs).toBe(8_000);
  });

  test('looks at the lines once a second, and twice while there are any; between two looks those who stand in them age', async () => {
    const world = { ms: 5_000, looks: 0, inLine: false };
    const waits = async () => {
      world.looks += 1;
      return world.inLine ? [{ route: 'default', waitMs: 10 * world.looks }] : [];
    };
    const { ticker, sent } = setUp([wall], { monotonicMs: () => world.ms, waits });
    const tickAt = async (ms: number) => {
      world.ms = ms;
      const nextInMs = await ticker.tick();
      return { looks: world.looks, nextInMs, waitMs: sent.at(-1)!.waits[0]?.waitMs };
    };
    expect(await tickAt(5_000)).toEqual({ looks: 1, nextInMs: heartbeatMs });
    world.inLine = true;
    expect(await tickAt(5_999)).toEqual({ looks: 1, nextInMs: heartbeatMs });
    expect(await tickAt(6_000)).toEqual({ looks: 2, nextInMs: lineTickMs, waitMs: 20 });
    expect(await tickAt(6_499)).toEqual({ looks: 2, nextInMs: lineTickMs, waitMs: 519 });
    expect(await tickAt(6_500)).toEqual({ looks: 3, nextInMs: lineTickMs, waitMs: 30 });
  });

  test('counts as said when it was sent, not when sending failed', async () => {
    const failing = setUp([ended], { send: () => Promise.reject(new Error('no broker')) });
    await expect(failing.ticker.tick()).rejects.toThrow('no broker');
    expect([failing.said, failing.closed]).toEqual([[], []]);
    const { ticker, said, closed } = setUp([wall, ended]);
    await ticker.tick();
    expect(said).toEqual(['wall', 'import']);
    expect(closed).toEqual(['import']);
  });

  test('is the leader’s alone', async () => {
    const { ticker, sent } = setUp([wall], { leads: () => false });
    expect(await ticker.tick()).toBe(busyMs);
    expect(sent).toEqual([]);
  });

  test('is followed soon by another while a partition is behind what somebody waits for', async () => {
    const awaiting = (awaited: Instant) => setUp([wall], { awaited: () => awaited }).ticker.tick();
    expect(await awaiting(t0)).toBe(tickMs);
    expect(await awaiting(addMs(t0, -5))).toBe(heartbeatMs);
  });

  test('asks what is open only while nobody says what he waits for', async () => {
    let asked = 0;
    const open = async () => {
      asked += 1;
      return true;
    };
    await setUp([wall], { open }).ticker.tick();
    expect(asked).toBe(0);
    expect(await setUp([wall], { open, awaited: () => undefined }).ticker.tick()).toBe(waitedLongTickMs);
    expect(asked).toBe(1);
  });
});

describe('what could not be asked', () => {
  test.each(['open', 'waits'] as const)('is asked again with the next tick: %s', async (what) => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      if (asked === 1) throw new Error('no database');
      return what === 'open' ? false : [];
    };
    const { ticker } = setUp([wall], { monotonicMs: () => 5_000, awaited: () => undefined, [what]: ask });
    await expect(ticker.tick()).rejects.toThrow('no database');
    await ticker.tick();
    expect(asked).toBe(2);
    // Within the time for which an answer is good nobody asks once more.
    await ticker.tick();
    expect(asked).toBe(2);
  });
});

describe('ticks come', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** Starts a ticker whose database's clock goes with the fake one. Gives when it ticked, in milliseconds. */
  async function started(more: Partial<TickerOptions> = {}) {
    const startMs = performance.now();
    const sinceMs = () => Math.round(performance.now() - startMs);
    const world = { awaited: null as Instant | null, vouchedMs: Number.POSITIVE_INFINITY };
    const at: number[] = [];
    const { ticker } = setUp([], {
      clock: {
        read: async () => {
          const marks = [{ partition: 0, time: addMs(t0, Math.min(sinceMs(), world.vouchedMs)), offset: 4n }];
          return { reading: addMs(t0, sinceMs()), watermarks: [{ clock: 'wall', closed: false, marks }] };
        },
        said: () => {},
      },
      send: async () => void at.push(sinceMs()),
      awaited: () => world.awaited,
      ...more,
    });
    await ticker.start();
    await jest.advanceTimersByTimeAsync(10);
    return { ticker, at, world };
  }

  test('as a sign of life while nothing happens: twelve in a minute', async () => {
    const { ticker, at } = await started();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(at).toHaveLength(13);
    await ticker.stop();
  });

  test('at once when something happens after a quiet time, and once a second however much happens', async () => {
    const { ticker, at } = await started();
    await jest.advanceTimersByTimeAsync(3_000);
    for (let n = 0; n < 200; n++) {
      ticker.happened();
      await jest.advanceTimersByTimeAsync(20);
    }
    await jest.advanceTimersByTimeAsync(4_000);
    expect(at.slice(1).map((ms) => Math.round(ms / 100) * 100)).toEqual([3_000, 4_000, 5_000, 6_000, 7_000]);
    await ticker.stop();
  });

  test('also for what happens while one is on its way', async () => {
    const sending = Promise.withResolvers<void>();
    let sent = 0;
    const { ticker } = await started({ send: () => (sent++ === 0 ? sending.promise : Promise.resolve()) });
    ticker.happened();
    sending.resolve();
    await jest.advanceTimersByTimeAsync(busyMs);
    expect(sent).toBe(2);
    await ticker.stop();
  });

  test('when the time comes that somebody waits for, though he said so after the last one', async () => {
    const { ticker, at, world } = await started();
    world.vouchedMs = 3_499;
    await jest.advanceTimersByTimeAsync(990);
    world.awaited = addMs(t0, 3_500);
    ticker.awaitedChanged();
    await jest.advanceTimersByTimeAsync(2_600);
    // Meanwhile once a second, as near as that time is.
    const seconds = at.slice(1).filter((ms) => ms < 3_500);
    expect(seconds.map((ms) => Math.round(ms / 100) * 100)).toEqual([2_000, 3_000]);
    expect(at.filter((ms) => ms >= 3_500 && ms <= 3_600).length).toBeGreaterThanOrEqual(2);
    await ticker.stop();
  });
});

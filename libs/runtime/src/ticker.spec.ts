import { describe, expect, test } from '@jest/globals';
import { decodeTick, sources, type Tick } from '@slipstream/contracts';
import { addMs, type Instant } from '@slipstream/kernel';
import type { Watermark } from '@slipstream/postgres';
import { heartbeatMs, tickMs } from './tick-pace.ts';
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
    send: async (records) => {
      sent.push(...records.map(({ value }) => decodeTick(value)));
    },
    awaited: () => null,
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
    const { ticker, sent } = setUp([wall], { awaits: async () => awaits });
    expect(await ticker.tick()).toBe(heartbeatMs);
    expect(sent).toEqual([{ source: sources.gateway, ...wall, reading: t0, awaits, sentInMs: 0 }]);
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
    expect(await ticker.tick()).toBe(heartbeatMs);
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
    expect(await setUp([wall], { open, awaited: () => undefined }).ticker.tick()).toBe(tickMs);
    expect(asked).toBe(1);
  });
});

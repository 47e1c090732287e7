import { beforeEach, describe, expect, it } from '@jest/globals';
import { Watchdog, type WatchedPartition } from './watchdog.ts';

const intervalMs = 10_000;
let nowMs: number;
let partitions: WatchedPartition[] | null;
let ends: Map<number, { start: number; end: number }>;
let stalls: string[];
let tooShort: number[];
let watchdog: Watchdog;

const at = (partition: number, reached: number, expectedToMove = true) => ({
  partition,
  reached,
  expectedToMove,
});
const check = async (times: number, between: () => void = () => {}) => {
  for (let i = 0; i < times; i++) {
    await watchdog.check();
    between();
    nowMs += intervalMs;
  }
};

beforeEach(() => {
  nowMs = 0;
  stalls = [];
  tooShort = [];
  partitions = [at(0, 5)];
  ends = new Map([[0, { start: 0, end: 100 }]]);
  watchdog = new Watchdog({
    intervalMs,
    stallMs: 30_000,
    partitions: () => partitions,
    logBounds: async () => ends,
    onLag: () => {},
    onLogTooShort: (partition) => tooShort.push(partition),
    onStall: (error) => stalls.push(error.message),
    monotonicMs: () => nowMs,
  });
});

describe('Watchdog', () => {
  it('ends a consumer that stands still for 30 s while records wait', async () => {
    await check(3);
    expect(stalls).toEqual([]);
    await check(1);
    expect(stalls).toEqual(['no batch ended for 30000 ms while 95 records wait']);
  });

  it('leaves alone a consumer that moves, however slowly', async () => {
    let reached = 5;
    await check(20, () => {
      partitions = [at(0, ++reached)];
    });
    expect(stalls).toEqual([]);
  });

  it('leaves alone a consumer that keeps up, though at every look a record has just come', async () => {
    const reached = [0, 0, 0];
    let look = 0;
    const show = () => {
      const lagging = look++ % 3;
      partitions = reached.map((offset, partition) => at(partition, offset));
      ends = new Map(reached.map((end, n) => [n, { start: 0, end: end + (n === lagging ? 1 : 0) }]));
      reached[lagging]! += 1;
    };
    show();
    await check(30, show);
    expect(stalls).toEqual([]);
  });

  it('forgets a partition that became another member’s while records waited', async () => {
    partitions = [at(0, 5), at(1, 5)];
    ends.set(1, { start: 0, end: 1_000 });
    await check(1);
    let reached = 5;
    const show = () => {
      partitions = [at(1, ++reached)];
    };
    show();
    await check(20, show);
    expect(stalls).toEqual([]);
  });

  it('leaves alone a consumer with nothing to do, and a partition that waits for a known reason', async () => {
    partitions = [at(0, 100)];
    await check(10);
    partitions = [at(0, 5, false)];
    await check(10);
    expect(stalls).toEqual([]);
  });

  it('finds the one partition that stands still among others that move', async () => {
    let reached = 0;
    ends.set(1, { start: 0, end: 1_000 });
    await check(14, () => {
      partitions = [at(0, 5), at(1, ++reached)];
    });
    expect(stalls[0]).toBe('partition 0 stands at offset 5 though records wait');
  });

  it('tells when the log is shorter than what was handled', async () => {
    partitions = [at(0, 101)];
    await check(1);
    expect(tooShort).toEqual([0]);
  });

  it('ends a consumer that is no member of its group for a minute', async () => {
    partitions = null;
    await check(6);
    expect(stalls).toEqual([]);
    await check(1);
    expect(stalls).toHaveLength(1);
  });

  it('forgives the time the process itself was stopped', async () => {
    await check(2);
    nowMs += 60_000;
    await check(3);
    expect(stalls).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { every, Loop, type LoopOptions, slowingDown } from './loop.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** A started loop whose rounds are counted: every 500 ms, or at once after 20 ms when woken. */
async function counting(more: Partial<LoopOptions> = {}) {
  const rounds: boolean[] = [];
  const errors: unknown[] = [];
  const loop = new Loop({
    name: 'counting',
    pauseMs: 20,
    onError: (error) => errors.push(error),
    ...more,
    round: async (woken) => {
      rounds.push(woken);
      return more.round ? more.round(woken) : 500;
    },
  });
  await loop.start();
  await pass(0);
  return { loop, rounds, errors };
}

/** Work that ends when it is told to. */
function held() {
  let end = () => {};
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work, end: () => end() };
}

describe('a loop', () => {
  test('runs a round at its start and then as often as the rounds say', async () => {
    const { loop, rounds } = await counting();
    expect(rounds).toEqual([false]);
    await pass(499);
    expect(rounds).toHaveLength(1);
    await pass(1);
    expect(rounds).toEqual([false, false]);
    await loop.stop();
  });

  test('waits for a wake alone when a round says so', async () => {
    const { loop, rounds } = await counting({ round: async () => null });
    await pass(1e9);
    expect(rounds).toHaveLength(1);
    loop.wake();
    await pass(0);
    expect(rounds).toEqual([false, true]);
    await loop.stop();
  });

  test('lets wakes that come close together share a round', async () => {
    const { loop, rounds } = await counting();
    loop.wake();
    await pass(19);
    loop.wake();
    expect(rounds).toHaveLength(1);
    await pass(1);
    expect(rounds).toEqual([false, true]);
    await pass(499);
    expect(rounds).toHaveLength(2);
    await loop.stop();
  });

  test('sees a wake that came while a round ran', async () => {
    const first = held();
    const { loop, rounds } = await counting({ round: () => first.work.then(() => 500) });
    loop.wake();
    first.end();
    await pass(20);
    expect(rounds).toEqual([false, true]);
    await loop.stop();
  });

  test('ends after the round that runs, and drained waits for what was started too', async () => {
    const [round, started] = [held(), held()];
    const { loop, rounds } = await counting({
      round: () => round.work.then(() => 0),
      settle: () => started.work,
    });
    let drained = false;
    const drain = loop.drain().then(() => {
      drained = true;
    });
    await pass(10_000);
    expect(drained).toBe(false);
    round.end();
    await pass(10_000);
    expect(drained).toBe(false);
    started.end();
    await drain;
    expect(rounds).toHaveLength(1);
  });

  test('ends a wait of any kind when it is stopped', async () => {
    for (const round of [async () => 500, async () => null, () => Promise.reject(new Error('away'))]) {
      const { loop, rounds } = await counting({ round });
      await loop.stop();
      expect(rounds).toHaveLength(1);
    }
  });

  test('tries a failed round again, later each time, however often it is woken', async () => {
    let isAway = true;
    const { loop, rounds, errors } = await counting({
      round: async () => {
        if (isAway) throw new Error('away');
        return 500;
      },
    });
    for (let ms = 0; ms < 99; ms++) {
      loop.wake();
      await pass(1);
    }
    expect(rounds).toHaveLength(1);
    expect(loop.health()).toEqual({ ok: true, detail: 'failed 1 times in a row: away' });
    await pass(10_000);
    // At least 10, had every wait been the longest; at most as many as with the shortest.
    expect(rounds.length).toBeGreaterThan(5);
    expect(rounds.length).toBeLessThan(15);
    expect(errors).toHaveLength(rounds.length);
    expect(loop.health().ok).toBe(false);
    isAway = false;
    await pass(2_000);
    expect(loop.health()).toEqual({ ok: true });
    await loop.stop();
  });
});

describe('the pace of rounds', () => {
  test('every: always the same', async () => {
    const round = every(300, async () => {});
    expect([await round(false), await round(true)]).toEqual([300, 300]);
  });

  test('slowing down: close together after work or a wake, then ever farther apart', async () => {
    let done = 0;
    const round = slowingDown({ minMs: 5, maxMs: 30 }, async () => done);
    const idle = async () => [await round(false), await round(false), await round(false), await round(false)];
    expect(await idle()).toEqual([5, 10, 20, 30]);
    expect(await round(true)).toBe(5);
    expect(await idle()).toEqual([10, 20, 30, 30]);
    done = 1;
    expect([await round(false), await round(false)]).toEqual([5, 5]);
    done = 0;
    expect(await round(false)).toBe(10);
  });
});

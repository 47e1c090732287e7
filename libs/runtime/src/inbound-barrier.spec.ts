import { describe, expect, test } from '@jest/globals';
import { InboundBarrier } from './inbound-barrier.ts';

const at = (second: number) => `2026-11-22T10:00:${String(second).padStart(2, '0')}.000000Z`;

/** A broker whose topic ends where told, and a database with its clock and the group's positions. */
function setUp() {
  const world = { second: 1, ends: [] as [number, number][], positions: [] as [number, number][] };
  const calls: string[] = [];
  const barrier = new InboundBarrier(
    {
      ends: async () => {
        calls.push('ends');
        return new Map(world.ends);
      },
      query: async <Row>(sql: string) => {
        calls.push(sql.includes('clock_timestamp') ? 'clock' : 'positions');
        if (sql.includes('clock_timestamp')) return [{ at: at(world.second) }] as Row[];
        return world.positions.map(([partition, next]) => ({
          partition,
          next_offset: String(next),
        })) as Row[];
      },
    },
    { topic: 'inbound', group: 'group' },
  );
  return { world, calls, barrier };
}
const never = '0001-01-01T00:00:00.000000Z';

describe('an inbound topic is handled', () => {
  test('until now when it is empty', async () => {
    const { barrier } = setUp();
    expect(await barrier.bound()).toBe(at(1));
  });

  test('not while a single record of one partition is unread', async () => {
    const { world, barrier } = setUp();
    world.ends = [
      [0, 5],
      [1, 9],
    ];
    world.positions = [
      [0, 5],
      [1, 8],
    ];
    expect(await barrier.bound()).toBe(never);
    world.positions = [
      [0, 5],
      [1, 9],
    ];
    expect(await barrier.bound()).toBe(at(1));
  });

  test('not while nothing was read of a partition that holds records', async () => {
    const { world, barrier } = setUp();
    world.ends = [[3, 1]];
    expect(await barrier.bound()).toBe(never);
  });

  test('until the time before the end was looked up: what came after it does not count', async () => {
    const { world, calls, barrier } = setUp();
    world.ends = [[0, 5]];
    world.positions = [[0, 4]];
    await barrier.bound();
    expect(calls.slice(0, 2)).toEqual(['clock', 'ends']);
    Object.assign(world, { second: 7, ends: [[0, 50]], positions: [[0, 5]] });
    expect(await barrier.bound()).toBe(at(1));
    expect(await barrier.bound()).toBe(at(1));
    world.positions = [[0, 50]];
    expect(await barrier.bound()).toBe(at(7));
  });

  test('never earlier than it was said to be', async () => {
    const { world, barrier } = setUp();
    await barrier.bound();
    world.ends = [[0, 1]];
    expect(await barrier.bound()).toBe(at(1));
  });
});

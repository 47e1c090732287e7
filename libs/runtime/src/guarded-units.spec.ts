import { beforeEach, expect, test } from '@jest/globals';
import type { EventWalk, PartitionPosition, Span, UnitHandler } from '@slipstream/kafka';
import type { Tx } from '@slipstream/postgres';
import { GuardedUnits } from './guarded-units.ts';

const event = {} as EventWalk;
const spanOf = (partition: number) => ({ position: { partition } as PartitionPosition }) as Span;
const tx = {} as Tx;

/** Says what it was asked to do. */
function handler(name: string, said: string[]): UnitHandler<Tx> {
  return {
    open: async ({ partition }) => void said.push(`${name} opens ${partition}`),
    close: (partition) => void said.push(`${name} closes ${partition}`),
    begin: (partition) => void said.push(`${name} begins ${partition}`),
    take: (partition) => said.push(`${name} takes ${partition}`) > 0,
    unit: (spans) => {
      const partitions = spans.map(({ position }) => position.partition).join(' ');
      return {
        prepare: async () => void said.push(`${name} prepares ${partitions}`),
        write: async () => void said.push(`${name} writes ${partitions}`),
        committed: () => void said.push(`${name} has ${partitions}`),
      };
    },
  };
}

let said: string[];
let state: Map<number, 'open' | 'older' | 'closed'>;
let units: GuardedUnits;

beforeEach(() => {
  said = [];
  state = new Map();
  const guard = {
    pass: (partition: number) => {
      if (state.get(partition) !== 'open') throw new Error(`${partition} is ${state.get(partition)}`);
    },
    isOlder: (partition: number) => state.get(partition) === 'older',
  };
  units = new GuardedUnits(handler('follower', said), handler('folder', said), guard);
});

function take(partition: number) {
  units.begin(partition);
  units.take(partition, event);
}

test('given an open partition and an older one, each is written by its own handler, in one unit', async () => {
  state.set(1, 'open').set(2, 'older');
  take(1);
  take(2);
  const work = units.unit([spanOf(1), spanOf(2)]);
  await work.prepare?.();
  await work.write(tx);
  work.committed?.();
  expect(said).toEqual([
    ...['follower begins 1', 'follower takes 1', 'folder begins 2', 'folder takes 2'],
    ...['folder prepares 2', 'follower prepares 1', 'folder writes 2', 'follower writes 1'],
    ...['folder has 2', 'follower has 1'],
  ]);
});

test('given a partition that is closed and not older, none of its records is taken', () => {
  state.set(1, 'closed');
  expect(() => units.begin(1)).toThrow('1 is closed');
  expect(said).toEqual([]);
});

test('given nobody who folds back, an older partition takes nothing', () => {
  state.set(1, 'older');
  const guard = {
    pass: () => {
      throw new Error('closed');
    },
    isOlder: () => true,
  };
  expect(() => new GuardedUnits(handler('follower', said), null, guard).begin(1)).toThrow('closed');
});

test('what was taken to be folded back is not written once the partition is open: it has to be followed', async () => {
  state.set(2, 'older');
  take(2);
  const work = units.unit([spanOf(2)]);
  state.set(2, 'open');
  await expect(work.write(tx)).rejects.toThrow('was opened');
  expect(said).not.toContain('folder writes 2');
  take(2);
  await units.unit([spanOf(2)]).write(tx);
  expect(said.at(-1)).toBe('follower writes 2');
});

test('the lane hears what its handler asks for, and of several units at once where both handlers can', () => {
  const wish = { ...handler('follower', said), recordsMax: 7, patienceMs: 30, unitsAtOnce: 2 };
  const guard = { pass: () => {}, isOlder: () => false };
  expect(new GuardedUnits(wish, null, guard)).toMatchObject({
    recordsMax: 7,
    patienceMs: 30,
    unitsAtOnce: 2,
  });
  expect(new GuardedUnits(wish, wish, guard).unitsAtOnce).toBe(2);
  expect(new GuardedUnits(wish, handler('folder', said), guard).unitsAtOnce).toBe(1);
  expect(units.unitsAtOnce).toBe(1);
});

test('both handlers hear of a partition that comes and goes', async () => {
  await units.open({ partition: 3 } as PartitionPosition);
  units.close(3);
  expect(said).toEqual(['follower opens 3', 'folder opens 3', 'follower closes 3', 'folder closes 3']);
});

import { expect, test } from '@jest/globals';
import { answerHoldsMsMax, partitionHoldsMsMax, Unwritten } from './unwritten.ts';

function setUp() {
  const world = { ms: 0 };
  return { world, unwritten: new Unwritten(() => world.ms) };
}

test('what cannot be written holds watermarks back until nothing of its way waits any more', () => {
  const { unwritten, world } = setUp();
  unwritten.failed('callbacks');
  unwritten.failed('outcomes');
  world.ms = 60_000;
  expect(unwritten.holding()).toEqual(['callbacks', 'outcomes']);
  unwritten.done('callbacks');
  unwritten.done('never heard of');
  expect(unwritten.holding()).toEqual(['outcomes']);
  unwritten.done('outcomes');
  expect(unwritten.holding()).toEqual([]);
});

test('one row that alone cannot be written holds nothing back, however often it is tried', () => {
  const { unwritten } = setUp();
  unwritten.failed('callbacks');
  unwritten.failed('outcomes');
  unwritten.written('callbacks');
  unwritten.failed('callbacks');
  expect(unwritten.holding()).toEqual(['outcomes']);
  unwritten.done('callbacks');
  unwritten.failed('callbacks');
  expect(unwritten.holding()).toEqual(['outcomes', 'callbacks']);
});

test('a way that could write all along is no way that failed', () => {
  const { unwritten } = setUp();
  unwritten.written('callbacks');
  unwritten.failed('callbacks');
  expect(unwritten.holding()).toEqual(['callbacks']);
});

test('and no row does so for ever: counted from the first time it failed', () => {
  const { unwritten, world } = setUp();
  unwritten.failed('callbacks');
  unwritten.failed('events 3', partitionHoldsMsMax);
  world.ms = partitionHoldsMsMax;
  expect(unwritten.holding()).toEqual(['callbacks']);
  world.ms = answerHoldsMsMax - 1;
  unwritten.failed('callbacks');
  expect(unwritten.holding()).toEqual(['callbacks']);
  world.ms = answerHoldsMsMax;
  unwritten.failed('callbacks');
  expect(unwritten.holding()).toEqual([]);
});

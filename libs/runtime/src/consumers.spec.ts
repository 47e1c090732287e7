import { expect, test } from '@jest/globals';
import { alsoTelling } from './consumers.ts';
import { partitionHoldsMsMax, Unwritten } from './unwritten.ts';

function setUp() {
  const world = { ms: 0 };
  const unwritten = new Unwritten(() => world.ms);
  const counted: unknown[] = [];
  const metrics = alsoTelling(
    {
      waiting: (...what) => void counted.push(what),
      stopped: (...what) => void counted.push(what),
    },
    { unwritten, onHandled: (...what) => void counted.push(what) },
  );
  return { world, unwritten, counted, metrics };
}

test('a partition that waits holds watermarks back until it goes on, or is somebody else’s', () => {
  const { unwritten, counted, metrics } = setUp();
  metrics.waiting!('slips', 3, true);
  expect(unwritten.holding()).toEqual(['slips 3']);
  metrics.batchHandled!('slips', 4, 2, 5, 1_000);
  expect(unwritten.holding()).toEqual(['slips 3']);
  metrics.waiting!('slips', 3, false);
  expect(unwritten.holding()).toEqual([]);
  expect(counted).toEqual([
    ['slips', 3, true],
    ['slips', 4, 1_000],
    ['slips', 3, false],
  ]);
});

test('not for ever, and not when it stopped and waits for people', () => {
  const { world, unwritten, metrics } = setUp();
  metrics.waiting!('slips', 3, true);
  metrics.waiting!('slips', 5, true);
  metrics.stopped!('slips', 5, true);
  expect(unwritten.holding()).toEqual(['slips 3']);
  world.ms = partitionHoldsMsMax;
  metrics.waiting!('slips', 3, true);
  expect(unwritten.holding()).toEqual([]);
});

import { afterEach, expect, test } from '@jest/globals';
import { eventually, World } from './support.ts';

let world: World;
afterEach(() => world.stop());

test('a callback is retried under its id until a 2xx, and delivered_at is the time of that', async () => {
  world = await World.start({ limits: { callbackRetryDelayMsMin: 10 } });
  world.receiver.status = (n) => [500, 302, 404][n] ?? 204;
  await world.rules({ fault: 'duplicate_callback' });
  await world.submit('one');
  const truth = await eventually(
    () => world.truthOf('one'),
    ({ answers }) => answers.length === 2 && answers.every((answer) => answer.delivered_at !== null),
  );
  const ids = world.receiver.received.map((one) => one.id);
  expect(ids).toHaveLength(5);
  expect(new Set(ids.slice(0, 4)).size).toBe(1);
  expect(ids[4]).not.toBe(ids[0]);
  const [first] = truth.answers;
  expect(Date.parse(first?.delivered_at ?? '') - Date.parse(first?.at ?? '')).toBeGreaterThanOrEqual(65);
});

test('a callback is given up in the end and stays undelivered; the next of the slip then goes out', async () => {
  world = await World.start({ limits: { callbackRetryDelayMsMin: 10, callbackRetryForMs: 15 } });
  const { received } = world.receiver;
  world.receiver.status = (n) => (received[n]?.id === received[0]?.id ? 500 : 200);
  await world.rules({ fault: 'duplicate_callback' });
  await world.submit('one');
  const { answers } = await eventually(
    () => world.truthOf('one'),
    (row) => row.answers[1]?.delivered_at != null,
  );
  expect(answers[0]?.delivered_at).toBeNull();
});

test('a slip whose receiver fails holds up no other slip', async () => {
  world = await World.start({ limits: { callbacksInFlightMax: 1 } });
  world.receiver.status = (n) => (world.receiver.received[n]?.data.slip_id === 'bad' ? 500 : 200);
  await world.rules({ fault: 'reordered_callback' });
  await world.submit('bad');
  const others = Array.from({ length: 20 }, (_, n) => `good-${n}`);
  await Promise.all(others.map((slipId) => world.submit(slipId)));
  for (const slipId of others) {
    const statuses = await eventually(
      () => world.receiver.statuses(slipId),
      (seen) => seen.length === 2,
    );
    expect(statuses).toEqual(['succeeded', 'in_progress']);
  }
  expect((await world.truthOf('bad')).answers).toMatchObject([{ delivered_at: null }]);
});

test('progress callbacks come now and then, before the outcome', async () => {
  world = await World.start();
  const slips = Array.from({ length: 40 }, (_, n) => `slip-${n}`);
  await Promise.all(slips.map((slipId) => world.submit(slipId)));
  const histories = await eventually(
    () => slips.map((slipId) => world.receiver.statuses(slipId)),
    (all) => all.every((statuses) => statuses.includes('succeeded')),
  );
  const withProgress = histories.filter((statuses) => statuses[0] === 'in_progress').length;
  expect(withProgress).toBeGreaterThan(4);
  expect(withProgress).toBeLessThan(25);
});

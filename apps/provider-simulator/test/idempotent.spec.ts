import { afterEach, expect, test } from '@jest/globals';
import { eventually, World } from './support.ts';

let world: World;
afterEach(() => world.stop());

test.each(['acme', 'bolt'])(
  'at %s a slip submitted again is executed once and answered the same',
  async (provider) => {
    world = await World.start({}, { idempotent: true });
    const first = await world.submit('same', provider);
    const later = await Promise.all([2, 3, 4].map((attempt) => world.submit('same', provider, { attempt })));
    for (const answer of later) expect(answer).toMatchObject({ status: first.status, json: first.json });
    expect(await world.final('same')).toMatchObject({ executions: 1, outcome: 'succeeded' });
  },
);

test('what was not taken the first time is taken the second', async () => {
  world = await World.start({}, { idempotent: true });
  await world.rules({ fault: 'error_500_before_work' });
  expect((await world.submit('again')).status).toBe(500);
  await world.rules();
  expect((await world.submit('again', 'acme', { attempt: 2 })).status).toBe(202);
  expect(await world.final('again')).toMatchObject({ executions: 1 });
});

test('a reply that is lost after the work is given to the next attempt, and calls back once', async () => {
  world = await World.start({}, { idempotent: true });
  await world.rules({ fault: 'timeout_after_work', delay_ms: 0 });
  await expect(world.submit('lost', 'acme', {}, 150)).rejects.toMatchObject({ name: 'TimeoutError' });
  await world.rules();
  expect(await world.submit('lost', 'acme', { attempt: 2 })).toMatchObject({ status: 202 });
  await eventually(
    () => world.receiver.statuses('lost'),
    (statuses) => statuses.length > 0,
  );
  expect(await world.truthOf('lost')).toMatchObject({ executions: 1, answers: [{ what: 'callback' }] });
});

test('a rejection is said again, and a fault of the way hides what is known', async () => {
  world = await World.start({}, { idempotent: true });
  await world.rules({ fault: 'reject' });
  const first = await world.submit('no');
  await world.rules();
  expect(await world.submit('no', 'acme', { attempt: 2 })).toMatchObject({ status: 422, json: first.json });
  await world.rules({ fault: 'garbage_body' });
  expect(await world.submit('no', 'acme', { attempt: 3 })).toMatchObject({ status: 200, json: undefined });
  expect(await world.truthOf('no')).toMatchObject({ executions: 0, outcome: 'failed' });
});

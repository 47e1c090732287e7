import { afterEach, expect, test } from '@jest/globals';
import { eventually, World } from './support.ts';

let world: World;
afterEach(() => world.stop());

const listening = async () => {
  const { json } = await world.admin('/v1/providers');
  return json.data.map((provider: { id: string; listening: boolean }) => provider.listening);
};

test('refuse_connection closes the port, cuts requests in flight, and opens the same port again', async () => {
  world = await World.start();
  const url = world.simulator.providers.acme;
  // Nobody answers it, so it is in flight however long the machine takes for what follows.
  await world.rules({ fault: 'timeout_before_work' });
  const cut = world.submit('cut').catch((error) => error);
  await eventually(
    () => world.truth(),
    (rows) => rows.length === 1,
  );
  await world.rules({ fault: 'refuse_connection', provider: 'acme' });
  expect(await cut).toMatchObject({ code: 'UND_ERR_SOCKET' });
  await expect(world.submit('refused')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(world.inquire('cut')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await listening()).toEqual([false, true]);
  expect(await world.submit('bolt-1', 'bolt')).toMatchObject({ status: 200 });
  await world.rules();
  expect(await listening()).toEqual([true, true]);
  expect(world.simulator.providers.acme).toBe(url);
  expect(await world.submit('after')).toMatchObject({ status: 202 });
});

test('a window closes and opens the port by itself', async () => {
  world = await World.start();
  const at = (inMs: number) => new Date(Date.now() + inMs).toISOString();
  await world.rules({ fault: 'refuse_connection', from: at(3_600_000), to: at(3_700_000) });
  expect(await listening()).toEqual([true, true]);
  await world.rules({ fault: 'refuse_connection', from: at(300), to: at(3_600_000) });
  await eventually(listening, ([acme]) => !acme);
  await expect(world.submit('during')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await world.rules({ fault: 'refuse_connection', from: at(-1_000), to: at(300) });
  await eventually(listening, ([acme]) => acme);
  expect(await world.submit('after')).toMatchObject({ status: 202 });
});

test('a reply cut by the outage is an answer that was not delivered', async () => {
  world = await World.start({}, { latency_ms: [3_000, 3_000] });
  const cut = world.submit('cut', 'bolt').catch(() => {});
  await eventually(
    () => world.truth(),
    (rows) => rows.length === 1,
  );
  await world.rules({ fault: 'refuse_connection', provider: 'bolt' });
  await cut;
  const truth = await eventually(
    () => world.truthOf('cut'),
    (row) => row.answers.length === 1,
  );
  expect(truth).toMatchObject({ executions: 1, answers: [{ what: 'reply', delivered_at: null }] });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { eventually, submission, World } from './support.ts';

let world: World;
afterEach(() => world.stop());

const slips = Array.from({ length: 60 }, (_, n) => `slip-${n}`);

/** Plays the slips in this order under one rule set; gives each slip's reply, outcome and executions. */
async function play(seed: number, order: readonly string[]): Promise<string[]> {
  world = await World.start({ seed }, { failure_rate: 0.3, answer_ms: [0, 0] });
  await world.rules(
    { fault: 'reject', rate: 0.2 },
    { fault: 'error_500_before_work', rate: 0.3 },
    { fault: 'error_500_after_work', rate: 0.3 },
  );
  const replies = new Map<string, number>();
  for (let n = 0; n < order.length; n += 10) {
    const batch = order.slice(n, n + 10);
    const answers = await Promise.all(batch.map((slipId) => world.submit(slipId)));
    for (const [k, slipId] of batch.entries()) replies.set(slipId, answers[k]?.status ?? 0);
  }
  const rows = await eventually(
    () => world.truth(),
    (all) => all.every((row) => row.outcome !== null || replies.get(row.slip_id) === 500),
  );
  await world.stop();
  return rows
    .map((row) => `${row.slip_id}: ${replies.get(row.slip_id)} ${row.outcome} ${row.executions}`)
    .sort();
}

test('the same seed decides the same, whatever the order; another seed decides otherwise', async () => {
  const first = await play(1, slips);
  expect(await play(1, [...slips].reverse())).toEqual(first);
  expect(await play(2, slips)).not.toEqual(first);
  const kinds = new Set(first.map((line) => line.split(': ')[1]));
  for (const kind of ['422 failed 0', '500 null 0', '500 succeeded 1', '202 succeeded 1', '202 failed 0']) {
    expect(kinds).toContain(kind);
  }
});

test('another attempt is another decision, and each submission that does the work is counted', async () => {
  world = await World.start();
  await world.rules({ fault: 'error_500_after_work', rate: 0.5 });
  const statuses: number[] = [];
  for (let attempt = 1; attempt <= 12; attempt += 1) {
    statuses.push((await world.submit('twice', 'acme', { attempt })).status);
  }
  expect(new Set(statuses)).toEqual(new Set([202, 500]));
  const truth = await world.final('twice');
  expect(truth.executions).toBe(12);
  expect(await world.truth()).toHaveLength(1);
});

test('the first rule of the list that hits wins', async () => {
  world = await World.start();
  await world.rules(
    { fault: 'redirect', provider: 'bolt' },
    { fault: 'redirect', match: { reference: 'nothing' } },
    { fault: 'redirect', to: '2020-01-01T00:00:00Z' },
    { fault: 'redirect', rate: 0 },
    { fault: 'reject', match: { reference: '^ref-x' } },
    { fault: 'error_500_before_work' },
  );
  expect((await world.submit('x')).status).toBe(422);
  expect((await world.submit('y')).status).toBe(500);
});

test('two providers keep their own truth of one slip', async () => {
  world = await World.start();
  await world.submit('both');
  await world.submit('both', 'bolt');
  const rows = await world.truth();
  expect(rows.map((row) => [row.provider, row.executions])).toEqual([
    ['acme', 1],
    ['bolt', 1],
  ]);
});

test('a reply to a client that has gone is not delivered', async () => {
  world = await World.start({}, { latency_ms: [2_500, 2_500] });
  await expect(world.submit('gone', 'bolt', {}, 1_000)).rejects.toMatchObject({ name: 'TimeoutError' });
  const truth = await eventually(
    () => world.truthOf('gone'),
    (row) => row.answers.length > 0,
  );
  expect(truth).toMatchObject({ executions: 1, answers: [{ what: 'reply', delivered_at: null }] });
  await world.submit('here', 'bolt');
  expect((await world.truthOf('gone')).answers[0]?.delivered_at).toBeNull();
});

test('a reply that the client never read, because its process ended, is not delivered', async () => {
  world = await World.start({}, { latency_ms: [0, 0] });
  const { socket, submit } = await unreadConnection(world.simulator.providers.bolt!);
  submit('read');
  await eventually(
    () => world.truthOf('read'),
    (row) => row.answers[0]?.delivered_at != null,
  );
  submit('unread'); // shows that the answer before it was read
  await eventually(
    () => world.truthOf('unread'),
    (row) => row.answers[0]?.delivered_at != null,
  );
  socket.resetAndDestroy(); // what the kernel does for a killed process with unread bytes
  await eventually(
    () => world.truthOf('unread'),
    (row) => row.answers[0]?.delivered_at === null,
  );
  expect((await world.truthOf('read')).answers[0]?.delivered_at).not.toBeNull();
});

test('a reply to a client that closed in order counts as read', async () => {
  world = await World.start({}, { latency_ms: [0, 0] });
  const { socket, submit } = await unreadConnection(world.simulator.providers.bolt!);
  submit('closed');
  const delivered = await eventually(
    () => world.truthOf('closed'),
    (row) => row.answers[0]?.delivered_at != null,
  );
  socket.resume();
  socket.end();
  await once(socket, 'close');
  await world.submit('after', 'bolt');
  expect(await world.truthOf('closed')).toEqual(delivered);
});

/** A client that sends and does not read. */
async function unreadConnection(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) }).pause();
  await once(socket, 'connect');
  const submit = (slipId: string) => {
    const body = JSON.stringify(submission(slipId));
    const head = `POST /slips HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json`;
    socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
  return { socket, submit };
}

test('a statement has a line per execution of the day, with the amount that moved', async () => {
  world = await World.start();
  await world.rules(
    { fault: 'amount_changed', match: { reference: 'a$' } },
    { fault: 'reject', match: { reference: 'b$' } },
    { fault: 'timeout_before_work', match: { reference: 'c$' } },
  );
  await world.submit('a', 'bolt');
  await world.submit('a', 'bolt', { attempt: 2 });
  await world.submit('b', 'bolt');
  await world.submit('c', 'bolt', {}, 50).catch(() => {});
  await world.submit('d');
  const day = (await world.truthOf('a')).received_at.slice(0, 10);
  const { json } = await world.admin(`/v1/statement?provider=bolt&day=${day}`);
  expect(json.data.map((line: { slip_id: string }) => line.slip_id)).toEqual(['a', 'a']);
  expect(json.data[0]).toEqual({
    slip_id: 'a',
    reference: 'ref-a',
    provider_id: expect.stringMatching(/^bolt-/),
    amount: { amount: '1250', currency: 'EUR' },
    outcome: 'succeeded',
    executed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
  expect(json.data[1].provider_id).not.toBe(json.data[0].provider_id);
  expect((await world.admin('/v1/statement?provider=bolt&day=2020-01-01')).json).toEqual({ data: [] });
});

test('the oldest slip is forgotten when the store is full, and the number says so', async () => {
  world = await World.start({ limits: { truthSlipsMax: 3 } });
  for (const slipId of ['1', '2', '3', '4']) await world.submit(slipId, 'bolt');
  const answer = await world.admin('/v1/truth');
  expect(answer.json.data.map((row: { slip_id: string }) => row.slip_id)).toEqual(['2', '3', '4']);
  expect(answer.headers['truth-dropped']).toBe('1');
});

test('answers beyond the bound push out the lost ones', async () => {
  world = await World.start({ limits: { answersPerSlipMax: 3 } });
  await world.rules({ fault: 'timeout_after_work' });
  await world.submit('asked', 'bolt', {}, 50).catch(() => {});
  for (let n = 0; n < 5; n += 1) await world.inquire('asked', 'bolt');
  const { answers } = await world.truthOf('asked');
  expect(answers).toHaveLength(3);
  expect(answers.every((answer) => answer.what === 'inquiry' && answer.delivered_at !== null)).toBe(true);
});

test('a large truth is whole JSON', async () => {
  world = await World.start();
  const many = Array.from({ length: 1500 }, (_, n) => `slip-${n}`);
  for (let n = 0; n < many.length; n += 50) {
    await Promise.all(many.slice(n, n + 50).map((slipId) => world.submit(slipId, 'bolt')));
  }
  expect((await world.truth()).map((row) => row.slip_id).sort()).toEqual(many.sort());
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually, Receiver, SECRET, World } from './support.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');

test('stop lets the reply in flight go out, cuts the silent ones, and is quick', async () => {
  const world = await World.start({}, { latency_ms: [600, 600], answer_ms: [60_000, 60_000] });
  await world.rules({ fault: 'timeout_before_work', match: { reference: 'silent' } });
  const reply = world.submit('slow', 'bolt');
  const silent = world.submit('silent').catch((error) => error);
  await eventually(
    () => world.truth(),
    (rows) => rows.length === 2,
  );
  await world.submit('pending', 'acme', {}, 5000);
  const startedMs = performance.now();
  await world.stop();
  // The pending answer alone would take a minute.
  expect(performance.now() - startedMs).toBeLessThan(50_000);
  expect(await reply).toMatchObject({ status: 200 });
  expect(await silent).toBeInstanceOf(Error);
});

test('stop gives up on a receiver that never answers', async () => {
  const world = await World.start({ limits: { drainMsMax: 100 } });
  world.receiver.hang = true;
  await world.submit('one');
  await eventually(
    () => world.receiver.received.length,
    (count) => count > 0,
  );
  await world.stop();
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the process says when it is ready and ends on %s',
  async (signal) => {
    const receiver = await Receiver.start();
    const providers = [{ id: 'acme', secret: SECRET, callback_url: receiver.url }];
    const child = spawn(process.execPath, [MAIN, '--seed', '5'], {
      env: { ...process.env, NODE_OPTIONS: '', SIMULATOR_PROVIDERS: JSON.stringify(providers) },
    });
    let stderr = '';
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    const [line] = await once(child.stdout, 'data');
    const ready = JSON.parse(String(line));
    expect(ready).toEqual({
      ready: true,
      admin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      providers: { acme: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) },
    });
    expect((await fetch(`${ready.admin}/readyz`)).status).toBe(200);
    const exited = once(child, 'exit');
    child.kill(signal);
    expect(await exited).toEqual([0, null]);
    expect(stderr).toContain('seed 5');
    await receiver.stop();
  },
);

test('bad configuration ends the process with code 2 and a reason', async () => {
  const env = { ...process.env, NODE_OPTIONS: '', SIMULATOR_PROVIDERS: '[{"id":"acme"}]' };
  const child = spawn(process.execPath, [MAIN], { env });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(stderr).toContain("must have required property 'secret'");
});

test('a port that is taken is an error, and nothing stays open', async () => {
  const world = await World.start();
  const port = Number(new URL(world.simulator.admin).port);
  await expect(World.start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await world.stop();
});

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { createDatabase, isRunning, type ProcessIdentity, startEnvironment } from './index.ts';
import { kafkaAnswers } from './kafka-answers.ts';

jest.setTimeout(300_000); // several starts of real servers, on a machine that may be busy

/** Native servers of its own, also under `npm test`, where everybody else shares one environment. */
describe('the native environment', () => {
  const given = { KAFKA_BROKERS: process.env.KAFKA_BROKERS, DATABASE_URL: process.env.DATABASE_URL };
  let parent: string;
  let dataDir: string;
  let onTestEnd = () => false;

  beforeEach(() => {
    delete process.env.KAFKA_BROKERS;
    delete process.env.DATABASE_URL;
    parent = mkdtempSync(join(tmpdir(), 'slipstream-environment-'));
    chmodSync(parent, 0o711); // as root, PostgreSQL runs as somebody else and passes through
    dataDir = join(parent, 'data');
  });

  afterEach(() => {
    onTestEnd(); // a test that failed half-way must not leave its child
    for (const [name, value] of Object.entries(given)) if (value !== undefined) process.env[name] = value;
    rmSync(parent, { recursive: true, force: true });
  });

  const servers = (): ProcessIdentity[] =>
    JSON.parse(readFileSync(join(dataDir, 'pids.json'), 'utf8')).servers;

  test('starts durable servers and removes every trace on stop', async () => {
    const environment = await startEnvironment({ dataDir });
    try {
      expect(environment.name).toBe('native');
      expect(await kafkaAnswers(environment.kafkaBrokers)).toBe(true);
      const settings = await query(
        environment.databaseUrl,
        `select current_setting('fsync') fsync, current_setting('max_connections') connections,
                current_setting('timezone') timezone, current_setting('server_version') version`,
      );
      expect(settings).toEqual([
        { fsync: 'on', connections: '200', timezone: 'UTC', version: expect.stringMatching(/^18/) },
      ]);
      const url = await createDatabase(environment.databaseUrl, 'orders');
      expect((await query(url, 'select current_database() as name'))[0]!.name).toMatch(/^orders_/);
    } finally {
      const pids = servers();
      expect(pids).toHaveLength(2);
      await environment.stop();
      expect(pids.some(isRunning)).toBe(false);
    }
    expect(existsSync(dataDir)).toBe(false);
  });

  test('kept data is there on the next start, and a second user of the folder is refused', async () => {
    const first = await startEnvironment({ dataDir, keepData: true });
    await query(first.databaseUrl, 'create table kept (value int)');
    await expect(startEnvironment({ dataDir, keepData: true })).rejects.toThrow(/in use by process/);
    await first.stop();

    const second = await startEnvironment({ dataDir, keepData: true });
    try {
      expect(await query(second.databaseUrl, 'select count(*)::int as rows from kept')).toEqual([
        { rows: 0 },
      ]);
    } finally {
      await second.stop();
    }
  });

  test('servers end soon after the process that started them was killed', async () => {
    mkdirSync(dataDir); // an existing folder: only what was put in it is removed
    // Given explicitly: jest's process.env is a copy, and a child would get the real one, with the shared servers.
    const child = spawn(process.execPath, ['--input-type=module', '-e', STARTER, dataDir], {
      stdio: 'pipe',
      env: { ...process.env },
    });
    onTestEnd = () => child.kill('SIGKILL');
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    await waitFor(() => output.includes('<ready>') || child.exitCode !== null, {
      timeoutMs: 150_000,
      what: 'the start',
    });
    expect(output).toContain('<ready>');
    const pids = servers();
    expect(pids.every(isRunning)).toBe(true);

    child.kill('SIGKILL');
    await waitFor(() => !pids.some(isRunning), { what: 'the servers to end' });
    const left = () => readdirSync(dataDir).sort().join();
    await waitFor(() => left() === 'logs,pids.json', { what: 'the data to go' });
  });
});

const STARTER = `
const { startEnvironment } = await import(${JSON.stringify(join(import.meta.dirname, 'start.ts'))});
await startEnvironment({ dataDir: process.argv[1] });
console.log('<ready>');
setInterval(() => {}, 1000);
`;

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

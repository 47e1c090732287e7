import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ownedDatabase, sharedEnvironment } from '@slipstream/environment';
import pg from 'pg';
import { type Stack, startStack } from './stack.ts';

/** Without services: what surrounds them. Needs the simulator's build. */
describe('a stack', () => {
  const environment = sharedEnvironment();
  let dataDir: string;
  let stack: Stack;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'slipstream-stack-test-'));
    process.env.KAFKA_BROKERS = environment().kafkaBrokers.join(',');
    process.env.DATABASE_URL = environment().databaseUrl;
    const none = { intake: 0, 'provider-gateway': 0, ledger: 0, reconciliation: 0 };
    stack = await startStack({ dataDir, profile: 'stack', instances: none });
  });

  afterAll(async () => {
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('gives a command the addresses and the tokens', async () => {
    expect(Object.keys(stack.env).sort()).toEqual([
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'SIMULATOR_URL',
      'SLIPSTREAM_CONFIG',
      'TOKEN_ADMIN',
      'TOKEN_APPROVER',
      'TOKEN_OPS',
      'TOKEN_PUBLISHER',
      'TOKEN_SRE',
    ]);
    expect(stack.services.names()).toEqual(['provider-simulator']);
    expect((await fetch(`${stack.simulatorUrl}/v1/truth`)).status).toBe(200);
  });

  test('keeps each database to its own roles', async () => {
    const [one, other] = [
      await ownedDatabase(environment().databaseUrl, 'own_one'),
      await ownedDatabase(environment().databaseUrl, 'own_other'),
    ];
    for (const own of ['url', 'migrationUrl'] as const) {
      expect(await answer(one![own])).toBe(own === 'url' ? 'own_one' : 'own_one_owner');
      const trespass = new URL(one![own]);
      trespass.pathname = new URL(other![own]).pathname;
      await expect(answer(trespass.href)).rejects.toThrow(/permission denied/);
    }
  });
});

async function answer(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query('select current_user as name')).rows[0].name;
  } finally {
    await client.end();
  }
}

import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment, EnvironmentOptions } from './port.ts';
import { startEnvironment } from './start.ts';

type Hook = (work: () => Promise<void>, timeoutMs: number) => void;

const START_TIMEOUT_MS = 450_000; // a first run may have to fetch Kafka

/**
 * For integration specs, called once at the top of a file. Under `npm test` all files share one environment
 * (KAFKA_BROKERS and DATABASE_URL are set); when jest runs alone, each file starts its own and stops it
 * afterwards. So make a database of your own (`createDatabase`) and prefix topics and groups.
 * @returns the environment, to be called inside hooks and tests
 */
export function sharedEnvironment(): () => Environment {
  const { beforeAll, afterAll } = globalThis as { beforeAll?: Hook; afterAll?: Hook };
  if (!beforeAll || !afterAll) throw new Error('sharedEnvironment() works inside a jest spec file only');
  let environment: Environment | undefined;
  beforeAll(async () => {
    environment = await startEnvironment({ dataDir: freshDataDir() });
  }, START_TIMEOUT_MS);
  afterAll(async () => environment?.stop(), 60_000);
  return () => {
    if (!environment) throw new Error('the environment is up in hooks and tests only');
    return environment;
  };
}

/**
 * For specs that boot a whole service: a Kafka of its own, since services number their events per source and partition
 * and a second database of the same service would look like losses; the PostgreSQL server may be shared.
 */
export async function environmentWithOwnKafka(
  options: Pick<EnvironmentOptions, 'kafkaLogin'> = {},
): Promise<Environment> {
  const given = process.env.KAFKA_BROKERS;
  delete process.env.KAFKA_BROKERS;
  try {
    return await startEnvironment({ dataDir: freshDataDir(), ...options });
  } finally {
    if (given !== undefined) process.env.KAFKA_BROKERS = given;
  }
}

/** A folder that does not exist yet: `stop()` of an environment removes the folders it made. */
export function freshDataDir(): string {
  return join(tmpdir(), `slipstream-test-${randomUUID()}`);
}

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { startStack } from './stack.ts';

const { KAFKA_BROKERS, DATABASE_URL } = process.env;
afterEach(() => {
  Object.assign(process.env, { KAFKA_BROKERS, DATABASE_URL });
  if (KAFKA_BROKERS === undefined) delete process.env.KAFKA_BROKERS;
  if (DATABASE_URL === undefined) delete process.env.DATABASE_URL;
});

test.each([
  ['KAFKA_BROKERS', 'DATABASE_URL'],
  ['DATABASE_URL', 'KAFKA_BROKERS'],
])('a stack with %s but without %s does not start', async (given, missing) => {
  process.env[given] = 'somewhere';
  delete process.env[missing];
  const starting = startStack({ dataDir: join(tmpdir(), 'slipstream-never-made'), profile: 'stack' });
  await expect(starting).rejects.toThrow('set both or neither of KAFKA_BROKERS and DATABASE_URL');
});

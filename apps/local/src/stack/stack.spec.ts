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

test('a stack with one given server and one of its own says what that means', async () => {
  process.env.KAFKA_BROKERS = '127.0.0.1:1';
  delete process.env.DATABASE_URL;
  const said: string[] = [];
  const log = (line: string) => {
    said.push(line);
    throw new Error('enough');
  };
  const starting = startStack({ dataDir: join(tmpdir(), 'slipstream-never-made'), profile: 'stack', log });
  await expect(starting).rejects.toThrow('enough');
  expect(said).toEqual([expect.stringContaining('KAFKA_BROKERS is set and DATABASE_URL is not')]);
});

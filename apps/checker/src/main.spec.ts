import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const checker = (args: string[], env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });

test('--help tells where the addresses come from, and no password', async () => {
  const { stdout } = await checker(['--help'], { DATABASE_URL: 'postgres://root:very-secret@db:5432/x' });
  expect(stdout).toMatch(/--database-url.*DATABASE_URL/);
  expect(stdout).not.toMatch(/very-secret/);
});

test('without an address it says which one is missing and ends with 2', async () => {
  // None of them is the simulator's: where providers are real there is none.
  await expect(checker(['--brokers', 'a:1'], {})).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('say --database-url'),
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { withVariables, writeShellFile } from './env-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipstream-env-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a shell reads the values from the file, which is its owner’s alone', () => {
  const file = join(folder, 'env');
  writeFileSync(file, 'left by a run before', { mode: 0o644 });
  const value = "postgresql://it's:$(x)@127.0.0.1/`y`";
  writeShellFile(file, { TOKEN_OPS: 'a.b.c', DATABASE_URL: value });
  const script = `. "${file}"; node -p 'process.env.TOKEN_OPS + " " + process.env.DATABASE_URL'`;
  expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`a.b.c ${value}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('new tokens leave the passwords beside them as they are', () => {
  const first = withVariables("POSTGRES_PASSWORD='old'\n", { TOKEN_OPS: 'one', TOKEN_SRE: 'two' });
  expect(withVariables(first, { TOKEN_OPS: 'three', TOKEN_SRE: 'four' })).toBe(
    "POSTGRES_PASSWORD='old'\nTOKEN_OPS='three'\nTOKEN_SRE='four'\n",
  );
});

import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hostile-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = join(folder, 'key.json');
writeFileSync(key, JSON.stringify(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })));
const verifierKey = 'x+6c57bc97+AedDNtYLSy3wb+c4ExD/wUNFz11rhfpyOsdVxWxQ11ya';

test.each([
  ['tools/verify-proof.mjs', verifierKey],
  ['tools/verify-certificate.mjs', key],
])('%s: what it is given neither writes a verdict of its own nor does anything to a terminal', (tool, by) => {
  const file = join(folder, 'file.json');
  for (const text of ['\u001b[2J', '\u001b[2K\rVALID', '{}\nVALID', '{"a":\u009b2J}']) {
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, tool), file, '--key', by], {
      encoding: 'utf8',
    });
    expect([status === 0, stdout, stderr.split('\n').length]).toEqual([false, '', 2]);
    expect(stderr.trimEnd()).not.toMatch(/\p{Cc}/u);
  }
});

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readConfig } from './config.ts';

let folder: string;
let good: Record<string, string>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipstream-intake-config-'));
  const file = join(folder, 'rules.yaml');
  writeFileSync(
    file,
    'version: 1\nproviders: {}\nroutes:\n  default: { mode: reported, outcome_deadline_ms: 5000 }\n',
  );
  const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  good = {
    ...{ PORT: '0', KAFKA_BROKERS: '127.0.0.1:9092', DATABASE_URL: 'postgresql://intake@127.0.0.1/intake' },
    ...{
      SLIPSTREAM_CONFIG: file,
      SLIPSTREAM_JWKS: JSON.stringify({ keys: [{ ...jwk, kid: 'k', alg: 'EdDSA' }] }),
    },
    ...{ SLIPSTREAM_JWT_ISSUER: 'https://issuer.test', SLIPSTREAM_JWT_AUDIENCE: 'slipstream' },
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [undefined, null],
  ['', null],
  ['http://127.0.0.1:8083', 'http://127.0.0.1:8083'],
  ['https://api.test/', 'https://api.test'],
  ['https://api.test/ledger//', 'https://api.test/ledger'],
])('with LEDGER_URL %p slips are read at %p', (given, read) => {
  expect(readConfig({ ...good, LEDGER_URL: given }).ledgerUrl).toBe(read);
});

test.each([
  ['ledger:8083', 'starts with http'],
  ['/ledger', 'starts with http'],
  ['postgres://ledger/x', 'starts with http'],
  ['https://ops:hunter2@api.test', 'without a login'],
  ['https://api.test/?tenant=1', 'without a login'],
  ['https://api.test/#slips', 'without a login'],
])('LEDGER_URL %s stops the start: what is put behind it would lead nowhere', (given, why) => {
  const read = () => readConfig({ ...good, LEDGER_URL: given });
  expect(read).toThrow(/LEDGER_URL: must be a URL/);
  expect(read).toThrow(why);
  expect(read).not.toThrow(/hunter2/);
});

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { cert, key } from '@slipstream/testing';
import { kafkaSecurityOf } from './security.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipstream-security-'));
const written = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const [certFile, keyFile, text] = [written('cert', cert), written('key', key), written('text', 'PEM')];
const { privateKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const otherKeyFile = written('other', privateKey as unknown as string);
afterAll(() => rmSync(folder, { recursive: true }));

const login = {
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'ledger',
  KAFKA_SASL_PASSWORD: 'secret',
};
const sasl = { mechanism: 'scram-sha-512', username: 'ledger', password: 'secret' };

test.each([
  [{}, {}],
  [{ KAFKA_TLS: 'off', KAFKA_SASL_MECHANISM: '' }, {}],
  [{ KAFKA_TLS: 'on' }, { ssl: {} }],
  [
    { KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: certFile, ...login },
    { ssl: { ca: cert }, sasl },
  ],
  [{ KAFKA_TLS: 'on', KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: keyFile }, { ssl: { cert, key } }],
  [login, { sasl }],
])('%j is a way to Kafka', (environment, security) => {
  expect(kafkaSecurityOf(environment)).toEqual(security);
});

test.each([
  [{ KAFKA_TLS: 'yes' }, 'KAFKA_TLS: must be one of on, off'],
  [{ KAFKA_TLS_CA_FILE: certFile }, 'KAFKA_TLS_CA_FILE: is used with KAFKA_TLS=on only'],
  [{ KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: `${certFile}x` }, 'KAFKA_TLS_CA_FILE: cannot be read: ENOENT'],
  [{ KAFKA_TLS: 'on', KAFKA_TLS_KEY_FILE: keyFile }, 'KAFKA_TLS_CERT_FILE: and KAFKA_TLS_KEY_FILE belong'],
  [{ KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: text }, 'KAFKA_TLS_CA_FILE: holds no certificate in PEM'],
  [
    { KAFKA_TLS: 'on', KAFKA_TLS_CERT_FILE: text, KAFKA_TLS_KEY_FILE: certFile },
    'KAFKA_TLS_CERT_FILE: holds no certificate in PEM\n  KAFKA_TLS_KEY_FILE: holds no private key in PEM',
  ],
  [
    { KAFKA_TLS: 'on', KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: otherKeyFile },
    'KAFKA_TLS_KEY_FILE: is of another certificate than KAFKA_TLS_CERT_FILE',
  ],
  [{ ...login, KAFKA_SASL_MECHANISM: 'gssapi' }, 'KAFKA_SASL_MECHANISM: must be one of plain, scram-sha-256'],
  [
    { ...login, KAFKA_SASL_PASSWORD: '' },
    'KAFKA_SASL_MECHANISM: KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
  ],
])('%j is none', (environment, said) => {
  expect(() => kafkaSecurityOf(environment)).toThrow(said);
});

test('a password is not told', () => {
  const told = () => kafkaSecurityOf({ KAFKA_SASL_PASSWORD: 'secret' });
  expect(told).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }));
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { kafkaSecurityOf } from '@slipstream/kafka';
import { cert, key } from '@slipstream/testing';
import { kafkaLoginOf } from './kafka-login.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipstream-login-'));
const written = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const [certFile, keyFile] = [written('cert', cert), written('key', key)];
afterAll(() => rmSync(folder, { recursive: true }));

const login = {
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'checker',
  KAFKA_SASL_PASSWORD: 'secret',
};
const files = { KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: keyFile };

test.each<Record<string, string>>([
  {},
  { KAFKA_TLS: 'off', KAFKA_SASL_MECHANISM: '' },
  { KAFKA_TLS: 'on' },
  { KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: certFile, ...login },
  { KAFKA_TLS: 'on', ...files },
  login,
])('%j is the way that the services take', (environment) => {
  expect(kafkaLoginOf(environment)).toEqual(kafkaSecurityOf(environment));
});

test.each<Record<string, string>>([
  { KAFKA_TLS: 'yes' },
  { KAFKA_TLS_CA_FILE: certFile },
  { KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: `${certFile}x` },
  { KAFKA_TLS: 'on', KAFKA_TLS_KEY_FILE: keyFile },
  { ...login, KAFKA_SASL_MECHANISM: 'gssapi' },
  { ...login, KAFKA_SASL_PASSWORD: '' },
])('%j is none, here and there, and the wrong variable is named', (environment) => {
  expect(() => kafkaSecurityOf(environment)).toThrow();
  expect(() => kafkaLoginOf(environment)).toThrow(/^KAFKA_(TLS|SASL)/);
  expect(() => kafkaLoginOf(environment)).not.toThrow(/secret/);
});

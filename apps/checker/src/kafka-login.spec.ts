import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { kafkaSecurityOf } from '@slipstream/kafka';
import { kafkaLoginOf } from './kafka-login.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipstream-login-'));
const pem = join(folder, 'some.pem');
writeFileSync(pem, 'PEM');
afterAll(() => rmSync(folder, { recursive: true }));

const login = {
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'checker',
  KAFKA_SASL_PASSWORD: 'secret',
};
const files = { KAFKA_TLS_CERT_FILE: pem, KAFKA_TLS_KEY_FILE: pem };

test.each<Record<string, string>>([
  {},
  { KAFKA_TLS: 'off', KAFKA_SASL_MECHANISM: '' },
  { KAFKA_TLS: 'on' },
  { KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: pem, ...login },
  { KAFKA_TLS: 'on', ...files },
  login,
])('%j is the way that the services take', (environment) => {
  expect(kafkaLoginOf(environment)).toEqual(kafkaSecurityOf(environment));
});

test.each<Record<string, string>>([
  { KAFKA_TLS: 'yes' },
  { KAFKA_TLS_CA_FILE: pem },
  { KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: `${pem}x` },
  { KAFKA_TLS: 'on', KAFKA_TLS_KEY_FILE: pem },
  { ...login, KAFKA_SASL_MECHANISM: 'gssapi' },
  { ...login, KAFKA_SASL_PASSWORD: '' },
])('%j is none, here and there, and the wrong variable is named', (environment) => {
  expect(() => kafkaSecurityOf(environment)).toThrow();
  expect(() => kafkaLoginOf(environment)).toThrow(/^KAFKA_(TLS|SASL)/);
  expect(() => kafkaLoginOf(environment)).not.toThrow(/secret/);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { partitionOf } from '@slipstream/kafka';
import { readEnvironment } from '@slipstream/runtime';
import { commonSettings } from '@slipstream/service-host';
import { cert, key, waitFor } from '@slipstream/testing';
import pg from 'pg';
import { type IntakeUnderTest, intakeUnderTest, type SecureServers } from './intake-under-test.ts';

const login = { username: 'intake', password: 'correct-horse' };
const folder = mkdtempSync(join(tmpdir(), 'slipstream-tls-'));
const ca = join(folder, 'ca.pem');
writeFileSync(ca, cert);
let intake: IntakeUnderTest;
let superuser: pg.Client;

/** The server takes TLS beside what it takes; others that share it notice nothing. */
async function turnTlsOn(url: string): Promise<void> {
  superuser = new pg.Client({ connectionString: url });
  await superuser.connect();
  for (const [name, pem] of Object.entries({ 'spec.crt': cert, 'spec.key': key })) {
    const literal = superuser.escapeLiteral(`umask 077; cat > ${name}`);
    await superuser.query(
      `copy (select unnest(string_to_array(${superuser.escapeLiteral(pem.trim())}, E'\n'))) to program ${literal}`,
    );
  }
  await superuser.query("alter system set ssl_cert_file = 'spec.crt'");
  await superuser.query("alter system set ssl_key_file = 'spec.key'");
  await superuser.query('alter system set ssl = on');
  await superuser.query('select pg_reload_conf()');
  const isOn = async () => (await superuser.query('show ssl')).rows[0].ssl === 'on';
  await waitFor(isOn, { what: 'PostgreSQL to take TLS' });
}

async function turnTlsOff(): Promise<void> {
  for (const name of ['ssl', 'ssl_cert_file', 'ssl_key_file'])
    await superuser.query(`alter system reset ${name}`);
  await superuser.query('select pg_reload_conf()');
  await superuser.end();
}

const secure: SecureServers = {
  options: { kafkaLogin: { ...login, cert, key } },
  async settings(environment, databaseUrl) {
    await turnTlsOn(environment.databaseUrl);
    // As an operator writes them.
    const { kafkaBrokers: wanted, ...kafka } = commonSettings;
    const { databaseUrl: url, kafkaTls, kafkaTlsCaFile } = kafka;
    const { kafkaSaslMechanism, kafkaSaslUsername, kafkaSaslPassword } = kafka;
    const read = { wanted, url, kafkaTls, kafkaTlsCaFile, kafkaSaslMechanism };
    const settings = readEnvironment(
      { ...read, kafkaSaslUsername, kafkaSaslPassword },
      {
        KAFKA_BROKERS: environment.loginListeners!.saslAndTls,
        KAFKA_TLS: 'on',
        KAFKA_TLS_CA_FILE: ca,
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        KAFKA_SASL_USERNAME: login.username,
        KAFKA_SASL_PASSWORD: login.password,
        DATABASE_URL: `${databaseUrl}?sslmode=verify-full&sslrootcert=${ca}`,
      },
    );
    return { ...settings, kafkaBrokers: settings.wanted, databaseUrl: settings.url };
  },
};

beforeAll(async () => {
  intake = await intakeUnderTest('', undefined, secure);
  await intake.start();
}, 450_000);
afterAll(async () => {
  await turnTlsOff();
  await intake.stop();
  rmSync(folder, { recursive: true });
}, 120_000);

test('a service speaks TLS to both servers, and proves who it is', async () => {
  const { rows } = await intake.database.query(
    `select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid)
       where datname = current_database() and application_name = 'slipstream-intake'`,
  );
  expect(rows).toEqual([{ ssl: true }]);
  const [reference, topic] = ['ord-tls', 'slips.commands.v1'];
  const value = Buffer.from('no command');
  await intake.producer.sendBatch([{ topic, partition: partitionOf(reference, 12), key: reference, value }]);
  await waitFor(() => intake.deadLetters.length === 1, { what: 'what it read to be answered' });
});

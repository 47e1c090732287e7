import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { StartError } from '@slipstream/kernel';
import type { KafkaOptions, SaslOptions } from './client.ts';

/** How a process was told to speak to the brokers; texts as the environment has them, null where it has none. */
export interface SecuritySettings {
  readonly kafkaTls: string | null;
  readonly kafkaTlsCaFile: string | null;
  readonly kafkaTlsCertFile: string | null;
  readonly kafkaTlsKeyFile: string | null;
  readonly kafkaSaslMechanism: string | null;
  readonly kafkaSaslUsername: string | null;
  readonly kafkaSaslPassword: string | null;
}

export const securityVariables: Readonly<Record<keyof SecuritySettings, string>> = {
  kafkaTls: 'KAFKA_TLS',
  kafkaTlsCaFile: 'KAFKA_TLS_CA_FILE',
  kafkaTlsCertFile: 'KAFKA_TLS_CERT_FILE',
  kafkaTlsKeyFile: 'KAFKA_TLS_KEY_FILE',
  kafkaSaslMechanism: 'KAFKA_SASL_MECHANISM',
  kafkaSaslUsername: 'KAFKA_SASL_USERNAME',
  kafkaSaslPassword: 'KAFKA_SASL_PASSWORD',
};

export type KafkaSecurity = Pick<KafkaOptions, 'ssl' | 'sasl'>;

const mechanisms: readonly SaslOptions['mechanism'][] = ['plain', 'scram-sha-256', 'scram-sha-512'];

/** For programs that have no other settings; an empty variable counts as absent. @throws StartError as {@link kafkaSecurity} */
export function kafkaSecurityOf(environment: Readonly<Record<string, string | undefined>>): KafkaSecurity {
  const settings = Object.entries(securityVariables).map(([name, variable]) => [
    name,
    environment[variable] || null,
  ]);
  return kafkaSecurity(Object.fromEntries(settings));
}

/** Reads the files, once. @throws StartError naming every wrong variable with its reason, never its value */
export function kafkaSecurity(settings: Partial<SecuritySettings>): KafkaSecurity {
  const problems: string[] = [];
  const given = (name: keyof SecuritySettings) => settings[name] ?? null;
  const wrong = (name: keyof SecuritySettings, why: string) =>
    void problems.push(`${securityVariables[name]}: ${why}`);
  const file = (name: keyof SecuritySettings): string | undefined => {
    const path = given(name);
    if (path === null) return undefined;
    if (given('kafkaTls') !== 'on') wrong(name, 'is used with KAFKA_TLS=on only');
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      return void wrong(name, `cannot be read: ${(error as NodeJS.ErrnoException).code}`);
    }
  };

  const readable = (name: keyof SecuritySettings, what: string, read: () => unknown) => {
    try {
      read();
    } catch {
      wrong(name, `holds no ${what} in PEM`);
    }
  };

  if (!['on', 'off', null].includes(given('kafkaTls'))) wrong('kafkaTls', 'must be one of on, off');
  const [ca, cert, key] = [file('kafkaTlsCaFile'), file('kafkaTlsCertFile'), file('kafkaTlsKeyFile')];
  if (ca !== undefined) readable('kafkaTlsCaFile', 'certificate', () => new X509Certificate(ca));
  if (cert !== undefined) readable('kafkaTlsCertFile', 'certificate', () => new X509Certificate(cert));
  if (key !== undefined) readable('kafkaTlsKeyFile', 'private key', () => createPrivateKey(key));
  if (problems.length === 0 && cert !== undefined && key !== undefined) {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      wrong('kafkaTlsKeyFile', 'is of another certificate than KAFKA_TLS_CERT_FILE');
  }
  if ((given('kafkaTlsCertFile') === null) !== (given('kafkaTlsKeyFile') === null)) {
    wrong('kafkaTlsCertFile', 'and KAFKA_TLS_KEY_FILE belong together');
  }
  const [mechanism, username, password] = [
    given('kafkaSaslMechanism'),
    given('kafkaSaslUsername'),
    given('kafkaSaslPassword'),
  ];
  if (mechanism !== null && !mechanisms.includes(mechanism as SaslOptions['mechanism'])) {
    wrong('kafkaSaslMechanism', `must be one of ${mechanisms.join(', ')}`);
  }
  if (new Set([mechanism, username, password].map((one) => one === null)).size > 1) {
    wrong('kafkaSaslMechanism', 'KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together');
  }
  if (problems.length > 0) throw new StartError('The way to Kafka is not usable:', problems);
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    ...(given('kafkaTls') === 'on' && { ssl: tls }),
    ...(mechanism && { sasl: { mechanism, username, password } as SaslOptions }),
  };
}

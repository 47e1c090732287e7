import { readFileSync } from 'node:fs';
import type { KafkaConfig, SASLOptions } from 'kafkajs';

/** How brokers are spoken to: TLS and a name there, where they ask for them. */
export type KafkaLogin = Pick<KafkaConfig, 'ssl' | 'sasl'>;

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'];

/** By the variables of the services (docs/reference/configuration.md); an empty one counts as absent. @throws Error naming the wrong one */
export function kafkaLoginOf(environment: Readonly<Record<string, string | undefined>>): KafkaLogin {
  const given = (name: string) => environment[name] || null;
  const tls = given('KAFKA_TLS');
  if (tls !== null && tls !== 'on' && tls !== 'off') throw new Error('KAFKA_TLS must be one of on, off');
  const file = (name: string) => {
    const path = given(name);
    if (path === null) return undefined;
    if (tls !== 'on') throw new Error(`${name} is used with KAFKA_TLS=on only`);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Error(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
    }
  };
  const [ca, cert, key] = ['CA', 'CERT', 'KEY'].map((one) => file(`KAFKA_TLS_${one}_FILE`));
  if ((cert === undefined) !== (key === undefined))
    throw new Error('KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE belong together');
  const ssl = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  const sasl = saslOf(
    given('KAFKA_SASL_MECHANISM'),
    given('KAFKA_SASL_USERNAME'),
    given('KAFKA_SASL_PASSWORD'),
  );
  return { ...(tls === 'on' && { ssl }), ...(sasl && { sasl }) };
}

function saslOf(
  mechanism: string | null,
  username: string | null,
  password: string | null,
): SASLOptions | null {
  if (mechanism === null && username === null && password === null) return null;
  if (mechanism === null || username === null || password === null)
    throw new Error('KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD belong together');
  if (!mechanisms.includes(mechanism))
    throw new Error(`KAFKA_SASL_MECHANISM must be one of ${mechanisms.join(', ')}`);
  return { mechanism, username, password } as SASLOptions;
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KafkaLogin } from './port.ts';

interface Listeners {
  readonly addresses: readonly string[];
  /** Lines of server.properties. */
  readonly properties: string;
}

/** Two listeners that ask who it is, one of them with TLS. */
export function loginListeners(
  home: string,
  login: KafkaLogin,
  saslPort: number,
  tlsPort: number,
): Listeners {
  const pem = join(home, 'listener.pem');
  writeFileSync(pem, login.key + login.cert, { mode: 0o600 });
  const { username, password, guests = [] } = login;
  const users = [username, ...guests].map((name) => `user_${name}="${password}"`).join(' ');
  const security = 'org.apache.kafka.common.security';
  const mechanisms = (
    listener: string,
  ) => `listener.name.${listener}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.${listener}.plain.sasl.jaas.config=${security}.plain.PlainLoginModule required ${users};
listener.name.${listener}.scram-sha-512.sasl.jaas.config=${security}.scram.ScramLoginModule required;
`;
  return {
    addresses: [`SASL_PLAINTEXT://127.0.0.1:${saslPort}`, `SASL_SSL://127.0.0.1:${tlsPort}`],
    properties: `${mechanisms('sasl_plaintext')}${mechanisms('sasl_ssl')}listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:${username}
ssl.keystore.type=PEM
ssl.keystore.location=${pem}
`,
  };
}

/** For the tool that formats the data folder: the first users of SCRAM come with it. */
export function scramArguments({ username, password }: KafkaLogin): string[] {
  return ['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`];
}

import { securityVariables } from '@slipstream/kafka';
import { optionalText } from './env.ts';

/** What they mean together, and which words they take, is checked when the way to Kafka is made of them. */
export const kafkaSettings = {
  kafkaTls: optionalText(
    securityVariables.kafkaTls,
    '`on`: brokers are spoken to over TLS; `off`: all that is said to them, a password too, can be read on the way',
  ),
  kafkaTlsCaFile: optionalText(
    securityVariables.kafkaTlsCaFile,
    'PEM file of the authorities whose brokers are trusted; without it those that Node trusts',
  ),
  kafkaTlsCertFile: optionalText(
    securityVariables.kafkaTlsCertFile,
    'PEM file of the certificate that this service shows to brokers which ask for one',
  ),
  kafkaTlsKeyFile: optionalText(securityVariables.kafkaTlsKeyFile, 'PEM file of the private key to it'),
  kafkaSaslMechanism: optionalText(
    securityVariables.kafkaSaslMechanism,
    'how the service proves to brokers who it is: `plain`, `scram-sha-256` or `scram-sha-512`; `plain` shows them the password; without it, it does not say who it is',
  ),
  kafkaSaslUsername: optionalText(
    securityVariables.kafkaSaslUsername,
    "the service's name at the brokers, of its own, so that it has the rights to its topics alone",
  ),
  kafkaSaslPassword: optionalText(
    securityVariables.kafkaSaslPassword,
    'its password; the service does not start when the brokers refuse it',
  ),
} as const;

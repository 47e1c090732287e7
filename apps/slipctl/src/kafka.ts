import { createKafka, type KafkaClient, kafkaSecurityOf, securityVariables } from '@slipstream/kafka';
import { StartError } from '@slipstream/kernel';
import { variables } from './config.ts';
import { CliError } from './exit.ts';

/** What the Kafka client has to say comes with the error it ends in. */
export const quiet = { info() {}, warn() {}, error() {} };

/** @throws CliError (usage) where the variables of TLS and login contradict each other */
export function openKafka(brokers: readonly string[], clientId: string): KafkaClient {
  return createKafka({ brokers, clientId, log: quiet, ...security() });
}

/** As the services read it. */
export function security(): ReturnType<typeof kafkaSecurityOf> {
  try {
    return kafkaSecurityOf(variables);
  } catch (error) {
    if (error instanceof StartError) throw new CliError('usage', error.problems.join('; '));
    throw error;
  }
}

/** The same for a program of a service: passwords do not go by arguments, which every process of the machine can see. */
export function kafkaVariables(): Record<string, string> {
  const given = Object.values(securityVariables).map((name) => [name, variables[name] ?? ''] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ''));
}

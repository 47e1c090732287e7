import {
  asReadRefused,
  createKafka,
  explain,
  type KafkaClient,
  kafkaSecurityOf,
  ReadRefused,
  securityVariables,
} from '@slipstream/kafka';
import { StartError } from '@slipstream/kernel';
import { requireBroker } from './brokers.ts';
import { variables } from './config.ts';
import { CliError, messageOf } from './exit.ts';
import { withTopicHint } from './topic-hint.ts';

/** What the Kafka client has to say comes with the error it ends in. */
export const quiet = { info() {}, warn() {}, error() {} };

/** @throws CliError (usage) where the variables of TLS and login contradict each other, and as {@link requireBroker} */
export async function openKafka(brokers: readonly string[], clientId: string): Promise<KafkaClient> {
  const how = security();
  await requireBroker(brokers, how.ssl);
  return createKafka({ brokers, clientId, log: quiet, ...how });
}

/** What went wrong with Kafka, for people: a login that it refuses is a mistake of theirs. */
export function kafkaError(error: unknown, otherwise = 'Kafka cannot be read'): CliError {
  if (error instanceof CliError) return error;
  const isRefused = asReadRefused(error) instanceof ReadRefused;
  const what = isRefused ? 'Kafka does not allow this with the given login' : otherwise;
  const why = withTopicHint(explain(messageOf(error)));
  return new CliError(isRefused ? 'usage' : 'unreachable', `${what}: ${why}`, { cause: error });
}

/**
 * Before anything is sent: a publisher waits for a topic that is being made, and would wait for one that nobody makes.
 * @throws CliError as {@link openKafka} and {@link kafkaError}; unreachable where one is not there
 */
export async function requireTopics(brokers: readonly string[], names: readonly string[]): Promise<void> {
  const admin = (await openKafka(brokers, 'slipctl')).admin();
  try {
    await admin.connect();
    const there = new Set(await admin.listTopics());
    const missing = names.filter((name) => !there.has(name));
    if (missing.length === 0) return;
    const what = `${missing.join(' and ')} are not there, or this login may not see them`;
    throw new CliError('unreachable', `nothing was sent: ${what}; \`slipctl topics check\` says what lacks`);
  } catch (error) {
    throw kafkaError(error);
  } finally {
    await admin.disconnect().catch(() => {});
  }
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

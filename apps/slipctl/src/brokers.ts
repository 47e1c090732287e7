import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { brokerProblem, explain, type KafkaOptions } from '@slipstream/kafka';
import { CliError, messageOf } from './exit.ts';

const connectTimeoutMs = 3_000;

/** @throws CliError (usage) where one is no `host:port` */
export function requireAddresses(brokers: readonly string[]): void {
  for (const broker of brokers) {
    const problem = brokerProblem(broker);
    if (problem !== null)
      throw new CliError('usage', `${JSON.stringify(broker)} is no Kafka broker: it ${problem}`);
  }
}

/**
 * Opens a connection to one of the brokers, so that a wrong address is told at once and not after a Kafka client's
 * many retries. @throws CliError usage: no `host:port`; unreachable: none of them answers
 */
export async function requireBroker(brokers: readonly string[], ssl?: KafkaOptions['ssl']): Promise<void> {
  requireAddresses(brokers);
  try {
    await Promise.any(brokers.map((broker) => open(broker, ssl)));
  } catch (error) {
    const why = (error as AggregateError).errors.map(
      (one, at) => `${brokers[at]} (${explain(messageOf(one))})`,
    );
    throw new CliError('unreachable', `Kafka cannot be reached at ${why.join(', ')}`);
  }
}

function open(broker: string, ssl: KafkaOptions['ssl']): Promise<void> {
  const [host, port] = broker.split(':');
  const to = { host: host!, port: Number(port) };
  const name = isIP(to.host) === 0 ? { servername: to.host } : {};
  return new Promise((resolve, reject) => {
    // As the Kafka client does, which tries a certificate that nobody trusts again and again.
    const socket = ssl ? connectTls({ ...to, ...name, ...(ssl === true ? {} : ssl) }) : connect(to);
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('no answer within 3 s')));
    socket.once('error', reject);
    socket.once(ssl ? 'secureConnect' : 'connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

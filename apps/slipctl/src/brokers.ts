import { connect } from 'node:net';
import { brokerProblem } from '@slipstream/kafka';
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
export async function requireBroker(brokers: readonly string[]): Promise<void> {
  requireAddresses(brokers);
  try {
    await Promise.any(brokers.map(open));
  } catch (error) {
    const why = (error as AggregateError).errors.map((one, at) => `${brokers[at]} (${messageOf(one)})`);
    throw new CliError('unreachable', `Kafka cannot be reached at ${why.join(', ')}`);
  }
}

function open(broker: string): Promise<void> {
  const [host, port] = broker.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host!, port: Number(port) });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('no answer within 3 s')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

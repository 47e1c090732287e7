import { connect } from 'node:net';
import { CliError, messageOf } from '../exit.ts';

const connectTimeoutMs = 3_000;

/**
 * Opens a connection to one of the brokers, so that a wrong address is told at once and not after a Kafka client's
 * many retries. @throws CliError usage: no `host:port`; unreachable: none of them answers
 */
export async function requireBroker(brokers: readonly string[]): Promise<void> {
  const failures: string[] = [];
  for (const broker of brokers) {
    const match = /^\[?([^\s\]]+?)\]?:(\d{1,5})$/.exec(broker);
    if (!match || Number(match[2]) > 65_535) {
      throw new CliError('usage', `${JSON.stringify(broker)} is no Kafka broker: host:port is needed`);
    }
    try {
      return await open(match[1]!, Number(match[2]));
    } catch (error) {
      failures.push(`${broker} (${messageOf(error)})`);
    }
  }
  throw new CliError('unreachable', `Kafka cannot be reached at ${failures.join(', ')}`);
}

function open(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('no answer within 3 s')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { brokerProblem, createKafka, type KafkaClient, type Log, type SaslOptions } from '@slipstream/kafka';
import { nameProblem, SlipstreamError } from '@slipstream/kernel';

/** What a publisher and a consumer need to reach the brokers. */
export interface ConnectionOptions {
  readonly brokers: readonly string[];
  /** Who sends and reads: the CloudEvents source of commands, and the name by which brokers know the client. */
  readonly caller: string;
  /** TLS: `true` trusts whom Node trusts; else what `tls.connect` takes (`ca`, `cert`, `key`). Default: in the clear. */
  readonly ssl?: boolean | TlsOptions;
  readonly sasl?: SaslOptions;
  /** Default: one JSON object per line on standard error. */
  readonly log?: Log;
}

/** The client repeats connections itself, within its time limit. */
const connectionRetries = 2;

/**
 * @throws SlipstreamError validation_failed where the caller is no name: nothing that it sends would be read; or a broker is no
 * `host:port`: it would be tried until the time is over
 */
export function connectionOf({ brokers, caller, ssl, sasl, log }: ConnectionOptions): KafkaClient {
  refuse('/caller', 'the caller', nameProblem(caller));
  // Programs in plain JavaScript give one text, as an environment has it.
  if (!Array.isArray(brokers) || brokers.length === 0) {
    refuse('/brokers', 'brokers', 'must be a list of host:port, of one at least');
  }
  brokers.forEach((broker, at) => {
    refuse(`/brokers/${at}`, `the broker ${JSON.stringify(broker)}`, brokerProblem(broker));
  });
  if (sasl !== undefined) refuse('/sasl', 'sasl', saslProblem(sasl));
  const clientId = caller.replaceAll('/', '.').replace(/^\./, '');
  return createKafka({
    ...{ brokers, clientId, connectionRetries },
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
    ...(log && { log }),
  });
}

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'];

/** Told at once: brokers only close the connection, and it would be tried until the time is over. */
function saslProblem(sasl: unknown): string | null {
  const { mechanism, username, password } = (sasl ?? {}) as Partial<Record<string, unknown>>;
  if (!mechanisms.includes(mechanism as string)) return `must have a mechanism of ${mechanisms.join(', ')}`;
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  return isText(username) && isText(password) ? null : 'must have a username and a password';
}

function refuse(pointer: string, what: string, detail: string | null): void {
  if (detail === null) return;
  throw new SlipstreamError('validation_failed', `${what} ${detail}`, { errors: [{ pointer, detail }] });
}

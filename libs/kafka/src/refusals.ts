import { explain } from './explain.ts';

/** What brokers answer one who has not the right, or who logs in where nobody is asked to; and what kafkajs calls it when they know no such user or password. */
export const refusals: readonly string[] = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'KafkaJSSASLAuthenticationError',
];

/** The brokers refuse the login, or the right to read. No repeat helps. */
export class ReadRefused extends Error {
  override readonly name = 'ReadRefused';
}

/** The error as a `ReadRefused` where it says that, else as it is. */
export function asReadRefused(error: unknown): unknown {
  if (!saysOneOf(error, refusals)) return error;
  return new ReadRefused(explain((error as Error).message), { cause: error });
}

/** Whether an error, or what caused it, is of one of these types or names. */
export function saysOneOf(error: unknown, types: readonly string[]): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { type = '', errors = [] } = cause as { type?: string; errors?: readonly unknown[] };
    if (types.includes(type) || types.includes(cause.name)) return true;
    // What kafkajs says of several topics at once.
    if (errors.some((one) => saysOneOf(one, types))) return true;
  }
  return false;
}

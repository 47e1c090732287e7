/** What brokers answer one who has not the right, and what kafkajs calls it when they know no such user or password. */
export const refusals: readonly string[] = [
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'KafkaJSSASLAuthenticationError',
];

/** The brokers refuse the login, or the right to read. No repeat helps. */
export class ReadRefused extends Error {
  override readonly name = 'ReadRefused';
}

/** The error as a `ReadRefused` where it says that, else as it is. */
export function asReadRefused(error: unknown): unknown {
  if (!saysOneOf(error, refusals)) return error;
  return new ReadRefused((error as Error).message, { cause: error });
}

/** Whether an error, or what caused it, is of one of these types or names. */
export function saysOneOf(error: unknown, types: readonly string[]): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (types.includes((cause as { type?: string }).type ?? '') || types.includes(cause.name)) return true;
  }
  return false;
}

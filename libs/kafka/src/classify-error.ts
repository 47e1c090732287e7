import { isSlipstreamError } from '@slipstream/kernel';
import { RecordRejected } from './ports.ts';

/** What a failed batch means (ARCHITECTURE rule 9 and the poison classes of the reliability research). */
export type Failure =
  /** Another owner moved on: nothing here counts. */
  | 'fenced'
  /** The infrastructure is away: wait and repeat, for ever. */
  | 'transient'
  /** The handler named the record. */
  | 'rejected'
  /** One record cannot be decoded, the handler did not say which. */
  | 'undecodable'
  /** A bug or something unforeseen. */
  | 'unknown';

/** SQLSTATEs: serialization, deadlock, locks, timeouts, resources, shutdown, read-only after a failover, connection. */
const sqlStates = /^(40001|40P01|55P03|57014|57P0.|25P0[34]|25006|53...|08...)$/;
const systemCodes =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** What pg, its pool and TypeORM say without a code. */
const messages =
  /timeout exceeded when trying to connect|Connection terminated|connection timeout|Query read timeout|not queryable|Cannot use a pool after calling end|Driver not Connected|DataSource is not (connected|initialized)/i;

export function classifyError(error: unknown): Failure {
  let failure: Failure = 'unknown';
  let cause: unknown = error;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth++) {
    if (cause.name === 'FencedError') return 'fenced';
    if (isTransient(cause)) return 'transient';
    if (failure === 'unknown') failure = verdictOf(cause);
    cause = cause.cause ?? (cause as { driverError?: unknown }).driverError;
  }
  return failure;
}

function isTransient(error: Error): boolean {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && (sqlStates.test(code) || systemCodes.test(code))) return true;
  if (isSlipstreamError(error)) return error.code === 'unavailable';
  return messages.test(error.message);
}

function verdictOf(error: Error): Failure {
  if (error instanceof RecordRejected || error.name === 'RecordRejected') return 'rejected';
  return isSlipstreamError(error) && error.code === 'undecodable_record' ? 'undecodable' : 'unknown';
}

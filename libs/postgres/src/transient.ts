import { types } from 'node:util';

/** Whose fault a failed statement or transaction is. */
export type DatabaseFailure =
  /** The database is away, busy or in another's hands: the same again later goes well, nobody has to act. */
  | 'transient'
  /** Table, column, grant, password, database or server are not as they must be: nothing goes well until people act. */
  | 'setup'
  /** The statement's own values break a rule: repeating it changes nothing, other values do. */
  | 'data';

/** SQLSTATEs: serialization, deadlock, locks, timeouts, resources, shutdown, read-only after a failover, connection. */
const transientStates = /^(40...|55P03|57...|25P0[34]|25006|53...|08...)$/;
/** Features, authorization, names, preconditions, configuration, the server's system and its own faults. */
const setupStates = /^(0A|26|28|3D|3F|42|55|58|F0|XX)...$/;
/** Data exceptions, constraints, limits of what a row can hold, errors raised by our own functions. */
const dataStates = /^(21|22|23|44|54|P0)...$/;
const lockNotAvailable = '55P03';
const uniqueViolation = '23505';
const systemCodes =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** What pg, its pool and TypeORM say without a code. */
const messages =
  /timeout exceeded when trying to connect|Connection terminated|connection timeout|Query read timeout|not queryable|Cannot use a pool after calling end|Driver not Connected|DataSource is not (connected|initialized)|Query runner already released/i;

/**
 * Reads an error of pg, its pool or TypeORM, also behind wrappers. What is transient or the setup's fault anywhere in
 * the chain outweighs the rest: a check that failed because the connection did proves nothing about the values.
 * @returns null when the database has nothing to do with it
 */
export function classifyDatabaseError(error: unknown): DatabaseFailure | null {
  let worst: DatabaseFailure | null = null;
  let cause: unknown = error;
  for (let depth = 0; depth < 8 && isError(cause); depth++) {
    const failure = failureOf(cause);
    if (failure === 'transient') return failure;
    if (failure === 'setup' || worst === null) worst = failure ?? worst;
    cause = cause.cause ?? driverErrorOf(cause);
  }
  return worst;
}

/** Whether the statement gave up waiting for a lock (`lock_timeout`): another transaction holds the row. */
export const isLockTimeout = (error: unknown): boolean => hasState(error, lockNotAvailable);

/** Whether the statement would have made a second row of what there may be one of. */
export const isUniqueViolation = (error: unknown): boolean => hasState(error, uniqueViolation);

function hasState(error: unknown, state: string): boolean {
  for (let cause = error; isError(cause); cause = cause.cause ?? driverErrorOf(cause)) {
    if ((cause as { code?: unknown }).code === state) return true;
  }
  return false;
}

export const isTransient = (error: unknown): boolean => classifyDatabaseError(error) === 'transient';

/** TypeORM keeps what pg said beside its own error. */
function driverErrorOf(error: Error): unknown {
  return (error as { driverError?: unknown }).driverError;
}

/** Also one of another realm: a socket's own errors are Node's, wherever its caller runs. */
function isError(error: unknown): error is Error {
  return types.isNativeError(error);
}

function failureOf(error: Error): DatabaseFailure | null {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (transientStates.test(code) || systemCodes.test(code)) return 'transient';
    if (setupStates.test(code)) return 'setup';
    if (dataStates.test(code)) return 'data';
  }
  return messages.test(error.message) ? 'transient' : null;
}

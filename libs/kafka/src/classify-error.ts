import { isSlipstreamError } from '@slipstream/kernel';
import { type ConsumerStore, RecordRejected } from './ports.ts';

/** What a failed batch means (ARCHITECTURE rule 9 and the poison classes of the reliability research). */
export type Failure =
  /** Another owner moved on: nothing here counts. */
  | 'fenced'
  /** What the batch stands on is away or not as it must be: wait and repeat, for ever. */
  | 'transient'
  /** The handler named the record. */
  | 'rejected'
  /** One record cannot be decoded, the handler did not say which. */
  | 'undecodable'
  /** One record needs a newer release, the handler did not say which. */
  | 'too_new'
  /** A bug or something unforeseen. */
  | 'unknown';

/** Whose fault an error is; only the store knows its database's words. */
export function classifyError(error: unknown, store: Pick<ConsumerStore<never>, 'classify'>): Failure {
  if (chain(error).some((cause) => cause.name === 'FencedError')) return 'fenced';
  const verdicts = chain(error).map(verdictOf);
  const fault = store.classify(error);
  // A broken table is no more the record's fault than a database that is away.
  if (fault === 'transient' || fault === 'setup' || verdicts.includes('transient')) return 'transient';
  return verdicts.find((verdict) => verdict !== 'unknown') ?? 'unknown';
}

/** An error and its causes, bounded. */
function chain(error: unknown): Error[] {
  const errors: Error[] = [];
  for (let cause = error; errors.length < 8 && cause instanceof Error; cause = cause.cause)
    errors.push(cause);
  return errors;
}

function verdictOf(error: Error): Failure {
  if (error instanceof RecordRejected || error.name === 'RecordRejected') return 'rejected';
  if (!isSlipstreamError(error)) return 'unknown';
  if (error.code === 'unavailable') return 'transient';
  if (error.code === 'too_new') return 'too_new';
  return error.code === 'undecodable_record' ? 'undecodable' : 'unknown';
}

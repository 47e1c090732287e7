import { addMs, type Instant } from '@slipstream/kernel';
import { providerHasSpoken } from '@slipstream/slip';
import type { Dispatch } from '../dispatch/state.ts';

/**
 * True when no attempt ever left this system: none was made, or each ended in DispatchNotSent; where the slip was handed on,
 * an earlier one may have left, and was proved not to be executed. It stays true only if
 * no further attempt is made: whoever relies on it closes the row for dispatch in the same transaction.
 */
export function neverLeft(dispatch: Dispatch): boolean {
  return (
    dispatch.mode === 'dispatched' &&
    dispatch.status !== 'intended' &&
    !dispatch.sentMaybe &&
    !providerHasSpoken(dispatch)
  );
}

export interface NotFoundFacts {
  /** Nothing was sent after it. */
  readonly notAfter: Instant | null;
  /** The provider's declared bound; null when it declares none: then nothing is ever proved this way. */
  readonly acceptanceDelayMaxMs: number | null;
  readonly quietPeriodMs: number;
  /** The database's clock just before the question was sent. */
  readonly askedAt: Instant;
  /** When the first NOT_FOUND that counts was asked for. */
  readonly firstNotFoundAt: Instant | null;
  /** The provider acknowledged or answered the slip on any way. */
  readonly spoken: boolean;
}

/** Whether this NOT_FOUND counts for rule 3: it was asked later than the provider could still have accepted the slip. */
export function countsAsNotFound(facts: NotFoundFacts): boolean {
  const { notAfter, acceptanceDelayMaxMs, askedAt, spoken } = facts;
  if (spoken || notAfter === null || acceptanceDelayMaxMs === null) return false;
  return askedAt > addMs(notAfter, acceptanceDelayMaxMs);
}

/** Rule 3: two NOT_FOUND that count, a quiet period apart, prove that the provider never executes the slip. */
export function provesNotExecuted(facts: NotFoundFacts): boolean {
  if (!countsAsNotFound(facts) || facts.firstNotFoundAt === null) return false;
  if (!countsAsNotFound({ ...facts, askedAt: facts.firstNotFoundAt })) return false;
  return facts.askedAt >= addMs(facts.firstNotFoundAt, facts.quietPeriodMs);
}

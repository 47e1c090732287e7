import type { Instant } from '@slipstream/kernel';
import type { Dispatch } from '../dispatch/state.ts';
import type { RawAnswer } from '../provider/answer.ts';

/** A NOT_FOUND as it came. */
export interface Denial extends RawAnswer {
  /** The database's clock just before the question was sent, and when its answer was written down. */
  readonly askedAt: Instant;
  readonly receivedAt: Instant;
}

/** What a provider's rules declared when its NOT_FOUND counted, in milliseconds. */
export interface DeclaredBounds {
  /** Null: none was, and the cancellation alone proves it. */
  readonly acceptanceDelayMaxMs: number | null;
  readonly visibilityDelayMs: number;
  readonly quietPeriodMs: number;
}

/**
 * The intent of an attempt, and the NOT_FOUND that speak against its execution: the first that counts, then the one that proves it; or the
 * first, and the confirmation that it was cancelled.
 */
export interface AttemptDenials {
  readonly attempt: number;
  readonly provider: string;
  /** SHA-256 of what was to be sent, hex. */
  readonly digest: string;
  readonly notAfter: Instant;
  readonly declared: DeclaredBounds;
  readonly denials: readonly [Denial] | readonly [first: Denial, second: Denial];
  /** The second is the provider's confirmation that it never executes it. */
  readonly cancelled?: boolean;
}

/** Whether rule 3 is kept by answers that are here, byte for byte. */
export function isProved({ denials }: AttemptDenials): boolean {
  return denials.length === 2;
}

/**
 * The row as far as its NOT_FOUND are kept: one whose bytes nobody has (it was heard by an older release, or before a backup
 * was put back) is no evidence, and the next is the first.
 */
export function asKept(dispatch: Dispatch, kept: AttemptDenials | undefined): Dispatch {
  const { firstNotFoundAt } = dispatch;
  if (firstNotFoundAt === null || kept?.denials[0].askedAt === firstNotFoundAt) return dispatch;
  return { ...dispatch, firstNotFoundAt: null };
}

type Intent = Pick<AttemptDenials, 'attempt' | 'provider' | 'digest' | 'notAfter' | 'declared'>;

/** What is to be kept after a NOT_FOUND upon which its provider confirmed the cancellation; null: it was proved before. */
export function keepCancelled(
  intent: Intent,
  kept: AttemptDenials | undefined,
  denial: Denial,
  confirmation: Denial,
): AttemptDenials | null {
  if (kept !== undefined && isProved(kept)) return null;
  return { ...intent, denials: [kept?.denials[0] ?? denial, confirmation], cancelled: true };
}

/** What is to be kept after a NOT_FOUND that counts, or proves it; null: nothing new. */
export function keep(
  intent: Intent,
  kept: AttemptDenials | undefined,
  denial: Denial,
  proves: boolean,
): AttemptDenials | null {
  if (kept !== undefined && isProved(kept)) return null;
  const first = kept?.denials[0];
  if (proves) return first === undefined ? null : { ...intent, denials: [first, denial] };
  if (first !== undefined && first.askedAt <= denial.askedAt) return null;
  return { ...intent, denials: [denial] };
}

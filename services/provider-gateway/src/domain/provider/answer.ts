import type { Instant, Money } from '@slipstream/kernel';
import type { Doubt, Outcome } from '@slipstream/slip';

/** Where it tells so. */
interface Acceptance {
  /** When it accepted the slip, by its own clock; null or absent: it does not say. */
  readonly acceptedAt?: Instant | null;
}

/** What a provider says about a slip, in our words; its own words stop at src/providers. */
export type ProviderAnswer = Acceptance & Answer;

type Answer =
  /** It has the slip and has not decided. */
  | {
      readonly kind: 'acknowledged';
      readonly providerReference: string | null;
      readonly providerTime: Instant | null;
    }
  | {
      readonly kind: 'progressed';
      readonly step: string;
      readonly providerReference: string | null;
      readonly providerTime: Instant | null;
    }
  | {
      readonly kind: 'returned';
      readonly outcome: Outcome;
      readonly reason: string | null;
      readonly amount: Money | null;
      /** What it charges for it, beside the amount. */
      readonly fee?: Money | null;
      /** Of a line of a statement: when it was booked, as `2026-11-27`. */
      readonly bookedOn?: string | null;
      /** Of equal parts of that day: which one of the statement it is; absent: the first. */
      readonly occurrence?: number | null;
      readonly providerReference: string | null;
      readonly providerTime: Instant | null;
    }
  /** It speaks of the slip, by something that settles nothing: only explicit words end one. */
  | {
      readonly kind: 'doubtful';
      readonly doubt: Doubt;
      /** What it said, as it came. */
      readonly said: string;
      readonly providerReference: string | null;
      readonly providerTime: Instant | null;
    };

export type UnansweredReason =
  | 'timeout'
  | 'connection_lost'
  | 'server_error'
  | 'throttled'
  | 'garbage'
  | 'redirect'
  | 'too_large'
  /** The process that made the call ended, and a new one under its name found the attempt. */
  | 'restart'
  /** Whoever made the call did not write down how it ended in time: it died, or could not reach its database. */
  | 'not_recorded';

/** How one dispatch call ended. `not_sent`: provably nothing was taken by the provider. */
export type CallOutcome =
  | {
      readonly kind: 'not_sent';
      readonly reason: string;
      readonly detail: string;
      /** It asked to be left alone for so long. */
      readonly retryAfterMs?: number;
    }
  | {
      readonly kind: 'unanswered';
      readonly reason: UnansweredReason;
      readonly detail: string;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'answered'; readonly answer: ProviderAnswer };

/** An answer as it came: its HTTP status and the bytes of its body. */
export interface RawAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Bytes of a NOT_FOUND that are kept as evidence; of a longer one nothing can be proved. */
export const rawBytesMax = 4_096;

/** How one inquiry call ended. `not_found` is the provider's explicit word, never a guess from a status code. */
export type InquiryOutcome =
  | { readonly kind: 'answered'; readonly answer: ProviderAnswer }
  | {
      readonly kind: 'not_found';
      readonly raw: RawAnswer;
      /** As it came: asked thereupon, it has confirmed that it never executes it. */
      readonly cancelled?: RawAnswer;
    }
  | { readonly kind: 'no_answer'; readonly detail: string };

/** How one cancellation of a slip that its provider does not know ended. `cancelled` is the provider's explicit word, as it came. */
export type CancelOutcome =
  | { readonly kind: 'cancelled'; readonly raw: RawAnswer }
  | Exclude<InquiryOutcome, { kind: 'not_found' }>;

/**
 * The end of a call as the provider declares it: one whose "too many requests" means that it took nothing was not sent the
 * slip. Without that word something left, and it is asked about (rule 1).
 */
export function asDeclared(outcome: CallOutcome, throttledMeansNotTaken: boolean): CallOutcome {
  if (outcome.kind !== 'unanswered' || outcome.reason !== 'throttled' || !throttledMeansNotTaken)
    return outcome;
  return { ...outcome, kind: 'not_sent' };
}

import type { Money } from '@slipstream/kernel';
import type { Outcome, SlipKind } from '@slipstream/slip';
import type { Day } from './statement.ts';

/** What is known here of a slip that a provider was given, as far as a statement can be held against it. */
export interface BookedSlip {
  readonly slipId: string;
  readonly kind: SlipKind;
  /** Our own name for it. */
  readonly reference: string;
  readonly providerReference: string | null;
  readonly amount: Money | null;
  readonly outcome: Outcome | null;
  /** What the provider told that it charges; null: it told nothing. */
  readonly fee: bigint | null;
  /** Null: no event tells of it (yet). */
  readonly dispatchedOn: Day | null;
  readonly returnedOn: Day | null;
  /** What earlier statements told of it, signed, and what of it came back again. */
  readonly paid: bigint;
  readonly cameBack: bigint;
  /** What earlier statements told once more, signed, and nobody has given back; absent: nothing. */
  readonly twice?: readonly bigint[];
}

/** How far a statement may lie from what is known here. */
export interface MatchTerms {
  /** A line may be booked so many days after the outcome. */
  readonly daysMax: number;
  /** In minor units, by currency. */
  readonly tolerances: ReadonlyMap<string, bigint>;
}

/** Orders and payments bring money in, payouts send it out. */
export function directionOf({ kind }: BookedSlip): 1n | -1n {
  return kind === 'payout' ? -1n : 1n;
}

/** What the balance should change by; null: it has no amount. */
export function expectedOf(slip: BookedSlip): bigint | null {
  return slip.amount && directionOf(slip) * slip.amount.amount;
}

export function isWithin(a: bigint, b: bigint, currency: string, { tolerances }: MatchTerms): boolean {
  const apart = a > b ? a - b : b - a;
  return apart <= (tolerances.get(currency) ?? 0n);
}

import type { Instant } from '@slipstream/kernel';

/** Callbacks of providers, lines of their daily statements, or reports of other services. */
export const unmatchedKinds = ['callback', 'report', 'statement_line'] as const;

/**
 * Why it has no slip. A callback's or a line's slip is not known here, was given to another provider, or was never sent; or nothing can
 * be learnt from it. A report waits for its slip, or for the answer about its hold; or intake has said that no such slip
 * can come any more: it is taken up should one come all the same. Or its slip was refused, and nothing was held for it; or it is one that nobody
 * may report about, or of another clock.
 */
export const unmatchedReasons = [
  'unknown_slip',
  'other_provider',
  'not_sent',
  'unreadable',
  'waits_for_slip',
  'waits_for_hold',
  'no_slip',
  'refused_slip',
  'misfit',
] as const;

export type UnmatchedReason = (typeof unmatchedReasons)[number];

/** What came and has no slip yet, kept as it came. */
export interface Unmatched {
  readonly kind: (typeof unmatchedKinds)[number];
  readonly reason: UnmatchedReason;
  /** The provider, or the reporting service. */
  readonly sender: string;
  /** The webhook's id, or the report's; of a line its day and number, as in `2026-11-22:7`. */
  readonly id: string;
  /** The slip that a callback or a line names. */
  readonly slipId: string | null;
  /** The caller's name of the slip that a report is about. */
  readonly reference: string | null;
  readonly clock: string;
  readonly receivedAt: Instant;
  /** Whole seconds since then; of a report on an imported clock null. */
  readonly ageS: number | null;
  /** What it says: its beginning, as text; of a line that cannot be read first what is wrong with it. */
  readonly said: string;
}

export interface UnmatchedFilter {
  readonly kind: Unmatched['kind'] | null;
  readonly reason: UnmatchedReason | null;
  readonly sender: string | null;
}

export type UnmatchedPlace = Pick<Unmatched, 'receivedAt' | 'kind' | 'sender' | 'id'>;

export interface UnmatchedPage {
  readonly data: readonly Unmatched[];
  readonly next: UnmatchedPlace | null;
}

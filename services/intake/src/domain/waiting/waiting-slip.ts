import type { Instant } from '@slipstream/kernel';
import type { Review } from '../review/review.ts';
import type { Business, Submission } from '../submission/submission.ts';

/** How intake has a slip: what becomes of it after `submitted` is others' to say. */
export type IntakeStatus =
  | 'draft'
  | 'submitted'
  | 'rejected'
  | 'expired'
  | 'withdrawn'
  | 'in_review'
  | 'declined';

/** What a draft waits with: the wish as it came, and until when. */
export interface Draft {
  readonly submission: Submission;
  /** When its caller is to be reminded; null: not, or not any more. */
  readonly remindAt: Instant | null;
  /** From then on it cannot be confirmed. */
  readonly expiresAt: Instant;
}

/** A slip that people may still change, or could before. */
export interface KnownSlip {
  readonly slipId: string;
  readonly caller: string;
  readonly reference: string;
  readonly status: IntakeStatus;
  /** Events that intake has published about it. Nobody else speaks before it is submitted: it is the slip's version. */
  readonly version: number;
  /** null unless the status is `draft`. */
  readonly draft: Draft | null;
  /** null when it never was in review; kept for ever. */
  readonly review: Review | null;
  /** What its review is about; null when it never was in review. */
  readonly reviewed: Business | null;
}

import type { FollowedSlip } from '../domain/log/follow.ts';
import type { StoredSlip } from './ports.ts';

/** So many events of a slip are read from the log at most to tell its state. */
const eventsFoldedMax = 32;

/**
 * Up to which version the state of a slip is kept beside the log after a batch. What waited was folded later than it was
 * logged, or given up and never folded: the order of the log says nothing about that.
 */
export function snapshotAfter(before: StoredSlip | null, { version }: FollowedSlip): number {
  const from = before?.snapshotAt ?? 0;
  const hasWaited = before !== null && before.slip.waitsFrom !== null;
  return hasWaited || version - from > eventsFoldedMax ? version : from;
}

import type { Instant } from '@slipstream/kernel';

/** Whose watermarks count here. */
export type Owner = 'intake' | 'gateway' | 'ledger';

/** Rule 6: whatever the owner publishes about input received at or before `time` lies before `offset`. */
export interface Mark {
  readonly time: Instant;
  readonly offset: number;
  /** The clock's last mark. */
  readonly closed: boolean;
}

/** The watermarks of every owner, clock and partition, as far as this service has read. */
export interface Marks {
  /** The newest mark that lies within what was read; `nextOffset` is the next offset to be read. */
  reached(owner: Owner, clock: string, partition: number, nextOffset: number): Mark | null;
  /** The clocks that may still have something to be judged. */
  clocks(): Iterable<string>;
}

/** The marks of one owner, clock and partition: the newest that was reached, and those still ahead of the reading. */
export interface Track {
  readonly reached: Mark | null;
  readonly waiting: readonly Mark[];
}

export const emptyTrack: Track = { reached: null, waiting: [] };

/** Marks of one track kept while they are ahead of what was read. */
const waitingMax = 32;

/**
 * Adds a mark. The latest one is often a little ahead of the reading; judging by it alone would starve under load, so
 * the ones before it are kept, and of too many the last two become one.
 */
export function noteMark(track: Track, mark: Mark): Track {
  const last = track.waiting.at(-1) ?? track.reached;
  // Ticks may be repeated; a mark that says no more than the one before is dropped.
  if (last && mark.time <= last.time && mark.closed === last.closed) return track;
  return { ...track, waiting: [...track.waiting.slice(0, waitingMax - 1), mark] };
}

/** Moves the marks that lie within what was read out of the waiting ones. */
export function readTo(track: Track, nextOffset: number): Track {
  const ahead = track.waiting.findIndex((mark) => mark.offset > nextOffset);
  const passed = ahead < 0 ? track.waiting.length : ahead;
  if (passed === 0) return track;
  return { reached: track.waiting[passed - 1]!, waiting: track.waiting.slice(passed) };
}

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

interface Track {
  reached: Mark | null;
  readonly waiting: Mark[];
}

/** Marks of one track kept while they are ahead of what was read. */
const waitingMax = 32;

/**
 * The watermarks of every owner, clock and partition, and which of them this service has read up to. The latest mark is
 * often a little ahead of the reading; judging by it alone would starve under load, so the ones before it are kept.
 */
export class Marks {
  readonly #tracks = new Map<string, Track>();
  readonly #clocks = new Set<string>();

  note(owner: Owner, clock: string, partition: number, mark: Mark): void {
    this.#clocks.add(clock);
    const track = this.#track(owner, clock, partition);
    const last = track.waiting.at(-1) ?? track.reached;
    // Ticks may be repeated; a mark that says no more than the one before is dropped.
    if (last && mark.time <= last.time && mark.closed === last.closed) return;
    if (track.waiting.length >= waitingMax) track.waiting[waitingMax - 1] = mark;
    else track.waiting.push(mark);
  }

  /** The newest mark that lies within what was read; `nextOffset` is the next offset to be read. */
  reached(owner: Owner, clock: string, partition: number, nextOffset: number): Mark | null {
    const track = this.#tracks.get(key(owner, clock, partition));
    if (!track) return null;
    while (track.waiting.length > 0 && track.waiting[0]!.offset <= nextOffset) {
      track.reached = track.waiting.shift()!;
    }
    return track.reached;
  }

  clocks(): Iterable<string> {
    return this.#clocks;
  }

  #track(owner: Owner, clock: string, partition: number): Track {
    const name = key(owner, clock, partition);
    let track = this.#tracks.get(name);
    if (!track) {
      track = { reached: null, waiting: [] };
      this.#tracks.set(name, track);
    }
    return track;
  }
}

function key(owner: Owner, clock: string, partition: number): string {
  return `${owner} ${partition} ${clock}`;
}

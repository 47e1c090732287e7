import { addMicros, earlier, type Instant } from '@slipstream/kernel';
import { wallClock } from '@slipstream/slip';

/** How far one clock has come on an inbound topic. */
export interface ClockMarks {
  readonly clock: string;
  readonly partitions: number;
  /** The least over the partitions that have a mark. */
  readonly time: Instant;
  readonly closed: boolean;
}

/** Intake's own watermark of a clock, by partition of the slips' events. */
export interface UpstreamMark {
  readonly times: ReadonlyMap<number, Instant>;
  readonly closed: boolean;
}

export interface BoundFacts {
  /** Everything received on the results topic at or before it is handled and committed. */
  readonly resultsHandledTo: Instant;
  readonly partitionsOfResults: number;
  readonly marks: readonly ClockMarks[];
  readonly upstream: ReadonlyMap<string, UpstreamMark>;
  /** Receipt of the oldest report that still waits for its slip, by clock; orphans are left out. */
  readonly oldestParked: ReadonlyMap<string, Instant>;
}

export interface Bound {
  readonly clock: string;
  readonly time: Instant;
  /** Besides, no partition further than this; one that is missing not at all. */
  readonly partitions: ReadonlyMap<number, Instant>;
  readonly closed: boolean;
}

/**
 * How far each clock may be vouched for (rule 6): never beyond intake's watermark, an unread result, or a parked one.
 * A clock of which one partition or intake has said nothing yet is left out.
 */
export function watermarkBounds(facts: BoundFacts): readonly Bound[] {
  const bounds: Bound[] = [];
  const upstream = facts.upstream.get(wallClock);
  if (upstream) {
    const time = beforeParked(facts.resultsHandledTo, facts.oldestParked.get(wallClock));
    bounds.push({ clock: wallClock, time, partitions: upstream.times, closed: false });
  }
  for (const mark of facts.marks) {
    const source = facts.upstream.get(mark.clock);
    if (mark.clock === wallClock || !source || mark.partitions < facts.partitionsOfResults) continue;
    const parked = facts.oldestParked.get(mark.clock);
    bounds.push({
      clock: mark.clock,
      time: beforeParked(mark.time, parked),
      partitions: source.times,
      closed: mark.closed && source.closed && parked === undefined,
    });
  }
  return bounds;
}

function beforeParked(time: Instant, parked: Instant | undefined): Instant {
  return parked === undefined ? time : earlier(time, addMicros(parked, -1n));
}

import { addMs, earlier, type Instant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import type { Marks } from './marks.ts';

/** How far one clock can be judged on one partition now. */
export interface Judgeable {
  readonly partition: number;
  readonly clock: string;
  /** Every answer received up to here was published and has been read. */
  readonly through: Instant;
  /** The same for the ledger's answers about holds; a slip that has none yet is judged only up to here. */
  readonly holdsThrough: Instant;
  /** The clock stands: no slip and no answer will be added on this partition. */
  readonly closed: boolean;
}

/** Before every deadline: nothing can be judged. */
export const never: Instant = '0001-01-01T00:00:00.000000Z';

/** How far everything that is due has its verdict; `awaitingHold`: a due slip still waits for the ledger's answer. */
export function judgedThrough({ through, holdsThrough }: Judgeable, awaitingHold: boolean): Instant {
  return awaitingHold ? earlier(through, holdsThrough) : through;
}

/** What is known about the clocks that live verdicts rest on (rule 6). */
export interface ClockState {
  /** Why they cannot be trusted, in a sentence; null: they can. */
  readonly trouble: string | null;
  /** How far they lie apart, in milliseconds. */
  readonly spreadMs: number;
  /** The service whose clock it is. */
  readonly toBlame?: string | null;
}

/** What may be judged by such clocks: live deadlines that much later, and none at all while the clocks are in trouble. */
export function asClocksAllow(ranges: readonly Judgeable[], { trouble, spreadMs }: ClockState): Judgeable[] {
  return ranges.flatMap((range) => {
    if (!isLive(range.clock)) return [range];
    if (trouble !== null) return [];
    const { through, holdsThrough } = range;
    return [{ ...range, through: back(through, spreadMs), holdsThrough: back(holdsThrough, spreadMs) }];
  });
}

function back(time: Instant, ms: number): Instant {
  return time === never ? never : addMs(time, -Math.ceil(ms));
}

/** `nextOffsets`: by owned partition, the next offset to be read. */
export function judgeable(marks: Marks, nextOffsets: ReadonlyMap<number, number>): Judgeable[] {
  const result: Judgeable[] = [];
  for (const clock of marks.clocks()) {
    for (const [partition, nextOffset] of nextOffsets) {
      const one = judgeableOn(marks, clock, partition, nextOffset);
      if (one) result.push(one);
    }
  }
  return result;
}

function judgeableOn(marks: Marks, clock: string, partition: number, nextOffset: number): Judgeable | null {
  const gateway = marks.reached('gateway', clock, partition, nextOffset);
  if (!gateway) return null;
  const { time: through } = gateway;
  // The ledger vouches for the wall clock only. An imported slip waits for its answer itself, which always comes.
  const holds = isLive(clock) ? marks.reached('ledger', clock, partition, nextOffset) : null;
  const slips = marks.reached('intake', clock, partition, nextOffset);
  const closed = gateway.closed && slips?.closed === true;
  return { partition, clock, through, holdsThrough: holds?.time ?? never, closed };
}

import { instantFromMicros, instantFromMs, instantToMs } from '@slipstream/kernel';
import { isLive, type PendingEvent, wallClock } from '@slipstream/slip';
import { asClocksAllow, type ClockState, judgeable } from '../../domain/deadline/judgeable.ts';
import type { Marks } from '../../domain/deadline/marks.ts';
import type { OwnedPartitions } from '../ports.ts';
import type { SlowSlip } from '../quiet/hot-partition.ts';
import type { Way } from '../quiet/ways.ts';
import type { ReturnCurveView } from '../reads.ts';

/** Told of one partition in one round. */
const slipsMax = 50;
/** One in a thousand is known when so many have returned. */
const slipsKnown = 1_000;
/** Between two looks at the curves, in rounds. */
const roundsPerLook = 15;

export interface TellSlowParts {
  readonly marks: Marks;
  readonly owned: Pick<OwnedPartitions, 'nextOffsets'>;
  clocks(): ClockState;
  curves(): Promise<readonly ReturnCurveView[]>;
  readonly quiet: {
    slow(partition: number, now: number, usualMs: (way: Way) => number | null, slipsMax: number): SlowSlip[];
    saidSlow(partition: number, slipIds: readonly string[]): void;
  };
  /** The same id for the same slip. */
  slowId(slipId: string): string;
  /** False when the partition is no longer ours: nothing was published. */
  publish(partition: number, events: readonly PendingEvent[]): Promise<boolean>;
}

/**
 * Tells once of each slip followed in memory that takes longer than 99.9 % of its kind, as far as all answers were read.
 * While all outcomes of a way are slow that is told of the provider, and not of each slip.
 */
export function createSlowTeller(parts: TellSlowParts): () => Promise<void> {
  const { marks, owned, clocks, quiet } = parts;
  let usual: ReadonlyMap<string, number> = new Map();
  let rounds = 0;
  const usualMs = ([route, provider]: Way) => usual.get(`${route} ${provider}`) ?? null;

  return async () => {
    if (rounds++ % roundsPerLook === 0) usual = usualOf(await parts.curves());
    if (usual.size === 0) return;
    const live = judgeable(marks, owned.nextOffsets()).filter(({ clock }) => isLive(clock));
    for (const { partition, through } of asClocksAllow(live, clocks())) {
      const slips = quiet.slow(partition, instantToMs(through), usualMs, slipsMax);
      if (slips.length === 0) continue;
      if (await parts.publish(partition, slips.map(toEvent(partition))))
        quiet.saidSlow(
          partition,
          slips.map(({ slipId }) => slipId),
        );
    }
  };

  function toEvent(partition: number) {
    return ({ slipId, dispatchedAt, deadline, ...rest }: SlowSlip): PendingEvent => ({
      ...{ slipId, partition, clock: wallClock, id: parts.slowId(slipId), receivedAt: null },
      event: {
        type: 'SlipSlow',
        data: {
          ...rest,
          dispatchedAt: instantFromMs(dispatchedAt),
          deadline: instantFromMicros(BigInt(deadline)),
        },
      },
    });
  }
}

function usualOf(curves: readonly ReturnCurveView[]): ReadonlyMap<string, number> {
  return new Map(
    curves.flatMap(({ provider, route, slips, suggestedDeadlineMs, fallingSince }) =>
      slips < slipsKnown || suggestedDeadlineMs === null || fallingSince !== null
        ? []
        : [[`${route} ${provider}`, suggestedDeadlineMs] as const],
    ),
  );
}

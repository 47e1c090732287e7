import { type Instant, instantFromMs, instantToMs } from '@slipstream/kernel';
import { isLive, type PendingEvent, type Stage, type StagePoint, wallClock } from '@slipstream/slip';
import {
  asClocksAllow,
  type ClockState,
  type Judgeable,
  judgeable,
  never,
} from '../../domain/deadline/judgeable.ts';
import type { Marks } from '../../domain/deadline/marks.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import { endedBy, pointPassed } from '../../domain/stage/late-stage.ts';
import { presentStage, tellAt } from '../../domain/stage/present-stage.ts';
import { fold, type WatchedSlip } from '../../domain/watch/watched-slip.ts';
import { type Change, type Identified, toRecorded, unchanged } from '../advance.ts';
import type { LatePlace, Lookout, OwnedPartitions } from '../ports.ts';
import type { LateStage, StageJudge } from '../quiet/hot-partition.ts';

/** Told of one partition in one round, of those in memory and of those that are rows. */
const slipsMax = 50;

export interface TellLateStagesParts {
  readonly marks: Marks;
  readonly owned: Pick<OwnedPartitions, 'nextOffsets' | 'inPartition'>;
  readonly lookout: Pick<Lookout, 'withStagesToTell'>;
  clocks(): ClockState;
  /** When our own services stood still, as far as it is known now. */
  stalls(): readonly Stall[];
  readonly quiet: {
    lateStages(
      partition: number,
      now: number,
      holdsNow: number,
      judge: StageJudge,
      slipsMax: number,
    ): LateStage[];
    saidLate(partition: number, stages: readonly LateStage[]): void;
  };
  /** The same id for the same point of the same stage. */
  stageLateId(slipId: string, stage: Stage, point: StagePoint): string;
  /** False when the partition is no longer ours: nothing was published. */
  publish(partition: number, events: readonly PendingEvent[]): Promise<boolean>;
  /** Counts what was told. */
  told(stage: Stage, point: StagePoint): void;
}

/**
 * Tells, once at each point, of the slips whose present stage takes longer than their policy lets it, and which service
 * should have ended it. It is judged as far as the watermarks vouch that all which ends the stage was read: of a service that
 * stands still or lags nothing is told here, but that the detector is blind.
 */
export function createStageTeller(parts: TellLateStagesParts): () => Promise<void> {
  const { marks, owned, clocks, quiet, lookout } = parts;
  /** Where a partition's rows were last looked at: those that our own stalls excuse keep no others waiting. */
  const places = new Map<number, LatePlace>();

  return async () => {
    const live = judgeable(marks, owned.nextOffsets()).filter(({ clock }) => isLive(clock));
    const stalls = parts.stalls().map(({ service, from, until }) => ({
      ...{ service, from: instantToMs(from), until: instantToMs(until) },
    }));
    const judge: StageJudge = (stage, limits, since, now) =>
      pointPassed(stage, limits, { since, now }, stalls);
    const ranges = asClocksAllow(live, clocks());
    await tellRows(ranges, judge);
    for (const { partition, through, holdsThrough } of ranges) {
      const holdsNow = holdsThrough === never ? 0 : instantToMs(holdsThrough);
      const late = quiet.lateStages(partition, instantToMs(through), holdsNow, judge, slipsMax);
      if (late.length === 0 || !(await parts.publish(partition, late.map(toEvent(partition))))) continue;
      quiet.saidLate(partition, late);
      for (const { stage, point } of late) parts.told(stage, point);
    }
  };

  async function tellRows(ranges: readonly Judgeable[], judge: StageJudge): Promise<void> {
    const throughs = new Map(ranges.map(({ partition, through }) => [partition, through]));
    const found = new Set(await lookout.withStagesToTell(throughs));
    for (const range of ranges) if (found.has(range.partition)) await tellRowsOf(range, judge);
  }

  async function tellRowsOf(range: Judgeable, judge: StageJudge): Promise<void> {
    const { partition, through } = range;
    let looked: readonly WatchedSlip[] = [];
    let told: readonly LateStage[] = [];
    const isKept = await owned.inPartition(partition, async (unit) => {
      const { now, slips } = await unit.toTellLate(
        partition,
        through,
        places.get(partition) ?? null,
        slipsMax,
      );
      const found = slips.flatMap((slip) => lateStageOf(slip, range, judge) ?? []);
      // A release before this one moved them on, and wrote no other time.
      const stale = slips.filter((slip) => !isToTell(slip, through));
      const changes = [...found.map((one) => toChange(one, now)), ...stale.map(unchanged)];
      if (changes.length > 0) await unit.save(changes);
      [looked, told] = [slips, found.map(({ late }) => late)];
    });
    const last = looked.at(-1);
    // From the first one again, when there are no more.
    if (!isKept || last === undefined || looked.length < slipsMax) places.delete(partition);
    else places.set(partition, { at: tellAt(last) ?? through, slipId: last.state.slipId });
    if (isKept) for (const { stage, point } of told) parts.told(stage, point);
  }

  function toChange({ slip, late }: { slip: WatchedSlip; late: LateStage }, now: Instant): Change {
    const event = toEvent(slip.partition)(late);
    return { before: slip, slip: fold(slip, toRecorded(event, now)), events: [event] };
  }

  function toEvent(partition: number) {
    return ({ slipId, stage, point, since, limitMs, provider }: LateStage): Identified => ({
      ...{
        slipId,
        partition,
        clock: wallClock,
        id: parts.stageLateId(slipId, stage, point),
        receivedAt: null,
      },
      event: {
        type: 'StageLate',
        data: {
          ...{ stage, point, service: endedBy[stage], since: instantFromMs(since), limitMs },
          provider: provider === '' ? null : provider,
        },
      },
    });
  }
}

function isToTell(slip: WatchedSlip, through: Instant): boolean {
  const at = tellAt(slip);
  return at !== null && at <= through;
}

/** What is to be told of a row; null: nothing yet. */
function lateStageOf(
  slip: WatchedSlip,
  { through, holdsThrough }: Judgeable,
  judge: StageJudge,
): { readonly slip: WatchedSlip; readonly late: LateStage } | null {
  const present = presentStage(slip);
  if (present === null) return null;
  const { stage, limits, told } = present;
  const { slipId, provider, lastAttempt } = slip.state;
  const readTo = stage === 'submitted' && holdsThrough < through ? holdsThrough : through;
  const since = instantToMs(present.since);
  const point = readTo === never ? null : judge(stage, limits, since, instantToMs(readTo));
  if (point === null || told === 'act' || point === told) return null;
  const limitMs = point === 'act' ? limits.actMs : limits.warnMs;
  const isGiven = lastAttempt !== null && lastAttempt.outcome !== 'not_sent';
  return { slip, late: { slipId, stage, point, since, limitMs, provider: isGiven ? (provider ?? '') : '' } };
}

import { instantFromMs, instantToMs } from '@slipstream/kernel';
import { isLive, type PendingEvent, type Stage, type StagePoint, wallClock } from '@slipstream/slip';
import { asClocksAllow, type ClockState, judgeable, never } from '../../domain/deadline/judgeable.ts';
import type { Marks } from '../../domain/deadline/marks.ts';
import type { Stall } from '../../domain/diagnosis/stalls.ts';
import { endedBy, pointPassed } from '../../domain/stage/late-stage.ts';
import type { OwnedPartitions } from '../ports.ts';
import type { LateStage, StageJudge } from '../quiet/hot-partition.ts';

/** Told of one partition in one round. */
const slipsMax = 50;

export interface TellLateStagesParts {
  readonly marks: Marks;
  readonly owned: Pick<OwnedPartitions, 'nextOffsets'>;
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
 * Tells, once at each point, of the slips followed in memory whose present stage takes longer than their policy lets it, and which service
 * should have ended it. It is judged as far as the watermarks vouch that all which ends the stage was read: of a service that
 * stands still or lags nothing is told here, but that the detector is blind.
 */
export function createStageTeller(parts: TellLateStagesParts): () => Promise<void> {
  const { marks, owned, clocks, quiet } = parts;

  return async () => {
    const live = judgeable(marks, owned.nextOffsets()).filter(({ clock }) => isLive(clock));
    const stalls = parts.stalls().map(({ service, from, until }) => ({
      ...{ service, from: instantToMs(from), until: instantToMs(until) },
    }));
    const judge: StageJudge = (stage, limits, since, now) =>
      pointPassed(stage, limits, { since, now }, stalls);
    for (const { partition, through, holdsThrough } of asClocksAllow(live, clocks())) {
      const holdsNow = holdsThrough === never ? 0 : instantToMs(holdsThrough);
      const late = quiet.lateStages(partition, instantToMs(through), holdsNow, judge, slipsMax);
      if (late.length === 0 || !(await parts.publish(partition, late.map(toEvent(partition))))) continue;
      quiet.saidLate(partition, late);
      for (const { stage, point } of late) parts.told(stage, point);
    }
  };

  function toEvent(partition: number) {
    return ({ slipId, stage, point, since, limitMs, provider }: LateStage): PendingEvent => ({
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

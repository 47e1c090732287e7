import { addMs, earlier, type Instant } from '@slipstream/kernel';
import { isLive, type Stage, type StageLimits, type StagePoint } from '@slipstream/slip';
import { isAwaited, type WatchedSlip } from '../watch/watched-slip.ts';

/** The stage in which a slip waits. */
export interface PresentStage {
  readonly stage: Stage;
  readonly since: Instant;
  readonly limits: StageLimits;
  /** What was told of it; null: nothing yet. */
  readonly told: StagePoint | null;
}

/**
 * Of a slip that is looked at, from all that is known of it; null: it waits in none that has limits. Those of an import are none of ours: its
 * clock is the importer's, and nobody can help it any more.
 */
export function presentStage(slip: WatchedSlip): PresentStage | null {
  const { state, observations, verdict } = slip;
  const policy = state.policy.stages;
  if (!policy || verdict !== 'open' || !isLive(state.clock) || !isAwaited(slip)) return null;
  const begun = begunAt(slip);
  const limits = begun && policy[begun.stage];
  if (!begun || !limits) return null;
  const { late } = observations;
  return { ...begun, limits, told: late?.stage === begun.stage ? late.point : null };
}

/** null: when it began nobody has written down. */
function begunAt({
  state,
  observations,
}: WatchedSlip): { readonly stage: Stage; readonly since: Instant } | null {
  const { acknowledgedAt, lastStep, approvedAt, intendedAt, heldAt, held } = state;
  if (acknowledgedAt !== null || lastStep !== null) {
    const heard = [acknowledgedAt, observations.progressedAt].filter((at) => at != null);
    return heard.length === 0 ? null : { stage: 'returned', since: heard.reduce(earlier) };
  }
  if (intendedAt !== null) return { stage: 'dispatching', since: intendedAt };
  if (held && heldAt !== null) return { stage: 'held', since: heldAt };
  if (state.reviewRequired && approvedAt === null) return { stage: 'review', since: state.submittedAt };
  return { stage: 'submitted', since: approvedAt ?? state.submittedAt };
}

/**
 * The earliest time at which its present stage can have to be told of, stalls of ours apart; null: there is nothing to tell any more. From its
 * deadline on it is overdue, and no stage of it is late.
 */
export function tellAt(slip: WatchedSlip): Instant | null {
  const present = presentStage(slip);
  if (present === null || present.told === 'act') return null;
  const { limits, since, told } = present;
  const ms = told === null && limits.warnMs > 0 ? limits.warnMs : limits.actMs;
  const at = addMs(since, ms);
  return ms > 0 && at < slip.state.deadline ? at : null;
}

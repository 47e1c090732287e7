import type { Instant } from '@slipstream/kernel';
import { evolve, isLive, isSubmitted, type RecordedEvent, type SubmittedSlip } from '@slipstream/slip';
import { isInTime } from '../deadline/in-time.ts';
import { type Facts, noFacts, noteFact } from '../diagnosis/facts.ts';

/** About the stage `returned`: `open` until its deadline can be judged, then for ever one of the others. */
export type Verdict = 'open' | 'in_time' | 'overdue';

/** What is done next about an overdue slip, and when: ask the provider once more, or draw the conclusion. */
export interface NextStep {
  readonly kind: 'inquire' | 'conclude';
  readonly at: Instant;
}

/** A slip whose return is being waited for, or was missed. */
export interface WatchedSlip {
  readonly partition: number;
  readonly state: SubmittedSlip;
  readonly facts: Facts;
  readonly verdict: Verdict;
  readonly nextStep: NextStep | null;
}

/** Starts watching at SlipSubmitted; null for any other event: without its terms a slip has no deadline. */
export function watch(partition: number, recorded: RecordedEvent): WatchedSlip | null {
  const state = evolve(null, recorded);
  if (!isSubmitted(state)) return null;
  return { partition, state, facts: noteFact(noFacts, recorded), verdict: 'open', nextStep: null };
}

/** Folds one more event. A return received by the deadline is a verdict at once: no later event takes it back. */
export function fold(slip: WatchedSlip, recorded: RecordedEvent): WatchedSlip {
  const state = evolve(slip.state, recorded) as SubmittedSlip;
  const inTime = slip.verdict === 'open' && isInTime(recorded, state.deadline);
  return {
    ...slip,
    state,
    facts: noteFact(slip.facts, recorded),
    verdict: inTime ? 'in_time' : slip.verdict,
  };
}

/** Money moved or the slip was refused. */
export function hasEnded({ settled, refunded, rejection }: SubmittedSlip): boolean {
  return settled || refunded || rejection !== null;
}

/** Any answer said that the provider executed the slip. */
export function successReported({ outcome, contradictedBy }: SubmittedSlip): boolean {
  return outcome === 'succeeded' || contradictedBy === 'succeeded';
}

/** The answer can still come, and is missed. */
export function isMissed(slip: WatchedSlip): boolean {
  const { state } = slip;
  return (
    slip.verdict === 'overdue' && state.outcome === null && state.notReturned === null && !hasEnded(state)
  );
}

/**
 * Returned in time, settled or refused, and nobody has to look at it: nothing of it is worth keeping. A refunded slip is
 * kept, because a success may still be reported, and nobody would see that the money went out twice (rule 7).
 */
export function isForgettable({ state, verdict }: WatchedSlip): boolean {
  const over = state.settled || state.rejection !== null;
  return verdict === 'in_time' && over && state.case?.status !== 'open';
}

/** Nothing more is expected: returned, or given up, and nobody is asked to look at it. */
export function isFinished(slip: WatchedSlip): boolean {
  const { state } = slip;
  if (slip.verdict === 'open' || slip.nextStep !== null || state.case?.status === 'open') return false;
  if (hasEnded(state)) return true;
  // An import moves no money of its own accord when nothing came back.
  return !isLive(state.clock) && slip.verdict === 'overdue' && !isMissed(slip);
}

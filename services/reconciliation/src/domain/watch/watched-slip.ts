import type { Instant } from '@slipstream/kernel';
import {
  endsReturned,
  evolve,
  hasEnded,
  isInTime,
  isLive,
  isSubmitted,
  type RecordedEvent,
  type SubmittedSlip,
} from '@slipstream/slip';
import { nothingObserved, type Observations, observe } from '../diagnosis/observations.ts';

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
  readonly observations: Observations;
  readonly verdict: Verdict;
  readonly nextStep: NextStep | null;
}

/** Starts watching at SlipSubmitted; null for any other event: without its terms a slip has no deadline. */
export function watch(partition: number, recorded: RecordedEvent): WatchedSlip | null {
  const state = evolve(null, recorded);
  if (!isSubmitted(state)) return null;
  const observations = observe(nothingObserved, recorded);
  return { partition, state, observations, verdict: 'open', nextStep: null };
}

/** Folds one more event. Its first verdict stands for ever: no later event takes it back. */
export function fold(slip: WatchedSlip, recorded: RecordedEvent): WatchedSlip {
  return {
    ...slip,
    state: evolve(slip.state, recorded) as SubmittedSlip,
    observations: observe(slip.observations, recorded),
    verdict: slip.verdict === 'open' ? verdictOf(recorded, slip.state.deadline) : slip.verdict,
  };
}

/**
 * What one event says about the stage `returned` (rule 6). The hold of an imported slip is answered long after its time,
 * so a refusal there is always in time: nothing was due.
 */
function verdictOf({ clock, event, receivedTime }: RecordedEvent, deadline: Instant): Verdict {
  if (event.type === 'SlipOverdue' && event.data.stage === 'returned') return 'overdue';
  if (!endsReturned(event)) return 'open';
  const nothingDue = !isLive(clock) && event.type !== 'SlipReturned';
  return nothingDue || isInTime(receivedTime, deadline) ? 'in_time' : 'open';
}

/** The answer can still come, and is missed. */
export function isMissed({ state, verdict }: WatchedSlip): boolean {
  return verdict === 'overdue' && state.outcome === null && state.notReturned === null && !hasEnded(state);
}

/**
 * Where a slip is kept. `watched`: something is due about it, or expected soon. `archived`: nothing is, but a late word
 * of the provider still matters: after a refund a success means that the money went out twice (rule 7), and an open case
 * closes by an answer. `forgotten`: nothing that may still come changes anything.
 */
export type Place = 'watched' | 'archived' | 'forgotten';

export function placeOf(slip: WatchedSlip): Place {
  const { state, verdict, nextStep } = slip;
  if (verdict === 'open' || nextStep !== null) return 'watched';
  // An import moves no money of its own accord and opens no case; what it missed is concluded when its clock is closed.
  if (!isLive(state.clock)) return isMissed(slip) ? 'watched' : 'forgotten';
  if (state.case?.status === 'open' || state.refunded) return 'archived';
  return hasEnded(state) ? 'forgotten' : 'watched';
}

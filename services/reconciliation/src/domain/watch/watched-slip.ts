import type { Instant } from '@slipstream/kernel';
import {
  endsReturnedInTime,
  evolve,
  hasEnded,
  initialState,
  isLive,
  isSubmitted,
  type RecordedEvent,
  type SlipState,
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

/**
 * A slip that is kept no more, as far as is known from that alone: it has settled, for of all others about which a provider
 * may still say something is kept. What its terms were is not known here any more.
 */
export function recall(partition: number, { slipId, clock }: RecordedEvent): WatchedSlip {
  const state = { ...initialState(slipId, clock), settled: true } as SlipState as SubmittedSlip;
  return { partition, state, observations: nothingObserved, verdict: 'in_time', nextStep: null };
}

/** Whether people must hear of it, though its slip has ended: the provider says otherwise, or what nobody understands. */
export function mattersAfterTheEnd({ clock, event }: RecordedEvent): boolean {
  return isLive(clock) && (event.type === 'SlipReturned' || event.type === 'AnswerDoubted');
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

/** What one event says about the stage `returned` (rule 6). */
function verdictOf(recorded: RecordedEvent, deadline: Instant): Verdict {
  const { event } = recorded;
  if (event.type === 'SlipOverdue' && event.data.stage === 'returned') return 'overdue';
  return endsReturnedInTime(recorded, deadline) ? 'in_time' : 'open';
}

/** Its answer can still come. */
export function isAwaited({ state }: WatchedSlip): boolean {
  return state.outcome === null && state.notReturned === null && !hasEnded(state);
}

/** The answer can still come, and is missed. */
export function isMissed(slip: WatchedSlip): boolean {
  return slip.verdict === 'overdue' && isAwaited(slip);
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

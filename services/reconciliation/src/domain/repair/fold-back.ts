import type { RecordedEvent } from '@slipstream/slip';
import { type SlipEvent, type SubmittedSlip, timeOn } from '@slipstream/slip';
import { mustBeReleased } from '../case/reasons.ts';
import type { Stall } from '../diagnosis/stalls.ts';
import { isMissed, type NextStep, type WatchedSlip } from '../watch/watched-slip.ts';
import { isAutomaticRefund } from './budget.ts';
import { decide } from './decide.ts';
import { nextRung } from './ladder.ts';

/** What the log shows of a slip where nothing is decided: what was to follow is looked for further on in the log. */
export interface Followed {
  readonly nextStep: NextStep | null;
  /** Names of what is to be said, as {@link nameOf} gives them. */
  readonly awaited: readonly string[];
}

/** What follows from an event that was folded into the slip just now, one of our own or another service's. */
export function followed(slip: WatchedSlip, recorded: RecordedEvent, stalls: readonly Stall[]): Followed {
  const { event } = recorded;
  const now = timeOn(recorded);
  const decision = decide(slip, { type: 'event', event }, now, stalls);
  const awaited = decision.events.map(nameOf);
  // People ask beside the ladder.
  if (event.type === 'InquiryRequested' && !event.data.requestedBy && isMissed(slip))
    return { awaited, nextStep: nextRung(slip.state, event.data.inquiry, now) };
  const isEnd = event.type === 'CaseOpened' && ladderEnds.has(event.data.reason);
  return { awaited, nextStep: isEnd ? null : decision.nextStep };
}

const ladderEnds: ReadonlySet<string> = new Set(['inquiry_exhausted', 'no_answer']);

/** What is said once of one occasion has one name; a refund that waits for people is what was to be asked for. */
export function nameOf(event: SlipEvent): string {
  if (isRefundDecided(event)) return 'RefundRequested';
  if (event.type === 'CaseOpened' || event.type === 'CaseClosed') return `${event.type} ${event.data.reason}`;
  return event.type === 'CaseNoted' ? `${event.type} ${event.data.code}` : event.type;
}

/** A refund that nobody asked for was asked for, or waits for people. */
export function isRefundDecided(event: SlipEvent): boolean {
  return isAutomaticRefund(event) || (event.type === 'CaseOpened' && mustBeReleased(event.data.reason));
}

/** Whether nothing is left to be said: why it did not come back is known, and is not told anew for what was learnt since. */
export function isSaid(awaited: readonly string[], { cause }: SubmittedSlip): boolean {
  return awaited.every((name) => name === 'SlipDiagnosed' && cause !== null);
}

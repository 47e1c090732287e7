import type { Instant } from '@slipstream/kernel';
import type { NotReturnedBasis } from '@slipstream/slip';
import type { TopicEvent } from './facts.ts';

/** What the topic says about one slip; folded here anew, on purpose without libs/slip's state machine. */
export interface SlipFacts {
  readonly slipId: string;
  clock: string;
  submittedAt: Instant | null;
  dispatched: boolean;
  deadline: Instant | null;
  rejected: boolean;
  overdue: boolean;
  returnedAt: Instant | null;
  notReturned: NotReturnedBasis | null;
  settled: boolean;
  refunded: boolean;
  openCases: number;
}

/** Folds the events of the topic, resends taken out by the caller, into one row per slip. */
export function foldSlips(events: Iterable<TopicEvent>): Map<string, SlipFacts> {
  const slips = new Map<string, SlipFacts>();
  for (const { recorded } of events) {
    const slip = slips.get(recorded.slipId) ?? unseen(recorded.slipId, recorded.clock);
    slips.set(recorded.slipId, slip);
    const { event } = recorded;
    switch (event.type) {
      case 'SlipSubmitted':
        slip.submittedAt = recorded.time;
        slip.deadline = event.data.deadline;
        slip.dispatched = event.data.mode === 'dispatched';
        break;
      case 'SlipRejected':
        slip.submittedAt = recorded.time;
        slip.rejected = true;
        break;
      case 'HoldRefused':
        slip.rejected = true;
        break;
      case 'SlipOverdue':
        slip.overdue = true;
        break;
      case 'SlipReturned':
        slip.returnedAt ??= recorded.receivedTime;
        break;
      case 'SlipNotReturned':
        slip.notReturned = event.data.basis;
        break;
      case 'SlipSettled':
        slip.settled = true;
        break;
      case 'SlipRefunded':
        slip.refunded = true;
        break;
      case 'CaseOpened':
        slip.openCases++;
        break;
      case 'CaseClosed':
        slip.openCases--;
        break;
    }
  }
  return slips;
}

function unseen(slipId: string, clock: string): SlipFacts {
  return {
    slipId,
    clock,
    submittedAt: null,
    dispatched: false,
    deadline: null,
    rejected: false,
    overdue: false,
    returnedAt: null,
    notReturned: null,
    settled: false,
    refunded: false,
    openCases: 0,
  };
}

/** A slip has ended when nothing more will happen to it by itself. */
export function hasEnded(slip: SlipFacts): boolean {
  return slip.rejected || slip.settled || slip.refunded || slip.openCases > 0;
}

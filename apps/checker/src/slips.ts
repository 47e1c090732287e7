import type { Instant } from '@slipstream/kernel';
import type { NotReturnedBasis, Outcome } from '@slipstream/slip';
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
  /** When the first answer was received, and what it says. */
  returnedAt: Instant | null;
  outcome: Outcome | null;
  notReturned: NotReturnedBasis | null;
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
        slip.outcome ??= event.data.outcome;
        break;
      case 'SlipNotReturned':
        slip.notReturned = event.data.basis;
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
    outcome: null,
    notReturned: null,
    refunded: false,
    openCases: 0,
  };
}

import { type Micros, type Told, type WireEvent, wall } from './events.ts';
import type { TopicEvent } from './facts.ts';

type Submitted = Extract<Told, { type: 'submitted' }>;
export type Returned = Extract<Told, { type: 'returned' }> & { readonly receivedTime: Micros };

/** What the topic says about one slip; folded here anew, on purpose without libs/slip's state machine. */
export interface SlipFacts {
  readonly slipId: string;
  readonly clock: string;
  readonly partition: number;
  /** Of SlipSubmitted or SlipRejected; null while neither was read. */
  readonly submittedAt: Micros | null;
  readonly terms: Submitted | null;
  readonly rejected: boolean;
  readonly overdue: boolean;
  /** The provider's answers, in the order of the log. */
  readonly answers: readonly Returned[];
  /** When the outcome stage was first ended, by rule 6; null: it never was. */
  readonly endedAt: Micros | null;
  readonly notReturned: 'not_executed' | 'no_answer' | null;
  readonly held: boolean;
  readonly refunded: boolean;
  readonly settled: boolean;
  /** Why people look at it: the reasons of its case that are not resolved. */
  readonly caseReasons: readonly string[];
  /** Everything, in the order of the log. */
  readonly events: readonly WireEvent[];
}

/** Folds the topic's events, resends taken out by the caller, into one row per slip. */
export function foldSlips(events: Iterable<TopicEvent>): Map<string, SlipFacts> {
  const slips = new Map<string, SlipFacts>();
  for (const { partition, event } of events) {
    const before = slips.get(event.slipId) ?? unseen(event, partition);
    slips.set(event.slipId, { ...fold(before, event), events: [...before.events, event] });
  }
  return slips;
}

function fold(slip: SlipFacts, { told, time, receivedTime, clock }: WireEvent): SlipFacts {
  switch (told.type) {
    case 'submitted':
      return slip.terms ? slip : { ...slip, terms: told, submittedAt: time };
    case 'rejected':
      return { ...slip, ...ended(slip, receivedTime), submittedAt: slip.submittedAt ?? time, rejected: true };
    case 'approved':
      return slip.terms ? { ...slip, terms: { ...slip.terms, deadline: told.deadline } } : slip;
    case 'withdrawn':
    case 'declined':
      return { ...slip, ...ended(slip, receivedTime), rejected: slip.terms !== null };
    case 'hold_refused': {
      // What is imported is held long after its own time: nothing was due.
      const at = clock === wall ? receivedTime : beforeAll;
      return { ...slip, ...ended(slip, at), rejected: true };
    }
    case 'returned':
      return {
        ...slip,
        ...ended(slip, receivedTime),
        answers: [...slip.answers, { ...told, receivedTime }],
      };
    case 'overdue':
      return told.ofOutcome ? { ...slip, overdue: true } : slip;
    case 'not_returned':
      return { ...slip, notReturned: told.notExecuted ? 'not_executed' : 'no_answer' };
    case 'funds_held':
      return { ...slip, held: true };
    case 'refunded':
      return { ...slip, refunded: true };
    case 'settled':
      return { ...slip, settled: true };
    case 'case_opened':
      return { ...slip, caseReasons: [...slip.caseReasons, told.reason] };
    case 'case_closed':
      return {
        ...slip,
        caseReasons: slip.caseReasons.filter((one) => told.reason !== null && one !== told.reason),
      };
    default:
      return slip;
  }
}

const beforeAll = -(2n ** 62n);

function ended({ endedAt }: SlipFacts, at: Micros): Pick<SlipFacts, 'endedAt'> {
  return { endedAt: endedAt === null || at < endedAt ? at : endedAt };
}

function unseen({ slipId, clock }: WireEvent, partition: number): SlipFacts {
  return {
    slipId,
    clock,
    partition,
    submittedAt: null,
    terms: null,
    rejected: false,
    overdue: false,
    answers: [],
    endedAt: null,
    notReturned: null,
    held: false,
    refunded: false,
    settled: false,
    caseReasons: [],
    events: [],
  };
}

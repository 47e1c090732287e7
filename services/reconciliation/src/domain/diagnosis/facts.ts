import type { Instant } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';

export type FactName =
  | 'submitted'
  | 'held'
  | 'refused'
  | 'intended'
  | 'not_sent'
  | 'unanswered'
  | 'acknowledged'
  | 'progressed'
  | 'answered'
  | 'returned'
  | 'overdue';

/** The provider's latest word about an inquiry. */
export interface LastAnswer {
  readonly inquiry: number;
  readonly answer: Extract<SlipEvent, { type: 'InquiryAnswered' }>['data']['answer'];
  readonly at: Instant;
}

/** What a diagnosis needs beside the slip's state: which event shows a fact, and the words that came with it. */
export interface Facts {
  /** The latest event of each kind; of returns the first, which is the one that counts. */
  readonly ids: { readonly [Name in FactName]?: string };
  readonly notSentReason: string | null;
  readonly unansweredReason: string | null;
  readonly lastAnswer: LastAnswer | null;
}

export const noFacts: Facts = { ids: {}, notSentReason: null, unansweredReason: null, lastAnswer: null };

const names: { readonly [Type in SlipEvent['type']]?: FactName } = {
  SlipSubmitted: 'submitted',
  FundsHeld: 'held',
  HoldRefused: 'refused',
  DispatchIntended: 'intended',
  DispatchNotSent: 'not_sent',
  DispatchUnanswered: 'unanswered',
  SlipAcknowledged: 'acknowledged',
  SlipProgressed: 'progressed',
  InquiryAnswered: 'answered',
  SlipReturned: 'returned',
  SlipOverdue: 'overdue',
};

export function noteFact(facts: Facts, recorded: RecordedEvent): Facts {
  const { event } = recorded;
  const name = names[event.type];
  if (name === undefined) return facts;
  if (name === 'returned' && facts.ids.returned !== undefined) return facts;
  const ids = { ...facts.ids, [name]: recorded.id };
  switch (event.type) {
    case 'DispatchNotSent':
      return { ...facts, ids, notSentReason: event.data.reason };
    case 'DispatchUnanswered':
      return { ...facts, ids, unansweredReason: event.data.reason };
    case 'InquiryAnswered': {
      const { inquiry, answer } = event.data;
      return { ...facts, ids, lastAnswer: { inquiry, answer, at: recorded.time } };
    }
    default:
      return { ...facts, ids };
  }
}

/** The events that show the named facts, in the order given; those that never happened are left out. */
export function evidenceOf(facts: Facts, wanted: readonly FactName[]): string[] {
  return wanted.flatMap((name) => facts.ids[name] ?? []);
}

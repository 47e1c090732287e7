import type { Instant } from '@slipstream/kernel';
import type { DataOf, RecordedEvent, RefusedCallbacks, SlipEvent, Stage, StagePoint } from '@slipstream/slip';

export type Observed =
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
  | 'called_back'
  | 'callback_refused'
  | 'overdue';

/** The provider's latest word about an inquiry. */
export interface LastAnswer {
  readonly inquiry: number;
  readonly answer: Extract<SlipEvent, { type: 'InquiryAnswered' }>['data']['answer'];
  readonly at: Instant;
  /** Of a slip that no attempt was made of; null: nobody says. */
  readonly heldUpBy?: DataOf<'InquiryAnswered'>['heldUpBy'];
}

/** What a diagnosis needs beside the slip's state: which event shows what, and the words that came with it. */
export interface Observations {
  /** The latest event of each kind; of returns the first, which is the one that counts. */
  readonly ids: { readonly [Name in Observed]?: string };
  readonly unansweredReason: string | null;
  /** Absent in what a release before this one wrote. */
  readonly unansweredAt?: Instant;
  /** Of the latest attempt that left nothing and tells why; absent in what a release before this one wrote. */
  readonly notSentReason?: string | null;
  readonly lastAnswer: LastAnswer | null;
  /** Of the provider, while the slip was waited for, as the gateway told it last; absent: none was told. */
  readonly callbacksRefused?: RefusedCallbacks;
  /** When the provider first said how far it is; absent: it did not. */
  readonly progressedAt?: Instant;
  /** What was last told of a stage that took too long; absent: nothing. */
  readonly late?: { readonly stage: Stage; readonly point: StagePoint };
}

export const nothingObserved: Observations = { ids: {}, unansweredReason: null, lastAnswer: null };

const names: { readonly [Type in SlipEvent['type']]?: Observed } = {
  SlipSubmitted: 'submitted',
  FundsHeld: 'held',
  HoldRefused: 'refused',
  DispatchIntended: 'intended',
  DispatchNotSent: 'not_sent',
  DispatchUnanswered: 'unanswered',
  SlipAcknowledged: 'acknowledged',
  SlipProgressed: 'progressed',
  InquiryAnswered: 'answered',
  CallbackRefused: 'callback_refused',
  SlipReturned: 'returned',
  SlipOverdue: 'overdue',
};

/** The gateway's own delays: they say nothing about the way to the provider. */
const notSentByOwnDelay: ReadonlySet<string> = new Set(['not_published', 'too_late']);

export function observe(known: Observations, recorded: RecordedEvent): Observations {
  const { event } = recorded;
  if (event.type === 'StageLate')
    return { ...known, late: { stage: event.data.stage, point: event.data.point } };
  const name = names[event.type];
  if (name === undefined) return known;
  if (event.type === 'DispatchNotSent' && notSentByOwnDelay.has(event.data.reason)) return known;
  if (name === 'returned' && known.ids.returned !== undefined) return returnedAgain(known, recorded);
  const ids = { ...known.ids, [name]: recorded.id };
  switch (event.type) {
    case 'DispatchNotSent':
      return { ...known, ids, notSentReason: moreTelling(known.notSentReason ?? null, event.data.reason) };
    case 'DispatchUnanswered':
      return { ...known, ids, unansweredReason: event.data.reason, unansweredAt: recorded.time };
    case 'InquiryAnswered': {
      const { inquiry, answer, heldUpBy = null } = event.data;
      const lastAnswer = { inquiry, answer, at: recorded.time, heldUpBy };
      return { ...known, ids, lastAnswer, ...refusedIn(event.data) };
    }
    case 'SlipReturned':
    case 'CallbackRefused':
      return { ...known, ids, ...refusedIn(event.data) };
    case 'SlipProgressed':
      return { ...known, ids, progressedAt: known.progressedAt ?? recorded.receivedTime };
    default:
      return { ...known, ids };
  }
}

function refusedIn({
  callbacksRefused,
}: Pick<DataOf<'SlipReturned'>, 'callbacksRefused'>): Pick<Observations, 'callbacksRefused'> {
  return callbacksRefused ? { callbacksRefused } : {};
}

/** A name that was once answered to be nobody's stays wrong, though nobody answers the next question about it; so with a refusal. */
function moreTelling(before: string | null, reason: string): string {
  return before !== null && reason === 'connection_failed' ? before : reason;
}

/** What it was asked for it says by itself after all. */
function returnedAgain(known: Observations, { id, event }: RecordedEvent): Observations {
  const byItself = event.type === 'SlipReturned' && event.data.evidence === 'signed_callback';
  return byItself ? { ...known, ids: { ...known.ids, called_back: id } } : known;
}

/** The events that show what is named, in the order given; those that never happened are left out. */
export function evidenceOf(known: Observations, wanted: readonly Observed[]): string[] {
  return wanted.flatMap((name) => known.ids[name] ?? []);
}

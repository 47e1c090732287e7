import type { Money } from '@slipstream/kernel';
import type { EventData, Evidence, Outcome } from '@slipstream/slip';
import type { ProviderAnswer } from '../provider/answer.ts';
import type { Dispatch } from './state.ts';

/** Distinct words of one slip that are published; a provider that says ever new things is counted from there on. */
export const toldMax = 16;

type Returned = Pick<
  EventData['SlipReturned'],
  'outcome' | 'amount' | 'providerReference' | 'bookedOn' | 'occurrence'
> & {
  readonly evidence?: Evidence;
  /** It was only learnt by asking, behind the deadline. */
  readonly isLate?: boolean;
};
type Doubted = Pick<EventData['AnswerDoubted'], 'doubt' | 'said'>;

/** `bookedOn`: of what a statement line told, the day if it named one, and which of equal parts; null or absent: nothing but a statement did not tell it. */
type ReturnedNote = readonly [
  'returned',
  Outcome,
  amount: string | null,
  currency: string | null,
  reference: string | null,
  bookedOn?: string | null,
  isLate?: true,
];
type Note = ReturnedNote | readonly ['doubted', Doubted['doubt'], said: string];

/** The row after this was published of it. */
export function telling(dispatch: Dispatch, said: Returned | Doubted): Dispatch {
  if (dispatch.told.length >= toldMax) return dispatch;
  return { ...dispatch, told: [...dispatch.told, JSON.stringify(noteOf(said))] };
}

/** Whether the same was published before: then it is only said once more. */
export function wasTold(
  dispatch: Dispatch,
  answer: Extract<ProviderAnswer, { kind: 'returned' | 'doubtful' }> & { readonly evidence?: Evidence },
) {
  const notes = dispatch.told.map((note) => JSON.parse(note) as Note);
  if (answer.kind === 'doubtful') {
    return notes.some(
      ([kind, doubt, said]) => kind === 'doubted' && doubt === answer.doubt && said === answer.said,
    );
  }
  const { outcome } = answer;
  // Rows of the release before tell of their first answer by its outcome alone.
  if (!notes.some(([kind]) => kind === 'returned') && dispatch.outcome === outcome) return true;
  return notes.some(
    (note) => note[0] === 'returned' && note[1] === outcome && isSame(note, answer, dispatch),
  );
}

/**
 * A failure is one whatever amount it names, but that a statement shows what came back of a success: a bare word has claimed it at most.
 * A success that names no amount means the one that was asked for.
 */
function isSame(note: ReturnedNote, answer: Returned, { amount: asked, outcome: first }: Dispatch): boolean {
  const [, outcome, amount, currency, reference, bookedOn = null] = note;
  const before = amount === null || currency === null ? null : { amount: BigInt(amount), currency };
  if (outcome !== 'succeeded') {
    if (first !== 'succeeded' || answer.evidence !== 'statement_line') return true;
    return bookedOn === dayOf(answer) && agree(before ?? asked, answer.amount ?? asked);
  }
  return agree(before ?? asked, answer.amount ?? asked) && agreeOnText(reference, answer.providerReference);
}

function agree(a: Money | null, b: Money | null): boolean {
  return a === null || b === null || (a.amount === b.amount && a.currency === b.currency);
}

function agreeOnText(a: string | null, b: string | null): boolean {
  return a === null || b === null || a === b;
}

function noteOf(said: Returned | Doubted): Note {
  if ('doubt' in said) return ['doubted', said.doubt, said.said];
  const { outcome, amount, providerReference, evidence, isLate = false } = said;
  const { amount: units = null, currency = null } = amount ?? {};
  const note = ['returned', outcome, units?.toString() ?? null, currency, providerReference] as const;
  // Of a success it is not asked: rows stay as small as they were.
  if (evidence === 'statement_line' && outcome !== 'succeeded') return [...note, dayOf(said)];
  return isLate ? [...note, null, true] : note;
}

/** The day of a line, and which of the equal parts of that day it tells. */
function dayOf({ bookedOn, occurrence }: Returned): string {
  return (occurrence ?? 1) > 1 ? `${bookedOn ?? ''} ${occurrence}` : (bookedOn ?? '');
}

/** Whether it was published behind the deadline, and only because somebody asked. */
export function wasLearntLate({ told }: Dispatch): boolean {
  return told
    .map((note) => JSON.parse(note) as Note)
    .some(([kind, ...rest]) => kind === 'returned' && rest[5] === true);
}

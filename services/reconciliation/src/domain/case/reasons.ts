import { type Money, sameMoney, shownAmount } from '@slipstream/kernel';
import {
  type DataOf,
  type Doubt,
  isLive,
  isOpen,
  isSubmitted,
  type Outcome,
  type SlipEvent,
  type SubmittedSlip,
  successReported,
} from '@slipstream/slip';
import { requestedByItself } from '../repair/budget.ts';

/** Why people must look at a slip. Stored for ever: add, never rename. */
export type Reason = KnownReason | ToldReason;
/** Follows from what is known of the slip. */
type KnownReason =
  | 'inquiry_exhausted'
  | 'no_answer'
  | 'late_success_after_refund'
  | 'amount_mismatch'
  | 'taken_after_denial'
  | WithheldReason;
/** Why a refund that is proved waits for people all the same: they release it. */
export type WithheldReason = 'repair_budget' | 'own_trouble';
/** One of many that our own trouble kept from being sent. */
export const ownTrouble = 'own_trouble' satisfies WithheldReason;
/** Is what one event tells. */
type ToldReason = 'contradiction' | Doubt;

/** What we can find out by ourselves, and what resolves a case that waited for it. */
export type Resolution = 'returned' | 'not_executed' | 'refunded';
/** What people say when they close a case, whatever its reason. */
export const closedByHand = 'by_hand';

/** What resolves a reason without people; nothing where only people can clear it up. */
const resolvedBy: Readonly<Record<Reason, readonly Resolution[]>> = {
  inquiry_exhausted: ['returned', 'not_executed', 'refunded'],
  no_answer: ['returned', 'refunded'],
  late_success_after_refund: [],
  amount_mismatch: [],
  taken_after_denial: ['returned'],
  repair_budget: ['returned', 'refunded'],
  own_trouble: ['returned', 'refunded'],
  contradiction: [],
  word_unknown: ['returned', 'refunded'],
  amount_unreadable: ['returned', 'refunded'],
  reference_shared: [],
};

/** Every reason there is, or was. */
export const reasons = Object.keys(resolvedBy) as readonly Reason[];

const withheldReasons: readonly WithheldReason[] = ['repair_budget', 'own_trouble'];

/** Whether its refund waits until people release it; not before {@link opened} said so. */
export function isWithheld(state: SubmittedSlip): boolean {
  return withheldReasons.some((reason) => isOpenFor(state, reason));
}

/** A reason that people cannot close: the money would stay held, and nobody would look at it. */
export function mustBeReleased(reason: string): boolean {
  return withheldReasons.some((one) => one === reason);
}

/** The sentence that people read first. */
const summaries: Readonly<Record<KnownReason, (state: SubmittedSlip) => string>> = {
  inquiry_exhausted: (state) =>
    `Every inquiry was asked, and it is still not known whether the provider executed the slip${over(state)}.`,
  no_answer: (state) => `The deadline passed, nobody can be asked, and no answer was reported${over(state)}.`,
  late_success_after_refund: ({ amount, returnedAmount }) =>
    `After ${named(amount)} had been given back, the provider says ${sayingOf('succeeded', returnedAmount)}.`,
  amount_mismatch: ({ amount: asked, returnedAmount: moved }) =>
    `The provider says that it moved ${named(moved)}; the slip asked for ${named(asked)}.`,
  taken_after_denial: (state) =>
    `It was proved that the provider had not executed the slip${over(state)}, and now it says that it has taken it: it may execute it yet.`,
  repair_budget: ({ amount }) =>
    `It is proved that nothing was executed, but refunds without people have used up what an hour may take. ` +
    `${named(amount)} stays held until somebody releases it.`,
  own_trouble: ({ amount }) =>
    'It is proved that nothing was executed: our own trouble kept it from being sent, and many others with it. ' +
    `${named(amount)} stays held until somebody releases it.`,
};

/** Opens the case for one reason, unless it is open for it. */
export function opened(state: SubmittedSlip, reason: KnownReason): SlipEvent[] {
  return openedFor(state, reason, summaries[reason](state));
}

/**
 * Rule 7: the money was given back, and the provider executed the slip all the same. People must look, and whoever was told
 * of the refund must be told that it was wrong.
 */
export function paidAfterRefund(state: SubmittedSlip): SlipEvent[] {
  if (!isLateSuccess(state)) return [];
  const events = opened(state, 'late_success_after_refund');
  if (events.length === 0) return [];
  const text = `The payer was given ${named(state.amount)} back; that was wrong, for the provider executed the slip.`;
  return [...events, { type: 'CaseNoted', data: { by: requestedByItself, code: correctionDue, text } }];
}

/** A provider works on what it had denied: the money is given back, or will be, and nobody knows yet how this ends. */
export function takenAfterDenial(state: SubmittedSlip): SlipEvent[] {
  return state.provedNotExecuted && state.outcome === null ? opened(state, 'taken_after_denial') : [];
}

/** What a correction notice follows from. */
const correctionDue = 'correction_due';

/** Imports open none: their money was moved, or not, long ago. */
function openedFor(state: SubmittedSlip, reason: Reason, summary: string): SlipEvent[] {
  if (!isLive(state.clock) || isOpenFor(state, reason)) return [];
  return [{ type: 'CaseOpened', data: { reason, summary } }];
}

/** Opens the case when the answer that was just folded says otherwise than one before it. */
export function contradicted(state: SubmittedSlip, answer: DataOf<'SlipReturned'>): SlipEvent[] {
  if (!isContradiction(state)) return [];
  const { outcome, returnedAmount } = state;
  const known = isSubmitted(state) && outcome !== null;
  const after = known
    ? `After it had said ${sayingOf(outcome, returnedAmount)},`
    : 'After the slip had ended';
  return openedFor(state, 'contradiction', `${after} the provider says ${answerOf(answer)}.`);
}

/** Opens the case for a word that settles nothing. */
export function doubted(state: SubmittedSlip, { doubt, said }: DataOf<'AnswerDoubted'>): SlipEvent[] {
  const { amount } = state;
  const asked = amount === null ? '' : ` The slip asked for ${named(amount)}.`;
  return openedFor(state, doubt, doubts[doubt](said) + asked);
}

const doubts: Readonly<Record<Doubt, (said: string) => string>> = {
  word_unknown: (said) => `The provider says ${said}, a word that its protocol does not declare.`,
  amount_unreadable: (said) =>
    `The provider says that it executed the slip, with an amount that cannot be read: ${said}.`,
  reference_shared: (said) => `The provider names it as it names another slip: ${said}.`,
};

/** Whether money may have moved otherwise than the first answer said: two failures against each other move none. */
function isContradiction(state: SubmittedSlip): boolean {
  // Recalled: it has settled, and whatever is said after that is against it.
  if (!isSubmitted(state)) return true;
  const finding = state.anomalies.at(-1);
  if (finding?.eventId !== state.lastEventId || isLateSuccess(state)) return false;
  if (!successReported(state)) return false;
  return state.conflict && ['contradicts', 'amount_differs', 'reference_differs'].includes(finding.reason);
}

function answerOf({ outcome, amount, reason, providerReference }: DataOf<'SlipReturned'>): string {
  const facts = [reason, providerReference && `reference ${providerReference}`].filter((fact) => fact);
  const saying = sayingOf(outcome, amount);
  return facts.length === 0 ? saying : `${saying} (${facts.join(', ')})`;
}

/** Whose money it is about; of a slip without any, nothing. */
function over({ amount }: SubmittedSlip): string {
  return amount === null ? '' : ` over ${named(amount)}`;
}

function named(amount: Money | null): string {
  return amount === null ? 'nothing' : shownAmount(amount.amount, amount.currency);
}

function sayingOf(outcome: Outcome, amount: Money | null): string {
  return amount === null ? outcome : `${outcome} with ${named(amount)}`;
}

/** Resolves the reasons that waited for this, and no other. */
export function resolved(state: SubmittedSlip, resolution: Resolution): SlipEvent[] {
  return (Object.keys(resolvedBy) as Reason[])
    .filter((reason) => resolvedBy[reason].includes(resolution) && isOpenFor(state, reason))
    .map((reason) => ({ type: 'CaseClosed', data: { reason, resolution } }));
}

function isOpenFor(state: SubmittedSlip, reason: Reason): boolean {
  return state.case?.reasons.some((one) => one.reason === reason && isOpen(one)) ?? false;
}

/** Rule 7: the money was given back and the provider executed the slip all the same. */
export function isLateSuccess(state: SubmittedSlip): boolean {
  return state.refunded && successReported(state);
}

/** The provider says that it moved another amount than it was asked to, or another currency. */
export function isOtherAmount(state: SubmittedSlip): boolean {
  const { amount, returnedAmount } = state;
  return (
    successReported(state) && amount !== null && returnedAmount !== null && !sameMoney(amount, returnedAmount)
  );
}

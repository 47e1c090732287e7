import type { Money } from '@slipstream/kernel';
import {
  isLive,
  isSubmitted,
  type Posting,
  type RecordedEvent,
  type SlipEvent,
  type SlipKind,
  type SlipState,
  settleableAmount,
  successInDoubt,
  type Transaction,
} from '@slipstream/slip';
import type { AccountKey } from '../posting/account-map.ts';
import { payerAvailable, payerSuspense, providerReceivable, reportedProvider } from '../posting/chart.ts';
import {
  compensatePostings,
  feePostings,
  type HeldMoney,
  holdPostings,
  moneyBackPostings,
  partPostings,
  refundPostings,
  reversalPostings,
  settlePostings,
  suspensePostings,
  writeOffPostings,
} from '../posting/postings.ts';
import { type Hold, isWhole } from './hold.ts';

/** What an event of the log makes the ledger say, and the hold it leaves behind (null: it touched none). */
export interface Decision {
  readonly event: SlipEvent;
  readonly transaction: Transaction | null;
  /** What the provider charges: a transaction of its own. */
  readonly fee: Transaction | null;
  readonly hold: Hold | null;
}

/** The slip as it stood when the event came. */
export interface Subject {
  readonly hold: Hold | null;
  readonly before: SlipState | null;
  readonly recorded: RecordedEvent;
}

export interface Books {
  balanceOf(account: AccountKey): bigint;
  /** The id of the transaction that an event causes: always the same for the same event. */
  transactionId(eventId: string): string;
}

type Data<Type extends SlipEvent['type']> = Extract<SlipEvent, { type: Type }>['data'];

/**
 * Rule 7, for one event in log order; null when the ledger has nothing to say. The hold is the guard: the same event
 * on the hold it left gives no second decision, and a slip is settled or refunded, never both.
 */
export function decide(subject: Subject, books: Books): Decision | null {
  const { event } = subject.recorded;
  switch (event.type) {
    case 'SlipSubmitted':
    case 'SlipApproved':
      return answerSubmission(subject, books);
    case 'SlipReturned':
      return charged(answerReturn(subject, event.data, books), subject, event.data, books);
    case 'RefundRequested':
      return answerRefundRequest(subject, event.data, books);
    case 'SuspenseDecided':
      return answerSuspenseDecision(subject, event.data, books);
    default:
      return null;
  }
}

export type Terms = Pick<
  Data<'SlipSubmitted'>,
  'kind' | 'account' | 'counterparty' | 'amount' | 'overdraft' | 'overdraftLimit'
>;

/** What is to be held when this event comes: of a slip that was to be reviewed nothing before it is approved. */
export function termsToHold({ before, recorded: { event } }: Omit<Subject, 'hold'>): Terms | null {
  if (before !== null && before.rejection !== null) return null;
  if (event.type === 'SlipSubmitted') return event.data.reviewRequired ? null : event.data;
  return event.type === 'SlipApproved' && before !== null && isSubmitted(before) ? before : null;
}

/** Whether a slip of this kind may take its payer below zero, however far, where no limit came with it: of before there was one. */
const overdrafts: Readonly<Record<SlipKind, 'always' | 'by_route'>> = {
  order: 'always',
  payment: 'always',
  payout: 'by_route',
};

/**
 * How far the slip may take its payer's account below zero, as its route said when it was submitted; null: however far. What is
 * executed outside is booked whatever the balance is.
 */
function overdraftLimit({ kind, overdraft, overdraftLimit: limit }: Terms): bigint | null {
  if (limit !== undefined && limit !== null) return limit;
  return overdraft || overdrafts[kind] === 'always' ? null : 0n;
}

/** The account whose balance the answer to this event depends on; null: on none. */
export function needsFunds(subject: Omit<Subject, 'hold'>): AccountKey | null {
  const { clock } = subject.recorded;
  // What was imported has happened already: nothing is refused on a clock of its own.
  const terms = isLive(clock) ? termsToHold(subject) : null;
  if (terms === null || terms.amount === null || overdraftLimit(terms) === null) return null;
  return { clock, name: payerAvailable(terms.account), currency: terms.amount.currency };
}

function answerSubmission(subject: Subject, books: Books): Decision | null {
  const { recorded, hold } = subject;
  const terms = hold === null ? termsToHold(subject) : null;
  if (terms === null) return null;
  const { slipId, clock } = recorded;
  const { kind, account, counterparty, amount } = terms;
  const opened: Hold = {
    ...{ slipId, clock, kind, account, counterparty, amount },
    ...{ status: 'held', executed: 0n, references: [] },
  };
  const funds = needsFunds(subject);
  if (amount !== null && funds !== null) {
    const available = books.balanceOf(funds);
    const limit = overdraftLimit(terms) ?? 0n;
    if (available + limit < amount.amount) return refuse(opened, amount, available, limit);
  }
  const transaction = transact(opened, 'hold', holdPostings, recorded, books);
  return { event: { type: 'FundsHeld', data: { transaction } }, transaction, fee: null, hold: opened };
}

function refuse(opened: Hold, { amount, currency }: Money, available: bigint, limit: bigint): Decision {
  const overdraft = limit === 0n ? '' : ` and may be overdrawn by ${limit} ${currency}`;
  const detail = `${opened.account} has ${available} ${currency} available${overdraft}, ${amount} ${currency} are needed (minor units)`;
  return {
    event: { type: 'HoldRefused', data: { reason: 'insufficient_funds', detail } },
    ...{ transaction: null, fee: null },
    hold: { ...opened, status: 'refused' },
  };
}

function answerReturn(subject: Subject, data: Data<'SlipReturned'>, books: Books): Decision | null {
  const { hold, before, recorded } = subject;
  if (hold === null) return null;
  if (data.outcome === 'succeeded') return answerSuccess(hold, subject, data, books);
  if (hold.status === 'settled' || hold.status === 'reversed' || hold.status === 'upheld')
    return answerDenial(hold, subject, data, books);
  // What denies a success that could not be settled proves nothing: people decide, and the money stays put aside.
  if (hold.status !== 'held' || before?.outcome === 'succeeded') return null;
  return refund(hold, { reason: data.reason ?? data.outcome, requestId: null }, recorded, books);
}

/** What was decided, with what the provider charges. An answer that moves nothing, or a slip without an amount, books none. */
function charged(
  decision: Decision | null,
  { before, recorded }: Subject,
  data: Data<'SlipReturned'>,
  books: Books,
): Decision | null {
  const money = data.fee ?? null;
  if (decision === null || decision.hold?.amount == null || money === null || money.amount <= 0n)
    return decision;
  const provider = data.provider ?? before?.provider ?? reportedProvider;
  const id = books.transactionId(feeOf(recorded.id));
  const fee: Transaction = { id, type: 'fee', postings: feePostings(money, provider) };
  const { event } = decision;
  return { ...decision, fee, event: { ...event, data: { ...event.data, fee } } as SlipEvent };
}

/** What the transaction of an event's fee is named after. */
export const feeOf = (eventId: string): string => `${eventId} fee`;

/** Settles what was executed, or claims it from the provider after a refund; more or another currency moves nothing. */
function answerSuccess(
  hold: Hold,
  subject: Subject,
  data: Data<'SlipReturned'>,
  books: Books,
): Decision | null {
  const { before, recorded } = subject;
  const provider = data.provider ?? before?.provider ?? reportedProvider;
  const executed = hold.amount === null ? 0n : settleableAmount(hold.amount, data.amount);
  if (executed === null) return null;
  const after = execute(hold, executed, data.providerReference);
  if (hold.status === 'held') {
    const post = (held: HeldMoney) => settlePostings(held, executed, provider);
    const transaction = transact(hold, 'settle', post, recorded, books);
    return settlement({ ...after, status: 'settled' }, transaction, 1);
  }
  if (hold.status === 'settled' && isFurtherPart(hold, executed, data, before)) {
    const post = (held: HeldMoney) => partPostings(held, executed, provider);
    const transaction = transact(hold, 'settle', post, recorded, books);
    return settlement(after, transaction, hold.references.length + 1);
  }
  const isLatePart = hold.status === 'compensated' && isFurtherPart(hold, executed, data, before);
  if (hold.status !== 'refunded' && !isLatePart) return null;
  const post = (held: HeldMoney) => compensatePostings(held, executed, provider);
  const transaction = transact(hold, 'compensate', post, recorded, books);
  const reason = isLatePart ? 'late_part' : 'late_success';
  return compensation({ ...after, status: 'compensated' }, transaction, reason);
}

/** The hold when so much more was executed. By which references is of interest as long as something is left. */
export function execute(hold: Hold, amount: bigint, reference: string | null): Hold {
  const executed = hold.executed + amount;
  const isAll = hold.amount === null || executed === hold.amount.amount;
  if (isAll || reference === null) return { ...hold, executed, references: [] };
  return { ...hold, executed, references: [...hold.references, reference] };
}

/** `part`: which it is, told only where one alone did not use up the hold. */
function settlement(hold: Hold, transaction: Transaction | null, part: number): Decision {
  const data = { transaction, part: part === 1 && isWhole(hold) ? null : part, fee: null };
  return { event: { type: 'SlipSettled', data }, transaction, fee: null, hold };
}

function compensation(
  hold: Hold,
  transaction: Transaction | null,
  reason: string,
  requestId: string | null = null,
): Decision {
  const event: SlipEvent = {
    type: 'PostingCompensated',
    data: { transaction, reason, fee: null, requestId },
  };
  return { event, transaction, fee: null, hold };
}

/**
 * Whether a success that comes after the settlement tells of more money: the same provider names another reference of its
 * own, and all parts together are within what was held. Anything else is the same news again, or for people.
 */
function isFurtherPart(
  { amount, executed, references }: Hold,
  more: bigint,
  { provider, providerReference }: Data<'SlipReturned'>,
  before: SlipState | null,
): boolean {
  if (amount === null || providerReference === null || references.length === 0) return false;
  if (references.includes(providerReference) || isOther(provider, before)) return false;
  return more > 0n && executed + more <= amount.amount;
}

/** Another one than the one whose success was settled. */
function isOther(provider: string | null, before: SlipState | null): boolean {
  return provider !== null && before !== null && before.provider !== null && provider !== before.provider;
}

/**
 * The provider denies what was settled (a returned payout, a chargeback). Its word alone may be an old one that was
 * overtaken, so it owes the money and nobody may spend it yet; a statement, the strongest evidence, shows that it is back.
 */
function answerDenial(
  hold: Hold,
  { before, recorded }: Subject,
  data: Data<'SlipReturned'>,
  books: Books,
): Decision | null {
  const isBack = data.evidence === 'statement_line';
  if (isOther(data.provider, before) || isOtherPart(hold, data) || wasBack(hold, data)) return null;
  if (isBack && isOtherAmount(hold, data.amount))
    return givePartBack(hold, { before, recorded }, data, books);
  if (!isBack && (hold.status !== 'settled' || isOvertaken(data, before))) return null;
  const { executed, account } = hold;
  const provider = data.provider ?? before?.provider ?? reportedProvider;
  const from = hold.status === 'reversed' ? payerSuspense(account) : providerReceivable(provider);
  const post = (held: HeldMoney) =>
    isBack ? moneyBackPostings(held, executed, from) : reversalPostings(held, executed, provider);
  const transaction = transact(hold, 'compensate', post, recorded, books);
  const after: Hold = { ...hold, status: isBack ? 'restored' : 'reversed' };
  return compensation(after, transaction, isBack ? 'money_back' : 'reversal');
}

/**
 * A statement shows that a part of what was executed came back: so much is the payer's again, and the rest stays settled. What was denied
 * before lies in suspense as a whole, and what comes back above what was executed is somebody else's: people decide.
 */
function givePartBack(
  hold: Hold,
  { before, recorded }: Pick<Subject, 'before' | 'recorded'>,
  data: Data<'SlipReturned'>,
  books: Books,
): Decision | null {
  const { amount, executed, status } = hold;
  const part = partOf(data);
  if (status === 'reversed' || amount === null || data.amount === null || part === null) return null;
  const { amount: back, currency } = data.amount;
  if (currency !== amount.currency || back <= 0n || back >= executed) return null;
  const from = providerReceivable(data.provider ?? before?.provider ?? reportedProvider);
  const post = (held: HeldMoney) => moneyBackPostings(held, back, from);
  const transaction = transact(hold, 'compensate', post, recorded, books);
  return compensation(withoutPart(hold, back, part), transaction, 'part_back');
}

/** The hold when a part came back. No further part is taken for another execution then: it would settle more than was held. */
export function withoutPart(hold: Hold, back: bigint, part: string): Hold {
  const { executed, partsBack = [] } = hold;
  return { ...hold, executed: executed - back, references: [], partsBack: [...partsBack, part] };
}

/** What a part that came back is known by; null: one that names no day or amount cannot be told from another one. */
export function partOf({ amount, bookedOn = null, occurrence }: Data<'SlipReturned'>): string | null {
  if (amount === null || bookedOn === null) return null;
  const part = `${bookedOn} ${amount.amount}`;
  // Equal parts of one day are told apart by the statement that has them all.
  return (occurrence ?? 1) > 1 ? `${part} ${occurrence}` : part;
}

function wasBack({ partsBack = [] }: Hold, data: Data<'SlipReturned'>): boolean {
  const part = partOf(data);
  return data.evidence === 'statement_line' && part !== null && partsBack.includes(part);
}

/**
 * What was put aside leaves suspense once, and what is held for a success in doubt ends once: a statement or an answer that came
 * before the decision has moved it already. Where it lies elsewhere by then, nobody has said what becomes of it.
 */
function answerSuspenseDecision(
  { hold, before, recorded }: Subject,
  { decision, provider, entry = null }: Data<'SuspenseDecided'>,
  books: Books,
): Decision | null {
  if (hold === null || !liesBy(entry, hold)) return null;
  if (decision === 'write_off') return writeOff(hold, provider, recorded, books);
  if (hold.status === 'held' && before !== null && successInDoubt(before))
    return decision === 'give_back'
      ? refund(hold, { reason: 'given_back', requestId: recorded.id }, recorded, books)
      : settleAll(hold, provider, recorded, books);
  if (hold.status !== 'reversed') return null;
  const post = (held: HeldMoney) => suspensePostings(decision, held, hold.executed, provider);
  const transaction = transact(hold, 'compensate', post, recorded, books);
  const isBack = decision === 'give_back';
  const after: Hold = { ...hold, status: isBack ? 'restored' : 'upheld' };
  return compensation(after, transaction, isBack ? 'given_back' : 'upheld', recorded.id);
}

/** Only what the payer has is a loss; of what lies in suspense people say first whose it is. */
function writeOff(hold: Hold, provider: string, recorded: RecordedEvent, books: Books): Decision | null {
  if (hold.status !== 'restored' && hold.status !== 'compensated') return null;
  const post = (held: HeldMoney) => writeOffPostings(held, hold.executed, provider);
  const transaction = transact(hold, 'compensate', post, recorded, books);
  return compensation({ ...hold, status: 'written_off' }, transaction, 'written_off', recorded.id);
}

/** A slip's first entry is its hold, and it is reversed once at most: so the number tells which of both put the money where it lies. */
function liesBy(entry: number | null, { status }: Hold): boolean {
  return entry === null || (entry === 1) === (status === 'held');
}

/** What the provider did otherwise than it was asked counts for all that is held: the rest is between it and the house. */
function settleAll(hold: Hold, provider: string, recorded: RecordedEvent, books: Books): Decision {
  const executed = hold.amount?.amount ?? 0n;
  const post = (held: HeldMoney) => settlePostings(held, executed, provider);
  const transaction = transact(hold, 'settle', post, recorded, books);
  return settlement({ ...execute(hold, executed, null), status: 'settled' }, transaction, 1);
}

/** Of a part that was never executed, nothing was settled. */
function isOtherPart({ references }: Hold, { providerReference }: Data<'SlipReturned'>): boolean {
  return providerReference !== null && references.length > 0 && !references.includes(providerReference);
}

/** What comes back is not what was executed: people decide. */
function isOtherAmount({ amount, executed }: Hold, back: Money | null): boolean {
  return amount !== null && back !== null && (back.currency !== amount.currency || back.amount !== executed);
}

/** The provider said it, by its own clock, before its success was here: an older word that came later denies nothing. */
function isOvertaken({ providerTime }: Data<'SlipReturned'>, before: SlipState | null): boolean {
  const returnedAt = before?.returnedAt ?? null;
  return providerTime !== null && returnedAt !== null && providerTime < returnedAt;
}

/** Each request is answered, by its id: whoever asked can tell what became of it. */
function answerRefundRequest(subject: Subject, data: Data<'RefundRequested'>, books: Books): Decision | null {
  const { hold, before, recorded } = subject;
  if (before?.lastEventId === recorded.id) return null;
  const requestId = recorded.id;
  const refusal = hold === null ? 'nothing_held' : refundRefusal(hold, before);
  if (hold !== null && refusal === null)
    return refund(hold, { reason: data.basis, requestId }, recorded, books);
  const event: SlipEvent = { type: 'RefundRefused', data: { reason: refusal ?? 'nothing_held', requestId } };
  return { event, transaction: null, fee: null, hold: null };
}

/** null: it may be refunded. */
function refundRefusal({ status }: Hold, before: SlipState | null): string | null {
  switch (status) {
    case 'held':
      return before?.outcome === 'succeeded' ? 'outcome_succeeded' : null;
    case 'refused':
      return 'nothing_held';
    case 'refunded':
    case 'compensated':
      return 'already_refunded';
    case 'settled':
    case 'reversed':
    case 'restored':
    case 'upheld':
      return 'already_settled';
    case 'written_off':
      return before?.refunded ? 'already_refunded' : 'already_settled';
    default:
      return status satisfies never;
  }
}

function refund(
  hold: Hold,
  why: Pick<Data<'SlipRefunded'>, 'reason' | 'requestId'>,
  recorded: RecordedEvent,
  books: Books,
): Decision {
  const transaction = transact(hold, 'refund', refundPostings, recorded, books);
  return {
    event: { type: 'SlipRefunded', data: { transaction, ...why, fee: null } },
    ...{ transaction, fee: null },
    hold: { ...hold, status: 'refunded' },
  };
}

/** null where there is nothing to post: no amount, or an answer that moved nothing. */
function transact(
  hold: Hold,
  type: Transaction['type'],
  post: (held: HeldMoney) => Posting[],
  recorded: RecordedEvent,
  books: Books,
): Transaction | null {
  const { amount } = hold;
  if (amount === null) return null;
  const postings = post({ ...hold, amount });
  return postings.length === 0 ? null : { id: books.transactionId(recorded.id), type, postings };
}

import type { Money } from '@slipstream/kernel';
import {
  isLive,
  isSubmitted,
  type Posting,
  type RecordedEvent,
  type SlipEvent,
  type SlipState,
  settleableAmount,
  type Transaction,
} from '@slipstream/slip';
import type { AccountKey } from '../posting/account-map.ts';
import { payerAvailable, reportedProvider } from '../posting/chart.ts';
import {
  compensatePostings,
  type HeldMoney,
  holdPostings,
  refundPostings,
  settlePostings,
} from '../posting/postings.ts';
import type { Hold, HoldStatus } from './hold.ts';

/** What an event of the log makes the ledger say, and the hold it leaves behind (null: it touched none). */
export interface Decision {
  readonly event: SlipEvent;
  readonly transaction: Transaction | null;
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
      return answerReturn(subject, event.data, books);
    case 'RefundRequested':
      return answerRefundRequest(subject, event.data, books);
    default:
      return null;
  }
}

type Terms = Pick<Data<'SlipSubmitted'>, 'kind' | 'account' | 'counterparty' | 'amount' | 'overdraft'>;

/** What is to be held when this event comes: of a slip that was to be reviewed nothing before it is approved. */
function termsToHold({ before, recorded: { event } }: Omit<Subject, 'hold'>): Terms | null {
  if (before !== null && before.rejection !== null) return null;
  if (event.type === 'SlipSubmitted') return event.data.reviewRequired ? null : event.data;
  return event.type === 'SlipApproved' && before !== null && isSubmitted(before) ? before : null;
}

/** The account whose balance the answer to this event depends on; null: on none. */
export function needsFunds(subject: Omit<Subject, 'hold'>): AccountKey | null {
  const { clock } = subject.recorded;
  // What was imported has happened already: nothing is refused on a clock of its own.
  const terms = isLive(clock) ? termsToHold(subject) : null;
  if (terms === null || terms.kind !== 'payout' || terms.overdraft || terms.amount === null) return null;
  return { clock, name: payerAvailable(terms.account), currency: terms.amount.currency };
}

function answerSubmission(subject: Subject, books: Books): Decision | null {
  const { recorded, hold } = subject;
  const terms = hold === null ? termsToHold(subject) : null;
  if (terms === null) return null;
  const { slipId, clock } = recorded;
  const { kind, account, counterparty, amount } = terms;
  const opened: Hold = { slipId, clock, kind, account, counterparty, amount, status: 'held' };
  const funds = needsFunds(subject);
  if (amount !== null && funds !== null) {
    const available = books.balanceOf(funds);
    if (available < amount.amount) return refuse(opened, amount, available);
  }
  const transaction = transact(opened, 'hold', holdPostings, recorded, books);
  return { event: { type: 'FundsHeld', data: { transaction } }, transaction, hold: opened };
}

function refuse(opened: Hold, { amount, currency }: Money, available: bigint): Decision {
  const detail = `${opened.account} has ${available} ${currency} available, ${amount} ${currency} are needed (minor units)`;
  return {
    event: { type: 'HoldRefused', data: { reason: 'insufficient_funds', detail } },
    transaction: null,
    hold: { ...opened, status: 'refused' },
  };
}

function answerReturn(subject: Subject, data: Data<'SlipReturned'>, books: Books): Decision | null {
  const { hold, before, recorded } = subject;
  if (hold === null) return null;
  if (data.outcome === 'succeeded') return answerSuccess(hold, subject, data, books);
  // What denies a success that could not be settled proves nothing: people decide, and the money stays put aside.
  if (hold.status !== 'held' || before?.outcome === 'succeeded') return null;
  return refund(hold, data.reason ?? data.outcome, recorded, books);
}

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
  if (hold.status === 'held') {
    const post = (held: HeldMoney) => settlePostings(held, executed, provider);
    const transaction = transact(hold, 'settle', post, recorded, books);
    return { event: { type: 'SlipSettled', data: { transaction } }, transaction, hold: now(hold, 'settled') };
  }
  if (hold.status !== 'refunded') return null;
  const post = (held: HeldMoney) => compensatePostings(held, executed, provider);
  const transaction = transact(hold, 'compensate', post, recorded, books);
  const event: SlipEvent = { type: 'PostingCompensated', data: { transaction, reason: 'late_success' } };
  return { event, transaction, hold: now(hold, 'compensated') };
}

function answerRefundRequest(subject: Subject, data: Data<'RefundRequested'>, books: Books): Decision | null {
  const { hold, before, recorded } = subject;
  // Only the first request is answered: the slip's state remembers that there was one.
  if (before?.refundRequested) return null;
  const refusal = refundRefusal(hold, before);
  if (refusal !== null) {
    return { event: { type: 'RefundRefused', data: { reason: refusal } }, transaction: null, hold: null };
  }
  return hold !== null && hold.status === 'held' ? refund(hold, data.basis, recorded, books) : null;
}

/** null: it may be refunded, or was already. */
function refundRefusal(hold: Hold | null, before: SlipState | null): string | null {
  if (hold === null || hold.status === 'refused') return 'nothing_held';
  if (hold.status === 'settled') return 'already_settled';
  return hold.status === 'held' && before?.outcome === 'succeeded' ? 'outcome_succeeded' : null;
}

function refund(hold: Hold, reason: string, recorded: RecordedEvent, books: Books): Decision {
  const transaction = transact(hold, 'refund', refundPostings, recorded, books);
  return {
    event: { type: 'SlipRefunded', data: { transaction, reason } },
    transaction,
    hold: now(hold, 'refunded'),
  };
}

function now(hold: Hold, status: HoldStatus): Hold {
  return { ...hold, status };
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

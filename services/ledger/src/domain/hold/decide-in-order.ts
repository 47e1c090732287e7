import type { RecordedEvent, SlipEvent, SlipState, Transaction } from '@slipstream/slip';
import type { AccountKey } from '../posting/account-map.ts';
import { Balances } from '../posting/balances.ts';
import { decide, needsFunds } from './decide.ts';
import type { Hold } from './hold.ts';
import { balanceAsTold, type Past } from './past.ts';

/** An event that may move money, with the slip as it stood before. */
export interface Cue {
  readonly before: SlipState | null;
  readonly recorded: RecordedEvent;
}

/** What the ledger says about one cue. */
export interface Answer {
  readonly cause: RecordedEvent;
  /** The clock of the hold: an event that strayed from another clock must not move money there. */
  readonly clock: string;
  readonly event: SlipEvent;
  /** In the order of their entries: what moves the slip's money, and what the provider charges. */
  readonly transactions: readonly Transaction[];
  /** The log has it: it is booked, and not said again. */
  readonly isTold: boolean;
}

export interface Answers {
  readonly answers: readonly Answer[];
  /** The holds as they are afterwards, of the slips whose hold changed. */
  readonly holds: ReadonlyMap<string, Hold>;
}

/** What the postings of answers change, per account. */
export function changesOf(answers: readonly Answer[]): Balances {
  const changes = new Balances();
  for (const { clock, transactions } of answers)
    for (const { postings } of transactions) changes.post(clock, postings);
  return changes;
}

const moves = new Set<SlipEvent['type']>([
  'SlipSubmitted',
  'SlipApproved',
  'SlipReturned',
  'RefundRequested',
  'SuspenseDecided',
]);

export function mayMoveMoney(event: SlipEvent): boolean {
  return moves.has(event.type);
}

/** The accounts that answers may depend on: their balances must be known before deciding. */
export function fundsNeeded(cues: readonly Cue[]): AccountKey[] {
  return cues.flatMap((cue) => needsFunds(cue) ?? []);
}

/**
 * Decides cues in log order; each sees the holds and the money that the ones before it left. `past`: what was said about them by a ledger whose
 * database is lost; null: nothing was lost.
 */
export function decideInOrder(
  cues: readonly Cue[],
  start: ReadonlyMap<string, Hold>,
  transactionId: (eventId: string) => string,
  balances: Balances,
  past: Past | null = null,
): Answers {
  const holds = new Map<string, Hold>();
  const changes = new Balances();
  const answers: Answer[] = [];
  const isAsked = fundsNeeded(cues).length > 0;
  const balanceOf = (account: AccountKey) => balances.of(account) + changes.of(account);
  for (const { before, recorded } of cues) {
    const { slipId } = recorded;
    if (past?.waits(recorded)) {
      past.wait(recorded);
      continue;
    }
    const told = past?.next(slipId) ?? null;
    const hold = holds.get(slipId) ?? start.get(slipId) ?? null;
    const books = { balanceOf: told === null ? balanceOf : balanceAsTold(told), transactionId };
    const decision = decide({ hold, before, recorded }, books);
    if (decision === null) continue;
    if (told === null && past?.isFoldedBack(slipId)) {
      past.wait(recorded);
      continue;
    }
    if (decision.hold !== null) holds.set(slipId, decision.hold);
    const { event, transaction, fee } = told === null ? decision : past!.take(told, decision);
    const clock = decision.hold?.clock ?? recorded.clock;
    const transactions = [transaction, fee].filter((one) => one !== null);
    if (isAsked) for (const { postings } of transactions) changes.post(clock, postings);
    answers.push({ cause: recorded, clock, event, transactions, isTold: told !== null });
  }
  return { answers, holds };
}

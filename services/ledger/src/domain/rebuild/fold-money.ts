import type { Instant, Money } from '@slipstream/kernel';
import {
  type DataOf,
  type RecordedEvent,
  type SlipState,
  settleableAmount,
  type Transaction,
  timeOn,
} from '@slipstream/slip';
import { execute, partOf, type Terms, termsToHold, withoutPart } from '../hold/decide.ts';
import { type Hold, type HoldStatus, wholly } from '../hold/hold.ts';
import { parseAccountName, payerAvailable } from '../posting/chart.ts';

/** A transaction as an event of the ledger carries it. */
export interface Told {
  readonly transaction: Transaction;
  /** Of its accounts. */
  readonly clock: string;
  /** Of the event. */
  readonly at: Instant;
}

type Answer = DataOf<'SlipReturned'>;

/**
 * What became of a slip's money, as the ledger's own events say it: they are folded, and nothing is decided again. Of the events
 * that they answer it takes the terms of the hold, and the provider's references of parts, and the days on which parts came back.
 */
export class MoneyFold {
  readonly #transactionId: (eventId: string) => string;
  readonly #told: Told[] = [];
  readonly #answers = new Map<string, Answer>();
  #lastSuccess: Answer | null = null;
  #terms: Terms | null = null;
  #hold: Hold | null = null;

  constructor(transactionId: (eventId: string) => string) {
    this.#transactionId = transactionId;
  }

  get hold(): Hold | null {
    return this.#hold;
  }

  /** In the order of their entries. */
  get told(): readonly Told[] {
    return this.#told;
  }

  /** @param before the slip as it stood when the event came */
  take(before: SlipState | null, recorded: RecordedEvent): void {
    const { event } = recorded;
    switch (event.type) {
      case 'SlipSubmitted':
      case 'SlipApproved':
        if (this.#hold === null) this.#terms ??= termsToHold({ before, recorded });
        break;
      case 'SlipReturned':
        this.#answers.set(this.#transactionId(recorded.id), event.data);
        if (event.data.outcome === 'succeeded') this.#lastSuccess = event.data;
        break;
      case 'FundsHeld':
        this.#open(recorded, 'held');
        this.#book(recorded, event.data.transaction);
        break;
      case 'HoldRefused':
        this.#open(recorded, 'refused');
        break;
      case 'SlipSettled':
        this.#settled(event.data);
        this.#book(recorded, event.data.transaction, event.data.fee);
        break;
      case 'SlipRefunded':
        this.#move('refunded');
        this.#book(recorded, event.data.transaction, event.data.fee);
        break;
      case 'PostingCompensated':
        this.#compensated(event.data);
        this.#book(recorded, event.data.transaction, event.data.fee);
        break;
      default:
    }
  }

  #book(recorded: RecordedEvent, ...transactions: readonly (Transaction | null | undefined)[]): void {
    const { clock } = recorded;
    for (const transaction of transactions) {
      if (transaction) this.#told.push({ transaction, clock, at: timeOn(recorded) });
    }
  }

  #open({ slipId, clock }: RecordedEvent, status: HoldStatus): void {
    if (this.#terms === null || this.#hold !== null) return;
    const { kind, account, counterparty, amount } = this.#terms;
    const terms = { slipId, clock, kind, account, counterparty, amount };
    this.#hold = { ...terms, status, executed: 0n, references: [] };
  }

  #move(status: HoldStatus): void {
    if (this.#hold !== null) this.#hold = { ...this.#hold, status };
  }

  #settled({ transaction, part }: DataOf<'SlipSettled'>): void {
    const hold = this.#hold;
    if (hold === null) return;
    const success = this.#successOf(transaction);
    const executed =
      hold.amount === null ? 0n : executedBy(hold, hold.amount, transaction, part ?? null, success);
    this.#hold = { ...execute(hold, executed, success?.providerReference ?? null), status: 'settled' };
  }

  #compensated({ transaction, reason }: DataOf<'PostingCompensated'>): void {
    const hold = this.#hold;
    const denied: HoldStatus | undefined = deniedBy[reason];
    if (denied !== undefined) this.#move(denied);
    else if (hold !== null && reason === 'part_back') {
      const answer = (transaction && this.#answers.get(transaction.id)) ?? null;
      const back = transaction?.postings[0]?.amount.amount ?? 0n;
      this.#hold = withoutPart(hold, back, (answer && partOf(answer)) ?? '');
    } else if (hold !== null) {
      const reference = this.#successOf(transaction)?.providerReference ?? null;
      const executed = transaction?.postings[0]?.amount.amount ?? 0n;
      this.#hold = { ...execute(hold, executed, reference), status: 'compensated' };
    }
  }

  /** What the event answers; where it moved nothing, the last one that could be meant. */
  #successOf(transaction: Transaction | null): Answer | null {
    return (transaction && this.#answers.get(transaction.id)) ?? this.#lastSuccess;
  }
}

/** What corrects a settlement, or writes off a claim, by its reason; everything else compensates a refund. */
const deniedBy: Readonly<Record<string, HoldStatus>> = {
  reversal: 'reversed',
  money_back: 'restored',
  given_back: 'restored',
  upheld: 'upheld',
  written_off: 'written_off',
};

/** So much of a hold was executed, by the postings of the settlement. */
function executedBy(
  hold: Hold,
  amount: Money,
  transaction: Transaction | null,
  part: number | null,
  success: Answer | null,
): bigint {
  // A further part of what somebody pays himself moves nothing.
  if (transaction === null) return settleableAmount(amount, success?.amount ?? null) ?? 0n;
  const [debit, credit, rest] = transaction.postings;
  if (parseAccountName(debit!.account)?.kind !== 'held') return debit!.amount.amount;
  if (rest !== undefined) return credit!.amount.amount;
  const isReleased =
    part !== null || (hold.kind !== 'payment' && credit!.account === payerAvailable(hold.account));
  return isReleased ? 0n : wholly('settled', amount);
}

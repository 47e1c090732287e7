import { createHash } from 'node:crypto';
import { Message } from './wire.ts';

/** Microseconds since 1970. */
export type Micros = bigint;

/** The clock of what happens now; imports have others. */
export const wall = 'wall';

export interface Money {
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
}

export interface Posting {
  readonly account: string;
  readonly direction: 'debit' | 'credit';
  readonly amount: Money;
}

export interface Transaction {
  readonly id: string;
  readonly type: 'hold' | 'settle' | 'refund' | 'compensate' | 'fee' | 'unknown';
  readonly postings: readonly Posting[];
}

/** Only what is judged by; `other` is everything that changes nothing here, types of later releases included. */
export type Told =
  | {
      readonly type: 'submitted';
      readonly dispatched: boolean;
      readonly kind: 'order' | 'payout' | 'payment' | 'unknown';
      readonly account: string;
      readonly counterparty: string;
      readonly amount: Money | null;
      readonly provider: string | null;
      readonly deadline: Micros;
      readonly graceMs: number;
      /** Nothing is held before it is approved. */
      readonly reviewed: boolean;
    }
  | { readonly type: 'approved'; readonly deadline: Micros }
  | { readonly type: 'refund_requested' }
  | { readonly type: 'rejected' | 'withdrawn' | 'declined' | 'hold_refused' | 'other' }
  /** A case is open while one of its reasons is; null: all of them. */
  | { readonly type: 'case_opened'; readonly reason: string }
  | { readonly type: 'case_closed'; readonly reason: string | null }
  | {
      readonly type: 'returned';
      readonly provider: string | null;
      readonly outcome: 'succeeded' | 'failed' | 'void' | 'unknown';
      readonly amount: Money | null;
      readonly bySynchronousReply: boolean;
      readonly byStatement: boolean;
      /** The provider's own; null: it named none. */
      readonly reference: string | null;
      /** When the provider said it, by its own clock. */
      readonly providerTime?: Micros | null;
      readonly fee?: Money | null;
      /** Of a statement's line: the day on which it was booked. */
      readonly bookedOn?: string | null;
      /** Which one of equal parts of that day; 1 where it says nothing. */
      readonly occurrence?: number;
    }
  | {
      readonly type: 'funds_held' | 'settled' | 'refunded' | 'posting_compensated';
      readonly transaction: Transaction | null;
      /** What the provider charges, beside it. */
      readonly fee?: Transaction | null;
    }
  /** Of people, about money in suspense or in doubt, or about a claim. `provider`: who executed. `entry`: which of the slip's they mean; 0: any. */
  | {
      readonly type: 'suspense_decided';
      readonly decision: 'give_back' | 'uphold' | 'write_off' | null;
      readonly provider: string;
      readonly entry: number;
    }
  | { readonly type: 'overdue'; readonly ofOutcome: boolean; readonly deadline: Micros }
  | { readonly type: 'not_returned'; readonly notExecuted: boolean };

/** One event as its record says it. */
export interface WireEvent {
  readonly id: string;
  readonly source: string;
  readonly slipId: string;
  /** 0 before it is given: in an outbox. */
  readonly sequence: bigint;
  /** Rule 4: of the sequencer that gave the number; 0 where none is said. */
  readonly incarnation: bigint;
  readonly time: Micros;
  /** When the evidence became durable. */
  readonly receivedTime: Micros;
  readonly clock: string;
  readonly told: Told;
  /** SHA-256 of what the event says, its number and times apart: equal in the outbox and on the topic. */
  readonly digest: string;
}

export const sources = {
  intake: '/slipstream/intake',
  gateway: '/slipstream/provider-gateway',
  ledger: '/slipstream/ledger',
  reconciliation: '/slipstream/reconciliation',
} as const;

/** Who alone may say it (ARCHITECTURE section 1); of a type that is not here no effect is judged. */
const owners: Readonly<Record<Exclude<Told['type'], 'other'>, string>> = {
  submitted: sources.intake,
  rejected: sources.intake,
  approved: sources.intake,
  withdrawn: sources.intake,
  declined: sources.intake,
  returned: sources.gateway,
  funds_held: sources.ledger,
  hold_refused: sources.ledger,
  settled: sources.ledger,
  refunded: sources.ledger,
  posting_compensated: sources.ledger,
  suspense_decided: sources.ledger,
  overdue: sources.reconciliation,
  not_returned: sources.reconciliation,
  refund_requested: sources.reconciliation,
  case_opened: sources.reconciliation,
  case_closed: sources.reconciliation,
};

/** `SuspenseDecision` of the contract. */
const decisions = [null, 'give_back', 'uphold', 'write_off'] as const;

const type = /^slipstream\.slip\.([a-z_]+)\.v1$/;

/** Reads a record's value; null when it is no event of ours: no CloudEvent, or a stranger speaks. */
export function readEvent(value: Uint8Array): WireEvent | null {
  try {
    const record = new Message(value);
    const source = record.text(2);
    if (!Object.values<string>(sources).includes(source)) return null;
    const attributes = new Map(record.messages(5).map((one) => [one.text(1), one.message(2)]));
    const text = (name: string) => attributes.get(name)?.text(3) ?? '';
    const time = attributes.get('time')?.time(7) ?? 0n;
    const told = tell(type.exec(record.text(4))?.[1] ?? '', record.bytes(6));
    if (told.type !== 'other' && owners[told.type] !== source) return null;
    const said = [record.text(1), source, record.text(4), text('subject'), text('clock')];
    return {
      id: record.text(1),
      source,
      slipId: text('subject'),
      sequence: BigInt(text('sequence') || 0),
      incarnation: BigInt(text('incarnation') || 0),
      time,
      receivedTime: attributes.get('receivedtime')?.time(7) ?? time,
      clock: text('clock') || wall,
      told,
      digest: createHash('sha256').update(said.join('\0')).update(record.bytes(6)).digest('hex'),
    };
  } catch {
    return null;
  }
}

/** Whose event a record is and which, whatever it says; both empty when that cannot be read. */
export function readOrigin(value: Uint8Array): Pick<WireEvent, 'id' | 'source'> {
  try {
    const record = new Message(value);
    return { id: record.text(1), source: record.text(2) };
  } catch {
    return { id: '', source: '' };
  }
}

function tell(type: string, bytes: Uint8Array): Told {
  const data = new Message(bytes);
  switch (type) {
    case 'submitted':
      return {
        type,
        kind: (['unknown', 'order', 'payout', 'payment'] as const)[Number(data.int(3))] ?? 'unknown',
        account: data.text(4),
        counterparty: data.text(5),
        amount: money(data.message(6)),
        dispatched: data.int(8) === 1n,
        provider: data.text(9) || null,
        deadline: data.time(12) ?? 0n,
        graceMs: Number(data.message(13)?.int(1) ?? 0n),
        reviewed: data.int(11) === 1n,
      };
    case 'returned':
      return {
        type,
        provider: data.text(1) || null,
        outcome: (['unknown', 'succeeded', 'failed', 'void'] as const)[Number(data.int(2))] ?? 'unknown',
        amount: money(data.message(4)),
        bySynchronousReply: data.int(5) === 5n,
        byStatement: data.int(5) === 1n,
        reference: data.text(6) || null,
        providerTime: data.time(7),
        fee: money(data.message(8)),
        bookedOn: data.text(10) || null,
        occurrence: Math.max(1, Number(data.int(11))),
      };
    case 'funds_held':
      return { type, transaction: transaction(data.message(1)) };
    case 'settled':
    case 'posting_compensated':
      return { type, transaction: transaction(data.message(1)), fee: transaction(data.message(3)) };
    case 'refunded':
      return { type, transaction: transaction(data.message(1)), fee: transaction(data.message(4)) };
    case 'suspense_decided':
      return {
        ...{ type, decision: decisions[Number(data.int(1))] ?? null },
        ...{ provider: data.text(2), entry: Number(data.int(7)) },
      };
    case 'overdue':
      return { type, ofOutcome: data.int(1) === 5n, deadline: data.time(2) ?? 0n };
    case 'not_returned':
      return { type, notExecuted: data.int(1) === 1n };
    case 'approved':
      return { type, deadline: data.time(3) ?? 0n };
    case 'withdrawn':
    case 'declined':
    case 'rejected':
    case 'hold_refused':
    case 'refund_requested':
      return { type };
    case 'case_opened':
      return { type, reason: data.text(1) };
    case 'case_closed':
      return { type, reason: data.text(2) || null };
    default:
      return { type: 'other' };
  }
}

function money(message: Message | null): Money | null {
  return message && { amount: message.int(1), currency: message.text(2) };
}

function transaction(message: Message | null): Transaction | null {
  if (message === null) return null;
  const types = ['unknown', 'hold', 'settle', 'refund', 'compensate', 'fee'] as const;
  return {
    id: message.text(1),
    type: types[Number(message.int(2))] ?? 'unknown',
    postings: message.messages(3).map((posting) => ({
      account: posting.text(1),
      direction: posting.int(2) === 1n ? 'debit' : 'credit',
      amount: money(posting.message(3)) ?? { amount: 0n, currency: '' },
    })),
  };
}

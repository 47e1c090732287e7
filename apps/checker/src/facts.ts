import type { Micros, Transaction, WireEvent } from './events.ts';

/** One event as it stands on the topic. */
export interface TopicEvent {
  readonly partition: number;
  readonly offset: bigint;
  /** SHA-256 of the record's value. */
  readonly bytes: string;
  readonly event: WireEvent;
}

/** What a service committed to publish, under the number it gave. */
export interface OutboxEvent {
  readonly partition: number;
  readonly seq: bigint;
  readonly event: WireEvent;
}

/** One row of the ledger's log. */
export interface LoggedEvent {
  readonly id: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: bigint;
  /** SHA-256 of the logged bytes. */
  readonly bytes: string;
}

/** One transaction as SQL has it. */
export interface BookedTransaction extends Transaction {
  readonly slipId: string;
  readonly clock: string;
}

/** A record that a consumer set aside; `key` is the slip that waits behind it, null where nothing waits. */
export interface SetAside {
  readonly service: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
}

/** What one provider really received, did and said about one slip (the simulator's `GET /v1/truth`). */
export interface TruthRow {
  readonly slip_id: string;
  readonly reference: string;
  readonly provider: string;
  readonly received_at: string;
  readonly executions: number;
  readonly outcome: string | null;
  readonly answers: readonly {
    readonly at: string;
    readonly what: string;
    readonly outcome: string;
    readonly delivered_at: string | null;
  }[];
}

/** A service's process that was killed, or stood still for a while: what it had only read then is lost or late. */
export interface LostProcess {
  /** The instance, such as `provider-gateway-2`. */
  readonly name: string;
  readonly at: Micros;
  /** When it went on; the same as `at` for one that was killed, null while it still stands. */
  readonly until: Micros | null;
}

/** Everything the check is computed from; none of it is a service's own claim about itself. */
export interface Facts {
  readonly topic: readonly TopicEvent[];
  readonly outbox: readonly OutboxEvent[];
  readonly log: readonly LoggedEvent[];
  /** null: nobody tells it, as in production. */
  readonly truth: readonly TruthRow[] | null;
  readonly transactions: readonly BookedTransaction[];
  /** Transactions and currencies that don't sum to zero, and accounts that differ from the fold of their postings. */
  readonly imbalances: number;
  /** Slips that intake gave an answer about: they must be on the topic. */
  readonly accepted: readonly { readonly slipId: string; readonly at: Micros }[];
  readonly setAside: readonly SetAside[];
  readonly lostProcesses: readonly LostProcess[];
  /** Database time when the facts were read: deadlines after it are not due. */
  readonly now: Micros;
  /** Slips submitted before are left out; null: none. */
  readonly since: Micros | null;
}

/** The last line of `npm start -- --exit`. The first twelve names and their order are binding (ARCHITECTURE section 6). */
export interface Summary {
  readonly slips: number;
  /** Answer received by the deadline. */
  readonly returned: number;
  /** Called overdue, then the answer came. */
  readonly recovered: number;
  readonly not_returned: number;
  readonly refunded: number;
  readonly rejected: number;
  readonly open_cases: number;
  /** Deliveries within one second of their deadline: what was delivered is not held against the verdict there. */
  readonly boundary: number;
  readonly false_alarms: number;
  readonly missed: number;
  readonly lost_events: number;
  readonly ledger_balanced: boolean;
  /** Slips that providers executed more than once in all. */
  readonly executed_twice: number;
  /** Slips whose money is not what the rules make of their events, or not what SQL has. */
  readonly money_differs: number;
  /** Past their deadline without an end, a verdict or an open case. */
  readonly stuck: number;
  /** SlipOverdue where rule 6 says in time by the topic alone, or the other way round. */
  readonly verdict_differs: number;
  /** Slips and records that a consumer set aside. */
  readonly parked: number;
  /** Called overdue rightly: the reply was read by the deadline, and durable only after it. */
  readonly read_not_durable: number;
  /** Called overdue rightly: the reply was read by a process that was killed before it could commit it. */
  readonly lost_with_process: number;
  /** From the delivery to the durable evidence, of the two above; null when there are none. */
  readonly evidence_delay_ms: { readonly min: number; readonly max: number } | null;
}

/** What a finding is counted as. */
export type Kind =
  | 'boundary'
  | 'false_alarm'
  | 'missed'
  | 'lost_event'
  | 'executed_twice'
  | 'money_differs'
  | 'stuck'
  | 'verdict_differs'
  | 'parked'
  | 'read_not_durable'
  | 'lost_with_process';

/** Something about one slip or event that is counted, for whoever has to look. */
export interface Finding {
  readonly kind: Kind;
  /** A slip, or where in the log. */
  readonly about: string;
  readonly why: string;
  /** From the delivery of an answer to its durable evidence, where that was too late. */
  readonly delay?: Micros;
}

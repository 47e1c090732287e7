import type { Instant } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';

/** Names one published event: rule 4's number within its source and partition. */
export interface EventNumber {
  readonly source: string;
  readonly partition: number;
  readonly seq: bigint;
}

/** One event as it stands on the topic. */
export interface TopicEvent {
  readonly partition: number;
  readonly offset: bigint;
  readonly recorded: RecordedEvent;
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

/** Everything the check is computed from; none of it is a service's own claim about itself. */
export interface Facts {
  readonly topic: readonly TopicEvent[];
  /** What the services committed to publish. */
  readonly outbox: readonly EventNumber[];
  /** What the ledger's log holds. */
  readonly log: readonly EventNumber[];
  readonly truth: readonly TruthRow[];
  /** Transactions that don't sum to zero and accounts that differ from the fold of their postings. */
  readonly imbalances: number;
  /** Database time when the facts were read: deadlines after it are not due. */
  readonly now: Instant;
  /** Slips submitted before are left out; null: none. */
  readonly since: Instant | null;
}

/** The last line of `npm start -- --exit`. */
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
  /** Deliveries within one second of their deadline: neither alarm nor silence would be wrong there. */
  readonly boundary: number;
  readonly false_alarms: number;
  readonly missed: number;
  readonly lost_events: number;
  readonly ledger_balanced: boolean;
}

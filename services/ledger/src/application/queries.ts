import type { Instant, Money, PageOf, PageRequest } from '@slipstream/kernel';
import type { SlipState, Transaction } from '@slipstream/slip';
import type { AccountKind } from '../domain/posting/chart.ts';

export interface SlipView {
  readonly state: SlipState;
  readonly version: number;
  readonly partition: number;
  readonly offset: number;
}

/** What slips are asked for by; `lacks`: by what is not known of them. */
export const slipFields = [
  'reference',
  'reference_prefix',
  'account',
  'counterparty',
  'provider',
  'provider_reference',
  'route',
  'kind',
  'currency',
  'status',
  'outcome',
  'cause',
  'cause_code',
  'case',
  'overdue',
  'not_returned',
  'lacks',
] as const;
export type SlipField = (typeof slipFields)[number];

/** Fields that may be unknown of a slip. */
export const lackable = [
  'provider',
  'provider_reference',
  'route',
  'kind',
  'amount',
  'cause',
  'deadline',
] as const;

/** Slips of which the field has one of the values; `isNot`: the others, those that have no value too. */
export interface SlipTerm {
  readonly field: SlipField;
  readonly values: readonly string[];
  readonly isNot: boolean;
}

export interface SlipFilter {
  readonly clock: string;
  readonly terms: readonly SlipTerm[];
  /** Of what the submitter wrote beside the slip. */
  readonly metadata: readonly (Omit<SlipTerm, 'field'> & { readonly key: string })[];
  /** Whose slips; null: anybody's. */
  readonly caller: string | null;
  /** Included. */
  readonly submittedFrom?: Instant | undefined;
  /** Not included. */
  readonly submittedTo?: Instant | undefined;
  readonly deadlineFrom?: Instant | undefined;
  readonly deadlineTo?: Instant | undefined;
  /** In minor units, included. */
  readonly amountMin?: bigint | undefined;
  readonly amountMax?: bigint | undefined;
}

export interface LoggedEvent {
  readonly id: string;
  readonly type: string;
  readonly slipId: string;
  readonly source: string;
  readonly sequence: number;
  readonly version: number;
  readonly time: Instant;
  readonly receivedTime: Instant;
  readonly bytes: Buffer;
}

export interface AccountBalance {
  readonly currency: string;
  /** Minor units. */
  readonly available: bigint;
  readonly held: bigint;
  /** Claimed back from providers for it, and not yet known to be there. */
  readonly suspense: bigint;
}

/** One of the accounts that postings name. */
export interface ListedAccount {
  /** As postings name it. */
  readonly account: string;
  readonly owner: string;
  readonly kind: AccountKind;
  readonly clock: string;
  readonly currency: string;
  /** Credits less debits, in minor units. */
  readonly balance: bigint;
}

export interface AccountFilter {
  readonly clock: string;
  /** A customer, merchant or provider. */
  readonly owner?: string | undefined;
  readonly kind?: AccountKind | undefined;
  readonly currency?: string | undefined;
}

export interface BookedTransaction extends Transaction {
  readonly slipId: string;
  readonly clock: string;
  /** Of the event that it answers; null: the log does not have it any more. */
  readonly eventId: string | null;
  readonly recordedAt: Instant;
}

export interface TransactionFilter {
  readonly slip?: string | undefined;
  /** As slips name it, or, where no slip does, by the full name that postings show. */
  readonly account?: { readonly id: string; readonly clock: string } | undefined;
}

export type NotReturnedGrouping = 'provider' | 'cause' | 'hour';

export interface NotReturnedGroup {
  /** The provider, the cause's code, or the hour of the deadline (its beginning); null: not known. */
  readonly key: string | null;
  readonly slips: number;
  /** What they are worth, per currency. */
  readonly amounts: readonly Money[];
}

/** Which events a stream has; empty lists and nulls: any. */
export interface EventFilter extends Pick<SlipFilter, 'terms' | 'caller'> {
  readonly slips: readonly string[];
  readonly types: readonly string[];
  readonly clock: string | null;
  /** Included; when it became known here. */
  readonly receivedFrom?: Instant | undefined;
}

export interface PlacedEvent extends LoggedEvent {
  readonly partition: number;
  readonly offset: number;
}

/** Which events a list of the log has. */
export interface EventListFilter extends EventFilter {
  /** Not included. */
  readonly receivedTo?: Instant | undefined;
  /** Of the request that began the slip, 32 hexadecimal digits (W3C Trace Context); null: any. */
  readonly trace: string | null;
}

export interface ListedEvent extends PlacedEvent {
  /** Of its slip. */
  readonly clock: string;
  /** null: no request began its slip, or none that was traced. */
  readonly traceId: string | null;
}

/** Of a slip this many dead letters are shown. */
export const slipLettersMax = 20;

/** A record of a slip that the ledger set aside. */
export interface SlipLetter {
  /** Among the ledger's dead letters. */
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Why: `parked_behind` only waits behind an earlier one. */
  readonly reason: string;
  /** `parked` or `queued`: it waits; `redriven`: it was handled after all; `dismissed`: people gave it up. */
  readonly status: string;
  /** When it was set aside. */
  readonly since: Instant;
}

export interface SlipLetters {
  /** Those that wait first, in the order of the log; at most {@link slipLettersMax}. */
  readonly letters: readonly SlipLetter[];
  /** How many there are, up to 1,000. */
  readonly count: number;
}

/** A stretch of the log, in the order of each partition. */
export interface LogStretch {
  /** Those that were asked for. */
  readonly events: readonly PlacedEvent[];
  /** The offset to go on from, by partition. */
  readonly until: readonly number[];
}

export const slipGroupings = ['hour', 'provider', 'route', 'kind', 'currency', 'cause'] as const;
export type SlipGrouping = (typeof slipGroupings)[number];

/** Slips that are counted by the hour of their submission; terms of fields that they are grouped by. */
export interface StatisticsFilter extends Pick<SlipFilter, 'clock' | 'terms'> {
  /** Whole hours; the first included, the other not. */
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
}

/** Slips that are alike, and what became of them so far. */
export interface CountedGroup {
  /** null: not known. */
  readonly key: string | null;
  readonly slips: number;
  /** A provider may have them. */
  readonly dispatched: number;
  readonly returned: number;
  /** Not returned in time. */
  readonly overdue: number;
  /** Overdue, and not returned since. */
  readonly notReturned: number;
  readonly refunded: number;
  readonly amounts: readonly Money[];
  /** After submission, on average over those that were; null: none was. */
  readonly dispatchedAfterMs: number | null;
  readonly returnedAfterMs: number | null;
}

/** A place in the log: at a Kafka offset, or at a source's number (rule 4). */
export interface LogPosition {
  readonly source: string | null;
  readonly partition: number;
  readonly number: number;
}

/** What can be asked of the ledger; all of it reads committed rows. */
export interface LedgerQueries {
  /**
   * Ordered by the time of the first event, then by id, which never change. A page shows slips that were known when the first one
   * was read, as they are now. It looks at a bounded number of slips, so that it may have few items, or none, and more follow.
   */
  slips(filter: SlipFilter, order: 'asc' | 'desc', page: PageRequest): Promise<PageOf<SlipView>>;
  /**
   * null: there is none. `at`: as the events of then told it; null: it had none yet.
   * @throws SlipstreamError malformed_request for a time that has not come
   */
  slip(id: string, at?: Instant): Promise<SlipView | null>;
  /** What the ledger itself set aside of a slip; other services tell of theirs themselves. */
  deadLetters(slipId: string): Promise<SlipLetters>;
  /** By version. */
  events(slipId: string, page: PageRequest): Promise<PageOf<LoggedEvent>>;
  /**
   * The log, by partition and offset, up to where each partition ended when the first page was read. A page looks at a bounded number of
   * events, so that it may have few items, or none, and more follow.
   */
  log(filter: EventListFilter, page: PageRequest): Promise<PageOf<ListedEvent>>;
  /**
   * By currency; empty when there is no such account. `at`: as it had been entered by then.
   * @throws SlipstreamError malformed_request for a time that has not come
   */
  account(id: string, clock: string, at?: Instant): Promise<readonly AccountBalance[]>;
  /** By owner, then by kind and currency. */
  accounts(filter: AccountFilter, page: PageRequest): Promise<PageOf<ListedAccount>>;
  /** Of a slip or an account the latest first; all of them by slip and number, the greatest first. */
  transactions(filter: TransactionFilter, page: PageRequest): Promise<PageOf<BookedTransaction>>;
  /** Slips called overdue that have no outcome, most of them first. The filter asks for nothing that rows do not tell. */
  notReturned(filter: SlipFilter, grouping: NotReturnedGrouping): Promise<readonly NotReturnedGroup[]>;
  /** By hour the earliest first, else the most slips first. @throws SlipstreamError unavailable */
  statistics(filter: StatisticsFilter, grouping: SlipGrouping): Promise<readonly CountedGroup[]>;
  /** Where what a stream asks for begins in each partition: behind its last event, or not after the time that is asked from. */
  logStart(filter: EventFilter): Promise<readonly number[]>;
  /** From these offsets on: a bounded number of events, by their times across partitions where a time is asked from. */
  logAfter(filter: EventFilter, from: readonly number[]): Promise<LogStretch>;
  /** Resolves when the log has more than that, and after `timeoutMs` or an abort all the same. */
  logMoved(from: readonly number[], timeoutMs: number, signal: AbortSignal): Promise<void>;
  /** True once the log has the position; false after a bounded wait. @throws SlipstreamError overloaded */
  waitFor(position: LogPosition): Promise<boolean>;
}

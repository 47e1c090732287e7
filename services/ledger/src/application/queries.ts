import type { Instant, Money } from '@slipstream/kernel';
import type { SlipState, Transaction } from '@slipstream/slip';

/** A page of a collection in its fixed order; `key` names an item's place in that order. */
export interface PageRequest {
  readonly limit: number;
  /** Where the page starts (`after`) or ends (`before`), the item itself left out; null: at the beginning. */
  readonly from: { readonly side: 'after' | 'before'; readonly key: readonly string[] } | null;
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  /** Keys to go on from; null where there is nothing more. */
  readonly next: readonly string[] | null;
  readonly previous: readonly string[] | null;
}

export interface SlipView {
  readonly state: SlipState;
  readonly version: number;
  readonly partition: number;
  readonly offset: number;
}

export interface SlipFilter {
  readonly clock: string;
  readonly reference?: string | undefined;
  readonly account?: string | undefined;
  readonly provider?: string | undefined;
  readonly kind?: string | undefined;
  readonly status?: string | undefined;
  readonly outcome?: string | undefined;
  /** A class or a code. */
  readonly cause?: string | undefined;
  /** Included. */
  readonly submittedFrom?: Instant | undefined;
  /** Not included. */
  readonly submittedTo?: Instant | undefined;
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
}

export interface BookedTransaction extends Transaction {
  readonly slipId: string;
  readonly recordedAt: Instant;
}

export interface TransactionFilter {
  readonly slip?: string | undefined;
  /** As slips name it, or, where no slip does, by the full name that postings show. */
  readonly account?: { readonly id: string; readonly clock: string } | undefined;
}

export type NotReturnedGrouping = 'provider' | 'cause' | 'hour';

export interface NotReturnedGroup {
  /** The provider, the cause's code, or the hour of the deadline; null: not known. */
  readonly key: string | null;
  readonly slips: number;
  /** What they are worth, per currency. */
  readonly amounts: readonly Money[];
}

/** A place in the log: at a Kafka offset, or at a source's number (rule 4). */
export interface LogPosition {
  readonly source: string | null;
  readonly partition: number;
  readonly number: number;
}

/** What can be asked of the ledger; all of it reads committed rows. */
export interface LedgerQueries {
  /** Ordered by the time of submission, then by id. */
  slips(filter: SlipFilter, order: 'asc' | 'desc', page: PageRequest): Promise<PageOf<SlipView>>;
  slip(id: string): Promise<SlipView | null>;
  /** By version; null when there is no such slip. */
  events(slipId: string, page: PageRequest): Promise<PageOf<LoggedEvent> | null>;
  /** By currency; empty when there is no such account. */
  account(id: string, clock: string): Promise<readonly AccountBalance[]>;
  /** Latest first. */
  transactions(filter: TransactionFilter, page: PageRequest): Promise<PageOf<BookedTransaction>>;
  /** Slips called overdue that have no outcome, most of them first. */
  notReturned(clock: string, grouping: NotReturnedGrouping): Promise<readonly NotReturnedGroup[]>;
  /** True once the log has the position; false after a bounded wait. @throws SlipstreamError overloaded */
  waitFor(position: LogPosition): Promise<boolean>;
}

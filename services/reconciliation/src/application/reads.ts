import type { Instant } from '@slipstream/kernel';
import type { CaseReason, Cause } from '@slipstream/slip';
import type { CurveView } from '../domain/returns/curve-view.ts';
import type { Page, Place } from './newest-first.ts';
import type { Words } from './words.ts';

/** A case as people see it; `reason`, `summary` and what resolved it are those of the reason it is named after. */
export interface CaseView {
  readonly slipId: string;
  readonly status: 'open' | 'closed';
  readonly reason: string;
  readonly summary: string;
  readonly provider: string | null;
  readonly openedAt: Instant;
  readonly closedAt: Instant | null;
  readonly resolution: string | null;
  /** Why people look at it, in the order in which it was opened; it closes when each is resolved. */
  readonly reasons: readonly CaseReason[];
  /** The diagnosis; its evidence are ids of events. */
  readonly cause: Cause | null;
  /** Who looks after it. */
  readonly assignee: string | null;
  /** When it was told on because nobody had closed it. */
  readonly escalatedAt: Instant | null;
  /** How long it has been open. */
  readonly ageMs: number | null;
  /** Counts what people could see change: the ETag. */
  readonly version: number;
}

export interface CaseFilter {
  readonly status: Words<'open' | 'closed'>;
  /** A cause's class or code. */
  readonly cause: Words;
  readonly provider: Words;
  readonly assignee: Words;
  /** One of its reasons, resolved or not. */
  readonly reason: Words;
  /** Whether nobody looks after it. */
  readonly unassigned: boolean | null;
  readonly escalated: boolean | null;
  /** Opened at least so many seconds ago. */
  readonly minAgeS: number | null;
  /** Its slip was missed in this incident. */
  readonly incident: string | null;
}

/** How far one clock is judged, over all partitions. */
export interface ClockView {
  readonly clock: string;
  /** Null while some partition was never judged. */
  readonly judgedThrough: Instant | null;
  /** No slip and no answer will be added. */
  readonly closed: boolean;
  /** Closed, and every slip of it has its verdict. */
  readonly concluded: boolean;
  readonly counts: {
    readonly slips: number;
    /** Without a verdict: due later. */
    readonly open: number;
    readonly overdue: number;
    readonly notReturned: number;
  };
}

/** Open cases, counted. */
export interface CaseCounts {
  /** By each reason that is not resolved. */
  readonly open: ReadonlyMap<string, number>;
  readonly escalated: number;
  /** How long the oldest has been open, in seconds; 0: none is. */
  readonly oldestS: number;
}

/** How long outcomes take, and since when too little comes back. */
export type ReturnCurveView = Omit<CurveView, 'fallingSince'> & { readonly fallingSince: Instant | null };

/** What may be asked; nothing here changes anything. */
export interface Reads {
  cases(filter: CaseFilter, from: Place | null, pageSize: number): Promise<Page<CaseView>>;
  caseOf(slipId: string): Promise<CaseView | null>;
  clocks(): Promise<readonly ClockView[]>;
  /** As they were kept last: at most half a minute ago while anything returns. */
  returnCurves(): Promise<readonly ReturnCurveView[]>;
}

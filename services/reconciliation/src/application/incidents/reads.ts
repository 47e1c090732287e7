import type { Instant, Money } from '@slipstream/kernel';
import type { Fate } from '../../domain/incident/missed.ts';
import type { Page, Place } from '../newest-first.ts';

export interface IncidentView {
  readonly id: string;
  readonly status: 'open' | 'closed';
  /** Null: the trouble is our own. */
  readonly provider: string | null;
  /** When the first and the last of its slips was dispatched; what was not, when it was submitted. */
  readonly since: Instant;
  readonly until: Instant;
  readonly openedAt: Instant;
  readonly closedAt: Instant | null;
  readonly mergedInto: string | null;
  /** The ids of the ReturnsFalling events that warned of it. */
  readonly warnings: readonly string[];
  readonly blindSince: Instant | null;
  readonly blindBy: string | null;
  readonly routes: readonly string[];
  /** How many of its slips have which cause, the most frequent first. */
  readonly causes: readonly { readonly class: string; readonly code: string; readonly slips: number }[];
  readonly counts: {
    readonly slips: number;
    /** Without an answer, or with a case that people must look at. */
    readonly open: number;
    /** The answer came after all. */
    readonly repaired: number;
    readonly refunded: number;
    readonly openCases: number;
    /** Their refunds wait for people, because our own trouble kept many from being sent. */
    readonly withheld: number;
  };
  /** What is held for those without an answer, by currency. */
  readonly heldAmount: readonly Money[];
}

/** A slip of an incident. */
export interface IncidentSlip {
  readonly slipId: string;
  readonly provider: string | null;
  /** Null, as kind and amount: of a slip that waits for its verdict, or was in time after all. */
  readonly route: string | null;
  readonly kind: string | null;
  readonly amount: Money | null;
  readonly at: Instant;
  readonly deadline: Instant;
  readonly cause: { readonly class: string; readonly code: string } | null;
  /** `waiting`: it could not be judged, and did not miss its deadline as far as is known. */
  readonly fate: Fate | 'waiting';
  readonly hasOpenCase: boolean;
}

export interface IncidentFilter {
  readonly status: 'open' | 'closed' | null;
  readonly provider: string | null;
}

export interface IncidentReads {
  incidents(filter: IncidentFilter, from: Place | null, pageSize: number): Promise<Page<IncidentView>>;
  incident(id: string): Promise<IncidentView | null>;
  slips(id: string, from: Place | null, pageSize: number): Promise<Page<IncidentSlip>>;
}

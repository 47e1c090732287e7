import type { Instant, Money } from '@slipstream/kernel';
import type { PendingOpsEvent } from '@slipstream/slip';
import type { Withheld } from '../../domain/incident/bulks.ts';
import type { Incident, Side, Warning } from '../../domain/incident/decide.ts';
import type { Slot } from '../../domain/incident/segments.ts';

/** A second: outages are found to that. */
export const slotMs = 1_000;

/** What the incidents are decided from. */
export interface Evidence {
  readonly known: readonly Incident[];
  readonly slots: ReadonlyMap<Side, readonly Slot[]>;
  readonly warnings: readonly Warning[];
  /** Of our own. */
  readonly withheld: readonly Withheld[];
}

/** An incident, and what became of its slips. */
export interface Tallied {
  readonly incident: Incident;
  readonly since: Instant;
  readonly until: Instant;
  readonly slips: number;
  readonly returned: number;
  readonly refunded: number;
  /** Of those without an answer, by currency. */
  readonly atRisk: readonly Money[];
}

/** One transaction of the only instance that decides about incidents. */
export interface IncidentsTurn {
  evidence(): Promise<Evidence>;
  /** Writes it, and takes in its slips, those of merged incidents too; these are closed. Gives them as they were last. */
  keep(incident: Incident, merged: readonly string[]): Promise<{ now: Tallied; merged: readonly Tallied[] }>;
  /** Closes those of which nothing is open any more, but for these. */
  closeEnded(standing: readonly string[]): Promise<readonly Tallied[]>;
  publish(events: readonly PendingOpsEvent[]): void;
}

export interface IncidentStore {
  isOurs(): boolean;
  /** A word that changes when something may have to be decided. */
  changed(): Promise<string>;
  /** False when another instance decides: nothing was done. */
  inTurn(work: (turn: IncidentsTurn) => Promise<void>): Promise<boolean>;
}

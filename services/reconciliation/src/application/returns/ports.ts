import type { Instant } from '@slipstream/kernel';
import type { PendingOpsEvent } from '@slipstream/slip';
import type { ReturnsState } from '../../domain/returns/returns-watch.ts';
import type { SlotStep } from './tally.ts';

/** A state as it was kept, and its number: another instance may have gone on since. */
export interface KeptReturns {
  readonly version: number;
  readonly state: ReturnsState;
}

/** One transaction of the only instance that watches. */
export interface ReturnsTurn {
  /** Null: nothing was ever kept, or what was kept has this number still. */
  keptAfter(version: number): Promise<KeptReturns | null>;
  /** What happened in the slots after one, up to another, in their order. */
  steps(after: number, through: number): Promise<readonly SlotStep[]>;
  /** Keeps a state under the next number; the steps that it has folded go. */
  keep(kept: KeptReturns): void;
  publish(events: readonly PendingOpsEvent[]): void;
}

export interface ReturnsStore {
  /** Whether it is this instance that watches. */
  isOurs(): boolean;
  /** Up to when every event of every partition was read, of all instances; null: nobody knows. */
  readThrough(): Promise<Instant | null>;
  /** Whether anything happened in the slots after one, up to another: asked outside of any transaction. */
  anySteps(after: number, through: number): Promise<boolean>;
  /** False when another instance watches: nothing was done. */
  inTurn(work: (turn: ReturnsTurn) => Promise<void>): Promise<boolean>;
}

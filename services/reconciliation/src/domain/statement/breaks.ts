import type { Outcome } from '@slipstream/slip';

/**
 * How a statement and our books differ. `missing_here`: it tells a movement of no slip of ours; `missing_there`: we know that a slip was
 * paid, and no statement has it; `late`: it has it, later than it may; `gap`: it opens with another balance than the statement before
 * closed with, which is about no line of it.
 */
export const slipBreakTypes = [
  'missing_here',
  'missing_there',
  'amount',
  'currency',
  'status',
  'duplicate',
  'late',
  'fee',
] as const;
export const breakTypes = [...slipBreakTypes, 'gap'] as const;
export type BreakType = (typeof breakTypes)[number];
/** What can be about a slip. */
export type SlipBreakType = (typeof slipBreakTypes)[number];

/** One difference, as it was found. */
export interface FoundBreak {
  readonly type: SlipBreakType;
  /** Null where there is none, or where it cannot be told which. */
  readonly slipId: string | null;
  /** Of the file; null: what is missing has none. */
  readonly line: number | null;
  readonly currency: string;
  /** What of the movements our books do not explain: with ours they are what the statement says, to the minor unit. */
  readonly difference: bigint;
  /** For people: what was expected, and what is told. */
  readonly expected: string;
  readonly seen: string;
  /** What repairs it is told beside it: what came twice was given back. */
  readonly isRepaired?: true;
}

/** What a line says of a slip: evidence of the first rank, and by whom it is carried on. */
export interface LineMatch {
  readonly slipId: string;
  readonly line: number;
  readonly outcome: Outcome;
  readonly reason: string | null;
  /** What was moved, without a sign; null: all of it, told in parts. */
  readonly amount: bigint | null;
  readonly currency: string;
  readonly fee: bigint | null;
  /** Of the slip where its outcome is known: a bank's own name for the booking is no second execution. */
  readonly providerReference: string | null;
  /** Of lines of one amount on one day of the statement that tell what came back: which one it is; absent: the first. */
  readonly occurrence?: number;
  /** What it adds to what statements show as paid, and as come back, of the slip: signed. */
  readonly paid: bigint;
  readonly cameBack: bigint;
}

/** A line as far as our books explain it: `amount` of the line = `ours` + `fee` + the differences of its breaks. */
export interface ExplainedLine {
  readonly line: number;
  readonly ours: bigint;
  readonly fee: bigint;
}

/** What an earlier statement told once more came back, signed as it was told. */
export interface GivenBack {
  readonly slipId: string;
  readonly amount: bigint;
}

export interface Matching {
  readonly matches: readonly LineMatch[];
  readonly breaks: readonly FoundBreak[];
  readonly explained: readonly ExplainedLine[];
  readonly givenBack?: readonly GivenBack[];
}

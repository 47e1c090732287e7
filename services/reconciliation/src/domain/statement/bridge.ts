import { type BreakType, breakTypes } from './breaks.ts';
import type { Day } from './statement.ts';

/** What the lines of one day come to, as our books explain them: sums in one account and currency. */
export interface DaySums {
  readonly day: Day;
  /** Of slips, as our books have them. */
  readonly movements: bigint;
  readonly fees: bigint;
  readonly transfers: bigint;
  readonly conversions: bigint;
  /** By type: how many there are, and what they come to. */
  readonly breaks: ReadonlyMap<BreakType, { readonly count: number; readonly amount: bigint }>;
}

export interface BridgeDay {
  readonly day: Day;
  readonly opening: bigint;
  readonly movements: bigint;
  readonly fees: bigint;
  readonly transfers: bigint;
  readonly conversions: bigint;
  readonly breaks: readonly { readonly type: BreakType; readonly count: number; readonly amount: bigint }[];
  readonly closing: bigint;
}

/**
 * The way from opening to closing balance, a day at a time: opening + movements + fees + transfers + conversions + named breaks =
 * closing, to the minor unit. The same sums give the same bytes: days and types have one order.
 * @param opening null: the statement says none, and what it moved is told from 0 on
 */
export function bridgeOf(opening: bigint | null, days: readonly DaySums[]): readonly BridgeDay[] {
  let open = opening ?? 0n;
  return days
    .toSorted((a, b) => (a.day < b.day ? -1 : 1))
    .map(({ day, movements, fees, transfers, conversions, breaks }) => {
      const named = breakTypes.flatMap((type) => {
        const found = breaks.get(type);
        return found ? [{ type, ...found }] : [];
      });
      const differences = named.reduce((all, { amount }) => all + amount, 0n);
      const closing = open + movements + fees + transfers + conversions + differences;
      const told = { day, opening: open, movements, fees, transfers, conversions, breaks: named, closing };
      open = closing;
      return told;
    });
}

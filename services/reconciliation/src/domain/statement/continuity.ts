import { shownAmount } from './amount.ts';
import type { Day } from './statement.ts';

/** What one statement says of an account in one currency: from which balance to which, and on which day it closes. */
export interface Stretch {
  readonly opening: bigint;
  readonly closing: bigint;
  readonly closesOn: Day;
}

/** A statement opens with another balance than the one before closed with. */
export interface Gap<Of extends Stretch> {
  readonly of: Of;
  readonly before: Stretch;
}

/**
 * Where the statements of one account that close on one day do not go on from those of the day before that is known. Several of a day
 * may have come in any order: each goes on from another one of its day, or begins where the day does.
 * @param before those of the last day before; none: where the first one of the day begins nobody knows
 * @param ofDay in the order in which they came
 */
export function gapsOf<Of extends Stretch>(before: readonly Stretch[], ofDay: readonly Of[]): Gap<Of>[] {
  const begins = new Set(
    before.length > 0
      ? before.map(({ closing }) => closing)
      : ofDay.slice(0, 1).map(({ opening }) => opening),
  );
  const gaps: Gap<Of>[] = [];
  const rest = [...ofDay];
  let last = before.at(-1);
  let isWithin = false;
  while (rest.length > 0) {
    const goesOn = isWithin ? rest.findIndex(({ opening }) => opening === last?.closing) : -1;
    const next = goesOn >= 0 ? goesOn : rest.findIndex(({ opening }) => begins.has(opening));
    const [one] = rest.splice(Math.max(next, 0), 1) as [Of];
    if (next < 0 && last !== undefined) gaps.push({ of: one, before: last });
    last = one;
    isWithin = true;
  }
  return gaps;
}

/** For people: what was expected, and what is told. */
export function saidOf({ of, before }: Gap<Stretch>, account: string, currency: string) {
  const name = account === '' ? 'the account' : account;
  return {
    expected: `${name} goes on from ${shownAmount(before.closing, currency)}, with which it closed on ${before.closesOn}`,
    seen: `it opens with ${shownAmount(of.opening, currency)}`,
    difference: of.opening - before.closing,
  };
}

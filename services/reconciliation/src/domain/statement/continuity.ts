import { shownAmount } from '@slipstream/kernel';
import type { Day } from './statement.ts';

/** What one statement says of an account in one currency: from which balance to which, and on which day it closes. */
export interface Stretch {
  readonly opening: bigint;
  readonly closing: bigint;
  readonly closesOn: Day;
}

/** A statement in its place behind the one before. */
export interface Link<Of extends Stretch> {
  readonly of: Of;
  /** Null: none is known before. */
  readonly before: Stretch | null;
  /** What it opens with beyond what the one before closed with; other than 0 it is a gap, or an overlap. */
  readonly jump: bigint;
  /** It begins where its day begins, as another one of the day did, and may tell once more what that one told. */
  readonly isOverlap: boolean;
}

/** A statement opens with another balance than the one before closed with. */
export interface Gap<Of extends Stretch> {
  readonly of: Of;
  readonly before: Stretch;
}

/**
 * The statements of one account that close on one day, one behind the other. Files come in any order: each goes on from another one of its
 * day, or begins where the day does. Where neither is so, one that goes on from no other is next, so that what follows it has no gap.
 * @param before those of the last day before; none: where the first one of the day begins nobody knows
 * @param ofDay in an order that the files themselves give: it decides where balances do not
 */
export function chainOf<Of extends Stretch>(before: readonly Stretch[], ofDay: readonly Of[]): Link<Of>[] {
  const begins = new Set(before.map(({ closing }) => closing));
  const links: Link<Of>[] = [];
  const rest = [...ofDay];
  let last = before.length > 0 ? endOf(before) : null;
  while (rest.length > 0) {
    const [of] = rest.splice(nextAt(rest, last, begins), 1) as [Of];
    if (last === null) begins.add(of.opening);
    const jump = last === null ? 0n : of.opening - last.closing;
    links.push({ of, before: last, jump, isOverlap: jump !== 0n && begins.has(of.opening) });
    last = of;
  }
  return links;
}

function nextAt(rest: readonly Stretch[], last: Stretch | null, begins: ReadonlySet<bigint>): number {
  const goesOn = rest.findIndex(({ opening }) => opening === last?.closing);
  if (goesOn >= 0) return goesOn;
  const isFirst = rest.findIndex(({ opening }) => begins.has(opening));
  if (isFirst >= 0) return isFirst;
  return Math.max(
    rest.findIndex((one) => rest.every((other) => other === one || other.closing !== one.opening)),
    0,
  );
}

/** What a day closes with, whatever came first. */
export function endOf(ofDay: readonly Stretch[]): Stretch | null {
  return chainOf([], ofDay).at(-1)?.of ?? null;
}

/** Where the statements of a day do not go on from each other, or from those of the day before. */
export function gapsOf<Of extends Stretch>(before: readonly Stretch[], ofDay: readonly Of[]): Gap<Of>[] {
  return chainOf(before, ofDay).flatMap(({ of, before: last, jump, isOverlap }) =>
    last === null || jump === 0n || isOverlap ? [] : [{ of, before: last }],
  );
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

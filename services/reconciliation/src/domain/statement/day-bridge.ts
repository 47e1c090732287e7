import { breakTypes } from './breaks.ts';
import type { BridgeDay, DaySums } from './bridge.ts';
import { chainOf, endOf, type Stretch } from './continuity.ts';
import type { Day } from './statement.ts';

/** One statement of an account, as far as a day is concerned. */
export interface ToldOfDay extends Stretch {
  readonly name: string;
  /** The first and the last day of its lines and its closing. */
  readonly firstOn: Day;
  readonly lastOn: Day;
  /** What its lines that are booked before the day come to. */
  readonly before: bigint;
  /** Null: it has no line of the day. */
  readonly sums: DaySums | null;
}

/** What statements of one day open with otherwise than the one before closed: a gap, or an overlap of those that begin where the day does. */
const dayBreakTypes = [...breakTypes, 'overlap'] as const;
export type DayBreakType = (typeof dayBreakTypes)[number];

/** The way of one account through one day, by however many statements it is told. */
export interface AccountDay extends Omit<BridgeDay, 'breaks'> {
  readonly breaks: readonly {
    readonly type: DayBreakType;
    readonly count: number;
    readonly amount: bigint;
  }[];
  /** What the last statement itself closes with, where it tells of nothing behind the day; null: none says it. */
  readonly statedClosing: bigint | null;
  /** Which statements have something of the day. */
  readonly names: readonly string[];
}

/**
 * Opening + movements + fees + transfers + conversions + named breaks = closing, to the minor unit, and each day opens with what the one
 * before closed with: a gap between two statements is a break of the day on which the later one begins. The same files give the same
 * bytes, in whatever order they came.
 * @param former those of the last day before the first of `days`
 * @param days statements by the day on which they close, in order; each day in an order that the files themselves give
 */
export function dayBridgeOf(
  day: Day,
  former: readonly Stretch[],
  days: readonly (readonly ToldOfDay[])[],
): AccountDay {
  const links = days.flatMap((ofDay, at) => chainOf(days[at - 1] ?? former, ofDay));
  const begun = links.filter(({ of }) => of.firstOn <= day);
  const total = new Total();
  let opening = endOf(former)?.closing ?? links[0]?.of.opening ?? 0n;
  for (const { of, jump, isOverlap } of begun) {
    opening += of.before;
    if (of.firstOn < day) opening += jump;
    else if (jump !== 0n) total.name(isOverlap ? 'overlap' : 'gap', 1, jump);
    if (of.sums) total.add(of.sums);
  }
  const isWhole = begun.every(({ of }, at) => of.lastOn <= day && links[at]?.of === of);
  const told = begun.filter(({ of }) => of.sums !== null || of.closesOn === day);
  return {
    ...total.bridge(day, opening),
    statedClosing: isWhole ? (begun.at(-1)?.of.closing ?? null) : null,
    names: told.map(({ of }) => of.name).sort(),
  };
}

/** Of statements that say nothing of what the account holds: what they moved is told from 0 on. */
export function unstatedDayOf(
  day: Day,
  told: readonly { readonly name: string; readonly sums: DaySums }[],
): AccountDay {
  const total = new Total();
  for (const { sums } of told) total.add(sums);
  return { ...total.bridge(day, 0n), statedClosing: null, names: told.map(({ name }) => name).sort() };
}

class Total {
  #sums = { movements: 0n, fees: 0n, transfers: 0n, conversions: 0n };
  readonly #breaks = new Map<DayBreakType, { readonly count: number; readonly amount: bigint }>();

  add({ movements, fees, transfers, conversions, breaks }: DaySums): void {
    const to = this.#sums;
    this.#sums = {
      movements: to.movements + movements,
      fees: to.fees + fees,
      transfers: to.transfers + transfers,
      conversions: to.conversions + conversions,
    };
    for (const [type, { count, amount }] of breaks) this.name(type, count, amount);
  }

  name(type: DayBreakType, count: number, amount: bigint): void {
    const known = this.#breaks.get(type) ?? { count: 0, amount: 0n };
    this.#breaks.set(type, { count: known.count + count, amount: known.amount + amount });
  }

  bridge(day: Day, opening: bigint) {
    const breaks = dayBreakTypes.flatMap((type) => {
      const found = this.#breaks.get(type);
      return found ? [{ type, ...found }] : [];
    });
    const moved = Object.values(this.#sums).reduce((all, one) => all + one, 0n);
    const closing = breaks.reduce((all, { amount }) => all + amount, opening + moved);
    return { day, opening, ...this.#sums, breaks, closing };
  }
}

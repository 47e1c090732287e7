import type { Cohort } from './cohort.ts';
import { type Curve, returnedBy } from './curve.ts';

/** What a warning says of the slips that were dispatched since. */
export interface Forecast {
  readonly dispatched: number;
  /** By their age so many should have returned, says the curve, and so many have. */
  readonly expected: number;
  readonly seen: number;
  /** Of those under way: as many will miss their deadlines if it goes on so, with so much money by currency. */
  readonly slips: number;
  readonly money: Readonly<Record<string, number>>;
  /** The earliest deadline of those under way; null: none is. */
  readonly firstDue: number | null;
}

/** `cohorts`: those dispatched since. What is left is thought to return as much more seldom as what was seen did. */
export function forecastOf(curve: Curve, cohorts: readonly Cohort[], now: number): Forecast {
  const dispatched = sum(cohorts, ({ slips }) => slips);
  const seen = sum(cohorts, ({ back }) => back);
  const expected = sum(cohorts, ({ slips, until }) => slips * returnedBy(curve, now - until));
  const share = expected > 0 ? Math.min(1, seen / expected) : 0;
  let slips = 0;
  let firstDue: number | null = null;
  const money: Record<string, number> = {};
  for (const cohort of cohorts) {
    const open = cohort.slips - cohort.back;
    if (open === 0) continue;
    const missing = 1 - share * stillReturns(curve, now - cohort.until, cohort.due - cohort.until);
    slips += open * missing;
    for (const [currency, amount] of Object.entries(cohort.money))
      money[currency] = (money[currency] ?? 0) + amount * missing;
    firstDue = Math.min(firstDue ?? cohort.due, cohort.due);
  }
  return { dispatched, expected, seen, slips: Math.round(slips), money: rounded(money), firstDue };
}

/** Of those that are open at an age, the share that returns until another one. */
function stillReturns(curve: Curve, ageMs: number, untilMs: number): number {
  const before = returnedBy(curve, ageMs);
  return before < 1 ? Math.max(0, returnedBy(curve, untilMs) - before) / (1 - before) : 0;
}

function sum(cohorts: readonly Cohort[], of: (cohort: Cohort) => number): number {
  return cohorts.reduce((total, cohort) => total + of(cohort), 0);
}

function rounded(money: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(money).map(([currency, amount]) => [currency, Math.round(amount)]),
  );
}

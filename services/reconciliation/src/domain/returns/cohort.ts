/** Slips of one provider and route that were dispatched at about the same time. */
export interface Cohort {
  readonly from: number;
  readonly until: number;
  slips: number;
  back: number;
  /** By the bucket of their age. */
  readonly returned: Record<number, number>;
  /** What has not returned, in minor units, by currency. */
  readonly money: Record<string, number>;
  /** The earliest deadline, and the time of all of it until then: they are followed up to there. */
  due: number;
  /** Where the clock of its route stood when it was complete; null: it is not. */
  completeAt: number | null;
}

/** What one slot adds to the cohorts, as the log says it. Times in milliseconds since 1970. */
export interface Step {
  readonly kind: 'dispatched' | 'returned' | 'withdrawn';
  readonly provider: string;
  readonly route: string;
  /** The dispatches of its cohort. */
  readonly from: number;
  readonly until: number;
  readonly slips: number;
  /** Minor units; without a currency there is none. */
  readonly amount: number;
  readonly currency: string | null;
  /** The earliest deadline; of dispatches. */
  readonly due?: number;
  /** Of the age; of returns. */
  readonly bucket?: number;
}

export function cohortOf({ from, until, due }: Step): Cohort {
  const begun = { slips: 0, back: 0, returned: {}, money: {}, due: due ?? until };
  return { from, until, ...begun, completeAt: null };
}

/** Folds one step; more cannot return than was dispatched. */
export function fold(cohort: Cohort, { kind, slips, amount, currency, due, bucket }: Step): void {
  const under = cohort.slips - cohort.back;
  const moved = kind === 'dispatched' ? slips : Math.min(slips, under);
  const sign = kind === 'dispatched' ? 1 : -1;
  if (kind === 'returned') {
    cohort.back += moved;
    cohort.returned[bucket ?? 0] = (cohort.returned[bucket ?? 0] ?? 0) + moved;
  } else cohort.slips += sign * moved;
  if (due !== undefined) cohort.due = Math.min(cohort.due, due);
  if (currency === null) return;
  const left = Math.max(0, (cohort.money[currency] ?? 0) + sign * amount);
  if (left > 0) cohort.money[currency] = left;
  else delete cohort.money[currency];
}

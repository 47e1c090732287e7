import { type Curve, returnedBy } from './curve.ts';

/** What is still ordinary, though it is worse than the curve: the null hypothesis that a warning rejects. */
export interface Allowance {
  /** All outcomes may stop for this share of the time between dispatch and deadline. */
  readonly pauseShare: number;
  /** Each outcome may take so many times as long. */
  readonly slowerTimes: number;
  /** So large a share may never return, and twice what the curve says. */
  readonly lostShare: number;
}

/** Where more never returns on ordinary days, silence says too little. */
const ordinaryLossMax = 0.5;

/** Slips may come back as late as this allows: what a share of them must have by an age, at the least. */
export interface Ordinary {
  readonly curve: Curve;
  /** Of what the curve says. */
  readonly keptShare: number;
  readonly pauseMs: number;
  readonly slowerTimes: number;
}

/** Null: too few of them return at all. */
export function ordinary(curve: Curve, durationMs: number, allowance: Allowance): Ordinary | null {
  const returned = returnedBy(curve, durationMs);
  const lost = Math.max(allowance.lostShare, 2 * (1 - returned));
  if (lost >= ordinaryLossMax) return null;
  const { pauseShare, slowerTimes } = allowance;
  return {
    curve,
    keptShare: Math.min(1, (1 - lost) / returned),
    pauseMs: pauseShare * durationMs,
    slowerTimes,
  };
}

/** The share that must have returned by an age, were all well. */
export function owedBy({ curve, keptShare, pauseMs, slowerTimes }: Ordinary, ageMs: number): number {
  return keptShare * returnedBy(curve, (ageMs - pauseMs) / slowerTimes);
}

/** What the outage may be: this share of all outcomes is lost. They are tried side by side. */
export const lostShares = [0.2, 0.5, 0.9] as const;

/** Of slips that were dispatched together some have returned; of all of them `owed` (a share) must have by now, were all well. */
export interface Seen {
  readonly returned: number;
  readonly open: number;
  readonly owed: number;
}

/**
 * The logarithm of how much likelier that is if a share of the outcomes is lost than at the worst that is still ordinary. At
 * the worst it is a martingale; where each slip returns at least as soon as that, whatever became of the others, it lies
 * below one: an e-process (Ramdas, Grünwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid inference",
 * Statistical Science 38, 2023). A slip that is lost and one that is late are the same to it until the late one comes.
 */
export function evidenceOf({ returned, open, owed }: Seen, lostShare: number): number {
  return returned * Math.log(1 - lostShare) + open * Math.log((1 - (1 - lostShare) * owed) / (1 - owed));
}

/**
 * The strongest evidence of all outages that may have begun with some cohort and go on: an e-detector of the CUSUM kind
 * (Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", New England Journal of
 * Statistics in Data Science 2, 2024; after Page, "Continuous inspection schemes", Biometrika 41, 1954). As long as all is well
 * it takes at least 1/a cohorts on average until it exceeds 1/a, at whatever moments one looks, which follows from Ville's
 * inequality; so does the mean of several.
 */
export interface Detector {
  /** Its logarithm; at least 0: nothing has begun. */
  readonly log: number;
  /** When the first slips of that outage were dispatched, in milliseconds since 1970; null: there is none. */
  readonly since: number | null;
}

export const calm: Detector = { log: 0, since: null };

/** With one more cohort, dispatched at `from`; `log` is its evidence. */
export function withCohort(detector: Detector, log: number, from: number): Detector {
  const sum = detector.log + log;
  return sum <= 0 ? calm : { log: sum, since: detector.since ?? from };
}

/** The logarithm of the mean. */
export function meanOf(detectors: readonly Detector[]): number {
  const most = Math.max(...detectors.map(({ log }) => log));
  return (
    most + Math.log(detectors.reduce((sum, { log }) => sum + Math.exp(log - most), 0) / detectors.length)
  );
}

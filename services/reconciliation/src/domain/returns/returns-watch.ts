import { type Cohort, cohortOf, fold, type Step } from './cohort.ts';
import { type Curve, emptyCurve, learn, weightAt } from './curve.ts';
import {
  calm,
  type Detector,
  evidenceOf,
  lostShares,
  meanOf,
  ordinary,
  owedBy,
  withCohort,
} from './evidence.ts';
import { type Forecast, forecastOf } from './forecast.ts';
import { cohortMs, type ReturnsSettings, slotMs } from './settings.ts';

/** A warning that stands. Times in milliseconds since 1970. */
export interface Falling {
  /** Of what was dispatched from here on too little comes back. */
  readonly since: number;
  readonly foundAt: number;
}

/** What was found in a slot. */
export type Finding = {
  readonly provider: string;
  readonly route: string;
  readonly since: number;
  readonly foundAt: number;
} & (
  | { readonly kind: 'falling'; readonly eValueLog: number; readonly forecast: Forecast }
  | {
      readonly kind: 'recovered';
      /** When the warning came. */
      readonly fellAt: number;
      readonly recoveredSince: number;
      readonly dispatched: number;
      readonly seen: number;
    }
);

/** What is known of one provider on one route. */
export interface Lane {
  readonly provider: string;
  readonly route: string;
  curve: Curve;
  falling: Falling | null;
  readonly cohorts: Record<string, Cohort>;
  /** Of what was followed to its deadline, for each of the shares that may be lost. */
  ended: readonly Detector[];
  /** What was dispatched before is neither judged nor learned from. */
  judgedFrom: number;
  /** A clock that stands while nothing is heard of any provider, and when it was set. */
  clockMs: number;
  at: number;
  /** The shortest time between dispatch and deadline of those that are followed; and when it is looked at next. */
  shortestMs: number;
  lookAt: number;
}

/** All of it is plain data: it is kept as JSON. */
export interface ReturnsState {
  /** Every step up to this slot was folded. */
  slot: number;
  readonly lanes: Record<string, Lane>;
}

export const nothingReturned = (): ReturnsState => ({ slot: -1, lanes: {} });

/** What is suspicious is not learned from; ten to this power, as a natural logarithm. */
const suspiciousLog = Math.log(20);
/** That a quarter is still lost is rejected at 1 in a thousand. */
const recoveredLog = Math.log(1_000);
const fallingLostShare = 0.25;
/** Of what is owed at the deadline. */
const grownShare = 0.95;
const unlimited = Number.MAX_SAFE_INTEGER;
const dayMs = 86_400_000;
/** What lasts for longer is how it is now: the warning ends, and the curve begins anew. */
const ordinaryAfterMs = dayMs;

/**
 * Watches how outcomes come back, by what the log says alone: steps come slot by slot, and only slots in which something
 * happened. Its state is its own; whoever holds it keeps it.
 */
export class ReturnsWatch {
  readonly state: ReturnsState;
  readonly #settings: ReturnsSettings;

  constructor(settings: ReturnsSettings, state = nothingReturned()) {
    this.#settings = settings;
    this.state = state;
  }

  /** Folds all steps of a slot after the last one, and tells what follows. */
  next(slot: number, steps: readonly Step[]): Finding[] {
    const now = (slot + 1) * slotMs;
    const { halfLifeMs } = this.#settings;
    this.state.slot = slot;
    for (const lane of Object.values(this.state.lanes)) setClock(lane, now, this.#settings.pauseShare);
    // Before what comes back of them: how the partitions were read says nothing about the order.
    for (const step of steps) if (step.kind === 'dispatched') this.#fold(step, now);
    for (const step of steps) if (step.kind !== 'dispatched') this.#fold(step, now);
    const findings: Finding[] = [];
    for (const [name, lane] of Object.entries(this.state.lanes)) {
      if (now < lane.lookAt) continue;
      const finding = this.#look(lane, now);
      if (finding) findings.push(finding);
      nextLook(lane, now);
      if (Object.keys(lane.cohorts).length === 0 && weightAt(lane.curve, now, halfLifeMs) < 1)
        delete this.state.lanes[name];
    }
    return findings;
  }

  #fold(step: Step, now: number): void {
    const name = `${step.provider} ${step.route}`;
    let lane = this.state.lanes[name];
    const cohortName = `${step.from} ${step.until - step.from}`;
    if (!lane?.cohorts[cohortName]) {
      // What was dispatched so long ago that nobody follows it any more.
      if (step.kind !== 'dispatched' || (step.due ?? 0) <= now) return;
      lane ??= this.state.lanes[name] = newLane(step, now);
      lane.cohorts[cohortName] = cohortOf(step);
      lane.shortestMs = Math.min(lane.shortestMs, Math.max(0, step.due! - step.until));
    }
    fold(lane.cohorts[cohortName]!, step);
  }

  #look(lane: Lane, now: number): Finding | null {
    if (lane.falling && now - lane.falling.foundAt > ordinaryAfterMs) {
      lane.curve = emptyCurve;
      return recovered(lane, lane.falling, now, now);
    }
    const looks = this.#looks(lane, now);
    const detectors = lane.ended.map((ended, i) => detect(ended, looks, lostShares[i]!));
    const finding = lane.falling
      ? recovery(lane, lane.falling, looks, now)
      : this.#warning(lane, detectors, looks, now);
    this.#end(lane, looks, meanOf(detectors), now);
    return finding;
  }

  #warning(lane: Lane, detectors: readonly Detector[], looks: readonly Look[], now: number): Finding | null {
    const eValueLog = meanOf(detectors);
    if (looks.length === 0 || eValueLog < warningLog(lane, this.#settings)) return null;
    return fallen(lane, detectors, eValueLog, now);
  }

  /** The cohorts of which something is owed, the oldest first. */
  #looks(lane: Lane, now: number): Look[] {
    const isKnown = lane.curve.slips >= this.#settings.slipsMin;
    const looks = Object.values(lane.cohorts).flatMap((cohort): Look[] => {
      if (now < cohort.until) return [];
      cohort.completeAt ??= lane.clockMs;
      if (!isKnown || cohort.from < lane.judgedFrom) return [];
      const followedMs = cohort.due - cohort.until;
      const allowed = ordinary(lane.curve, followedMs, this.#settings);
      const owed = allowed ? owedBy(allowed, lane.clockMs - cohort.completeAt) : 0;
      if (!allowed || owed === 0) return [];
      return [{ cohort, owed, isGrown: owed >= grownShare * owedBy(allowed, followedMs) }];
    });
    return looks.sort((a, b) => a.cohort.from - b.cohort.from);
  }

  /** What was followed to its deadline is learned from, unless something is wrong: an outage is never ordinary. */
  #end(lane: Lane, looks: readonly Look[], eValueLog: number, now: number): void {
    const { slipsMin, halfLifeMs } = this.#settings;
    const isWell = !lane.falling && (lane.curve.slips < slipsMin || eValueLog < suspiciousLog);
    const ended = looks.filter(({ cohort }) => now >= cohort.due);
    lane.ended = lane.ended.map((detector, i) => detect(detector, ended, lostShares[i]!));
    for (const [name, cohort] of Object.entries(lane.cohorts)) {
      if (now < cohort.due) continue;
      delete lane.cohorts[name];
      if (!isWell || cohort.from < lane.judgedFrom || cohort.slips === 0) continue;
      const followedMs = Math.max(0, cohort.due - cohort.until);
      lane.curve = learn(lane.curve, { ...cohort, followedMs }, now, halfLifeMs);
    }
  }
}

/** A cohort of which a share must have returned by now, were all well. */
interface Look {
  readonly cohort: Cohort;
  readonly owed: number;
  /** Little more will be owed until its deadline. */
  readonly isGrown: boolean;
}

/** With these cohorts, the oldest first. */
function detect(detector: Detector, looks: readonly Look[], lostShare: number, sign = 1): Detector {
  return looks.reduce((one, { cohort, owed }) => {
    const seen = { returned: cohort.back, open: cohort.slips - cohort.back, owed };
    return withCohort(one, sign * evidenceOf(seen, lostShare), cohort.from);
  }, detector);
}

/** A threshold that, were all well, as many cohorts pass on average as are dispatched in that many days. */
function warningLog({ shortestMs }: Lane, { falseAlarmEveryDays }: ReturnsSettings): number {
  return Math.log((falseAlarmEveryDays * dayMs) / cohortMs(shortestMs));
}

function newLane({ provider, route }: Step, now: number): Lane {
  return {
    ...{ provider, route, curve: emptyCurve, falling: null, cohorts: {} },
    ...{ ended: lostShares.map(() => calm), judgedFrom: 0, clockMs: 0, at: now },
    ...{ shortestMs: unlimited, lookAt: 0 },
  };
}

/**
 * A gap in everything that is heard counts for no more than outcomes may pause: whoever hears nothing at all knows nothing
 * about a provider.
 */
function setClock(lane: Lane, now: number, pauseShare: number): void {
  const passed = Math.max(0, now - lane.at);
  lane.clockMs += Math.min(passed, Math.max(slotMs, pauseShare * lane.shortestMs));
  lane.at = now;
}

/** As often as cohorts begin. */
function nextLook(lane: Lane, now: number): void {
  const times = Object.values(lane.cohorts).map(({ due, until }) => Math.max(0, due - until));
  lane.shortestMs = Math.min(unlimited, ...times);
  const step = cohortMs(times.length > 0 ? lane.shortestMs : 0);
  lane.lookAt = now - (now % step) + step;
}

function since(lane: Lane, from: number): Cohort[] {
  return Object.values(lane.cohorts).filter((cohort) => cohort.from >= from);
}

function fallen(lane: Lane, detectors: readonly Detector[], eValueLog: number, now: number): Finding {
  const { provider, route, curve } = lane;
  const strongest = detectors.reduce((most, detector) => (detector.log > most.log ? detector : most));
  const from = strongest.since ?? now;
  lane.falling = { since: from, foundAt: now };
  const forecast = forecastOf(curve, since(lane, from), now);
  return { kind: 'falling', provider, route, since: from, foundAt: now, eValueLog, forecast };
}

/**
 * The same test turned round, on what is under way: too much comes for a quarter to be lost. And nothing speaks for another
 * outage since: of a slow provider everything comes in the end.
 */
function recovery(lane: Lane, falling: Falling, looks: readonly Look[], now: number): Finding | null {
  const later = looks.filter(({ cohort }) => cohort.from >= falling.since);
  // What comes early would come of an outage that loses a part, too.
  const grown = later.filter(({ isGrown }) => isGrown);
  const well = detect(calm, grown, fallingLostShare, -1);
  if (well.since === null || well.log < recoveredLog) return null;
  const good = later.filter(({ cohort }) => cohort.from >= well.since!);
  const still = meanOf(lostShares.map((share) => detect(calm, good, share)));
  return still < suspiciousLog ? recovered(lane, falling, well.since, now) : null;
}

function recovered(lane: Lane, falling: Falling, recoveredSince: number, now: number): Finding {
  const { provider, route } = lane;
  const good = since(lane, recoveredSince);
  lane.falling = null;
  lane.ended = lostShares.map(() => calm);
  lane.judgedFrom = recoveredSince;
  return {
    ...{ kind: 'recovered', provider, route, since: falling.since, fellAt: falling.foundAt, foundAt: now },
    recoveredSince,
    dispatched: good.reduce((sum, { slips }) => sum + slips, 0),
    seen: good.reduce((sum, { back }) => sum + back, 0),
  };
}

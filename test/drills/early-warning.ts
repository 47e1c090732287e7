import { seededRandom } from '@slipstream/kernel';
import { earlyWarningDefaults } from '@slipstream/rules';
import { Tally } from '../../services/reconciliation/src/application/returns/tally.ts';
import type { Flight } from '../../services/reconciliation/src/domain/returns/flight.ts';
import {
  type Finding,
  ReturnsWatch,
} from '../../services/reconciliation/src/domain/returns/returns-watch.ts';
import { slotOf } from '../../services/reconciliation/src/domain/returns/settings.ts';

const settings = earlyWarningDefaults;
const dayMs = 86_400_000;
const providers = 4;

/** `lost`: outcomes do not come back, those under way neither; `slow`: everything takes so many times as long. */
export type Trouble =
  | { readonly kind: 'lost'; readonly share: number }
  | { readonly kind: 'slow'; readonly times: number };

/** How a provider behaves on ordinary days. */
interface Habits {
  /** Slips in the time from dispatch to deadline. */
  readonly slipsPerDeadline: number;
  readonly deadlineMs: number;
  readonly medianMs: number;
  /** Of the logarithm of the time that an outcome takes. */
  readonly spread: number;
  readonly lostShare: number;
}

interface Slip {
  readonly provider: string;
  readonly dispatched: number;
  readonly due: number;
  /** Infinity: never. */
  readonly returned: number;
}

/** What became of one outage. */
export interface Outage {
  readonly seed: number;
  readonly trouble: Trouble;
  readonly deadlineMs: number;
  /** Of the slips dispatched to it from then on, and of those under way: this share missed the deadline. */
  readonly missedShare: number;
  readonly firstOverdue: number | null;
  readonly warnedAt: number | null;
  /** From the warning to the first overdue, as a share of the time from dispatch to deadline; null: no warning before. */
  readonly lead: number | null;
  /** Warnings about others, or before it began; and about it: one is enough. */
  readonly falseWarnings: number;
  readonly warnings: number;
}

type Random = () => number;

/** One of four providers breaks after days of ordinary traffic. */
export function outage(seed: number, trouble: Trouble): Outage {
  const { next: random } = seededRandom(seed);
  const deadlineMs = between(random, 60_000, 3_600_000);
  const habits = Array.from({ length: providers }, () => habitsOf(random, deadlineMs));
  const learnMs = Math.max(
    ...habits.map((one) => deadlineMs * (2 + (3 * settings.slipsMin) / one.slipsPerDeadline)),
  );
  const start = Math.ceil(random() * dayMs) + 20_000 * dayMs;
  const brokenAt = start + learnMs * (1 + random());
  const until = brokenAt + 1.5 * deadlineMs;
  const hit: Slip[] = [];
  const slips = habits.flatMap((one, i) =>
    ordinarySlips(random, one, `p${i}`, start, until).map((slip) => {
      if (i !== 0 || slip.returned <= brokenAt || slip.returned === Number.POSITIVE_INFINITY) return slip;
      const after = troubled(slip, trouble, brokenAt, random);
      if (slip.due < until) hit.push(after);
      return after;
    }),
  );
  const findings = watched(slips, until);
  const overdue = hit.filter(({ due, returned }) => returned > due);
  const firstOverdue = overdue.reduce<number | null>((least, { due }) => Math.min(least ?? due, due), null);
  const falling = findings.filter(({ kind }) => kind === 'falling');
  const warning = falling.find(({ provider, foundAt }) => provider === 'p0' && foundAt > brokenAt);
  const warnedAt = warning?.foundAt ?? null;
  const isBefore = warnedAt !== null && firstOverdue !== null && warnedAt < firstOverdue;
  return {
    ...{ seed, trouble, deadlineMs, firstOverdue, warnedAt },
    missedShare: hit.length === 0 ? 0 : overdue.length / hit.length,
    lead: isBefore ? (firstOverdue - warnedAt) / deadlineMs : null,
    falseWarnings: falling.filter(({ provider, foundAt }) => provider !== 'p0' || foundAt <= brokenAt).length,
    warnings: falling.filter(({ provider, foundAt }) => provider === 'p0' && foundAt > brokenAt).length,
  };
}

/** So many slips of ordinary traffic, over some days; the warnings about them, all of them false. */
export function ordinaryTraffic(
  seed: number,
  slipCount: number,
): { slips: number; days: number; warnings: number } {
  const { next: random } = seededRandom(seed);
  const deadlineMs = between(random, 60_000, 3_600_000);
  const habits = Array.from({ length: providers }, () => habitsOf(random, deadlineMs));
  const perMs = habits.reduce((sum, { slipsPerDeadline }) => sum + slipsPerDeadline / deadlineMs, 0);
  const start = 20_000 * dayMs;
  const until = start + slipCount / perMs / growthMean;
  const slips = habits.flatMap((one, i) => ordinarySlips(random, one, `p${i}`, start, until));
  const warnings = watched(slips, until).filter(({ kind }) => kind === 'falling').length;
  return { slips: slips.length, days: (until - start) / dayMs, warnings };
}

/** The load doubles over the time that is played. */
const growthMean = 1.5;

function habitsOf(random: Random, deadlineMs: number): Habits {
  return {
    slipsPerDeadline: between(random, 150, 1_500),
    deadlineMs,
    medianMs: deadlineMs * between(random, 0.002, 0.04),
    spread: 0.4 + 0.6 * random(),
    lostShare: 0.02 * random(),
  };
}

/** Arrivals by chance, with the rhythm of a day, more and more of them; the more there are, the longer each takes. */
function ordinarySlips(
  random: Random,
  habits: Habits,
  provider: string,
  start: number,
  until: number,
): Slip[] {
  const slips: Slip[] = [];
  const { slipsPerDeadline, deadlineMs, medianMs, spread, lostShare } = habits;
  for (let now = start; ; ) {
    const rhythm = 1 + 0.6 * Math.sin((2 * Math.PI * now) / dayMs);
    const load = rhythm * (1 + (now - start) / (until - start));
    now += (-Math.log(1 - random()) * deadlineMs) / slipsPerDeadline / load;
    if (now >= until) return slips;
    const takes = medianMs * (0.8 + 0.4 * load) * Math.exp(spread * normal(random));
    const returned = random() < lostShare ? Number.POSITIVE_INFINITY : now + takes;
    slips.push({ provider, dispatched: now, due: now + deadlineMs, returned });
  }
}

/** What becomes of a slip that was to return after the outage began. */
function troubled(slip: Slip, trouble: Trouble, brokenAt: number, random: Random): Slip {
  if (trouble.kind === 'lost')
    return random() < trouble.share ? { ...slip, returned: Number.POSITIVE_INFINITY } : slip;
  const from = Math.max(slip.dispatched, brokenAt);
  return { ...slip, returned: from + (slip.returned - from) * trouble.times };
}

/** What the service would find. */
function watched(slips: readonly Slip[], until: number): Finding[] {
  const watch = new ReturnsWatch(settings);
  const tallies = new Map<number, Tally>();
  const note = (flight: Flight) => {
    if (flight.at >= until) return;
    const slot = slotOf(flight.at);
    const tally = tallies.get(slot) ?? new Tally();
    tallies.set(slot, tally);
    tally.add(flight);
  };
  for (const { provider, dispatched, due, returned } of slips) {
    const one = { provider, route: 'default', dispatchedAt: dispatched, due, amount: 100, currency: 'EUR' };
    note({ ...one, kind: 'dispatched', at: dispatched });
    note({ ...one, kind: 'returned', at: returned });
  }
  const slots = [...tallies].sort(([a], [b]) => a - b);
  return slots.flatMap(([slot, tally]) => watch.next(slot, tally.steps()));
}

/** Evenly on a logarithmic scale. */
function between(random: Random, least: number, most: number): number {
  return least * (most / least) ** random();
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The outages of a drill: lost callbacks, a slow provider, and losses of 10, 30 and 100 %, in turn. */
export function troubleOf(seed: number): Trouble {
  const shares = [1, 0.1, 0.3, 1, 0.5];
  const kind = seed % 6;
  return kind === 5 ? { kind: 'slow', times: 20 + (seed % 7) * 10 } : { kind: 'lost', share: shares[kind]! };
}

/** Those that lose at least so much must be warned about before the first deadline passes. */
export const mustWarnShare = 0.3;

export interface EarlyWarningResult {
  readonly outages: number;
  /** Of those that lose 30 % or more. */
  readonly heavy: number;
  readonly warnedInTime: number;
  readonly warnedInTimeShare: number;
  readonly leadMedian: number;
  readonly falseWarnings: number;
  /** Outages that were told of more than once. */
  readonly toldAgain: number;
  readonly lightWarned: string;
}

/** Looks through the outages of many seeds. */
export function summarize(outages: readonly Outage[]): EarlyWarningResult {
  const heavy = outages.filter(({ trouble, missedShare }) =>
    trouble.kind === 'lost' ? trouble.share >= mustWarnShare : missedShare >= mustWarnShare,
  );
  const light = outages.filter((one) => !heavy.includes(one));
  const leads = heavy.flatMap(({ lead }) => lead ?? []).sort((a, b) => a - b);
  return {
    outages: outages.length,
    heavy: heavy.length,
    warnedInTime: leads.length,
    warnedInTimeShare: leads.length / heavy.length,
    leadMedian: leads[leads.length >> 1] ?? 0,
    falseWarnings: outages.reduce((sum, { falseWarnings }) => sum + falseWarnings, 0),
    toldAgain: outages.filter(({ warnings }) => warnings > 1).length,
    lightWarned: `${light.filter(({ warnedAt }) => warnedAt !== null).length} of ${light.length}`,
  };
}

import type { Allowance } from './evidence.ts';

/** How the returns are watched; all of it is data of the rules file. */
export interface ReturnsSettings extends Allowance {
  /** No warning before the curve has learned from so many slips, by their weight. */
  readonly slipsMin: number;
  /** Were all well, each provider and route would be warned about once in so many days of traffic, or more seldom. */
  readonly falseAlarmEveryDays: number;
  /** A slip counts half for the curve when it is so old. */
  readonly halfLifeMs: number;
}

/** Time is cut into slots: what happens within one counts as happening together. */
export const slotMs = 500;

export function slotOf(timeMs: number): number {
  return Math.floor(timeMs / slotMs);
}

/** Slips of a route are followed in about so many cohorts at once, or twice that. */
const cohortsAtOnce = 64;

/** How long the dispatches of one cohort last: as many slots as a power of two. */
export function cohortMs(durationMs: number): number {
  let width = slotMs;
  while (width * 2 * cohortsAtOnce <= durationMs) width *= 2;
  return width;
}

import type { Lines } from './ports.ts';

/** What the services behind intake said last of how far they are. */
export interface ToldProgress {
  /** When they said so, on the monotonic clock. */
  readonly atMs: number;
  /** How long what they read lay before they handled it, all of them together. */
  readonly behindMs: number;
  /** By route: how long its first slip stands in line for a provider. */
  readonly waits: ReadonlyMap<string, number>;
}

/** A shorter wait is the way from one service to the next, and no line. */
const lineMsMin = 1_000;
/** Between the two looks that tell how fast a line moves. */
const paceMsMin = 500;
/** What was said longer ago says nothing about now: two heartbeats. */
const heardMsMax = 10_000;

/** One look at a route: so long its first slip has waited, and so many of ours were behind it by then. */
interface Look {
  readonly atMs: number;
  readonly waitMs: number;
  readonly passed: number;
}

/**
 * How long a slip that is accepted now would wait for its call: what this instance accepted and what waits behind it is known
 * from when it was accepted and how long the first in line has waited, and how fast it moves from two looks at it. So a line
 * that grows is seen as long as it will be when its end is reached, not as long as its head has waited so far.
 */
export class ExpectedWaits implements Lines {
  readonly #monotonicMs: () => number;
  readonly #routes = new Map<string, RouteProgress>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** A slip was accepted now. */
  accepted(route: string): void {
    let progress = this.#routes.get(route);
    if (!progress) {
      progress = new RouteProgress();
      this.#routes.set(route, progress);
    }
    progress.accepted(this.#monotonicMs());
  }

  told({ atMs, behindMs, waits }: ToldProgress): void {
    for (const [route, progress] of this.#routes) {
      progress.seen(atMs, behindMs + (waits.get(route) ?? 0));
    }
  }

  /** Milliseconds; 0: there is no line, or nobody knows of one. */
  expectedMs(route: string): number {
    return this.#routes.get(route)?.expectedMs(this.#monotonicMs()) ?? 0;
  }
}

class RouteProgress {
  readonly #accepted = new Accepted();
  #look: Look | null = null;
  /** The look that the pace is measured from. */
  #from: Look | null = null;
  /** Slips a millisecond that leave the line, of those that were accepted here; null: it was looked at but once. */
  #pace: number | null = null;

  accepted(nowMs: number): void {
    this.#accepted.add(nowMs);
  }

  seen(atMs: number, waitMs: number): void {
    const passed = Math.max(this.#look?.passed ?? 0, this.#accepted.totalAt(atMs - waitMs));
    const look = { atMs, waitMs, passed };
    const isFirst = this.#look === null || atMs - this.#look.atMs > heardMsMax;
    this.#look = look;
    this.#accepted.forgetBefore(atMs - waitMs);
    if (isFirst || waitMs < lineMsMin) {
      this.#from = waitMs < lineMsMin ? null : look;
      this.#pace = null;
      return;
    }
    this.#from ??= look;
    const forMs = atMs - this.#from.atMs;
    if (forMs < paceMsMin) return;
    const pace = (passed - this.#from.passed) / forMs;
    this.#pace = this.#pace === null ? pace : (this.#pace + pace) / 2;
    this.#from = look;
  }

  expectedMs(nowMs: number): number {
    if (this.#look === null || this.#pace === null) return 0;
    const { atMs, waitMs, passed } = this.#look;
    if (nowMs - atMs > heardMsMax) return 0;
    // Nothing moves, or nothing of ours: as long again as the first has waited.
    if (this.#pace <= 0) return waitMs;
    return Math.max(0, (this.#accepted.total - passed) / this.#pace - (nowMs - atMs));
  }
}

/** Slips that were accepted within so long are counted together. */
const stepMs = 50;
const stepsMax = 10_000;

/** How many slips had been accepted by when. */
class Accepted {
  #steps: { readonly atMs: number; total: number }[] = [];
  /** Before the first step. */
  #before = 0;

  get total(): number {
    return this.#steps.at(-1)?.total ?? this.#before;
  }

  add(nowMs: number): void {
    const last = this.#steps.at(-1);
    if (last && nowMs - last.atMs < stepMs) {
      last.total += 1;
      return;
    }
    if (this.#steps.length === stepsMax) this.#drop(stepsMax / 2);
    this.#steps.push({ atMs: nowMs, total: this.total + 1 });
  }

  totalAt(atMs: number): number {
    const step = this.#steps.findLast((one) => one.atMs <= atMs);
    return step?.total ?? this.#before;
  }

  forgetBefore(atMs: number): void {
    const kept = this.#steps.findIndex((one) => one.atMs > atMs);
    // The running step may still grow.
    this.#drop(kept < 0 ? this.#steps.length - 1 : kept);
  }

  #drop(count: number): void {
    if (count <= 0) return;
    this.#before = this.#steps[count - 1]!.total;
    this.#steps = this.#steps.slice(count);
  }
}

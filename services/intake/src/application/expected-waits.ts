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
/** Between two looks that tell how fast a line moves. */
const paceMsMin = 500;
/** Fewer slips that left, seen for less than this, tell nothing yet: what has just started is quicker in a moment. */
const leftMin = 50;
const fewMsMin = 2_000;
/** How far back the pace is measured: what is told comes unevenly, and a flood slows the line that it makes. */
const paceMsMax = 5_000;
/** Of what it may wait, a slip counts as if it waits no more than this. */
const shareMax = 0.9;
/** So few are none too many for a line. */
const stuckMin = 50;
/** Of what a slip may wait: as long as the first has waited less of it, a line in which nothing moves may grow. */
const stuckShareMin = 0.2;
/** What was said longer ago says nothing about now: two heartbeats. */
const heardMsMax = 10_000;

/** One look at a route: so long its first slip has waited, and so many of ours were behind it by then. */
interface Look {
  readonly atMs: number;
  readonly waitMs: number;
  readonly passed: number;
}

/**
 * How long a slip that is accepted now would wait for its call, and whether more come than may: what this instance accepted and what waits behind it is known
 * from when it was accepted and how long the first in line has waited, and how fast it moves from two looks at it. So a line
 * that grows is seen as long as it will be when its end is reached, not as long as its head has waited so far.
 *
 * A line is filled the slower the longer it is: a slip that may expect to wait the share s of what it may wait takes s / (1 - s) of a place,
 * and places come as fast as slips leave the line. So a line stands at half of what it may be, instead of being filled at once and
 * then closed.
 */
export class ExpectedWaits implements Lines {
  readonly #monotonicMs: () => number;
  readonly #routes = new Map<string, RouteProgress>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  enter(route: string, waitMsMax: number): number {
    return this.#of(route).enter(this.#monotonicMs(), waitMsMax);
  }

  leave(route: string, place: number): void {
    this.#of(route).leave(place);
  }

  /** A slip was accepted now that may wait so long for its call. */
  accepted(route: string, waitMsMax: number): void {
    this.#of(route).accepted(this.#monotonicMs(), waitMsMax);
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

  /** More were accepted of late than may come behind a line like this one, before a slip that may wait so long. */
  isThrottled(route: string, waitMsMax: number): boolean {
    return this.#routes.get(route)?.isThrottled(this.#monotonicMs(), waitMsMax) ?? false;
  }

  #of(route: string): RouteProgress {
    let progress = this.#routes.get(route);
    if (!progress) {
      progress = new RouteProgress();
      this.#routes.set(route, progress);
    }
    return progress;
  }
}

class RouteProgress {
  readonly #accepted = new Accepted();
  /** Of the line that stands, the latest last, as far back as its pace is measured; without a line only the latest. */
  #looks: Look[] = [];
  /** Slips a millisecond that leave the line, of those that were accepted here; null: it was looked at but once. */
  #pace: number | null = null;
  /** What was taken that the line has not left room for yet, in slips. */
  #owed = { slips: 0, atMs: 0 };
  /** Of those who came in it is not known yet whether they are accepted. */
  #entered = 0;
  /** So many may stand in line while nothing moves in it: twice what stood there when it was seen first. */
  #stuckMax = 0;

  /** Taken when a slip comes in, and not when it is accepted: what comes meanwhile must find it taken. */
  enter(nowMs: number, waitMsMax: number): number {
    this.#entered += 1;
    return this.#take(nowMs, waitMsMax);
  }

  leave(place: number): void {
    this.#entered -= 1;
    this.#owed = { ...this.#owed, slips: Math.max(0, this.#owed.slips - place) };
  }

  accepted(nowMs: number, waitMsMax: number): void {
    // Where both ways are used one may take the place of another: each has one.
    if (this.#entered > 0) this.#entered -= 1;
    else this.#take(nowMs, waitMsMax);
    this.#accepted.add(nowMs);
  }

  #take(nowMs: number, waitMsMax: number): number {
    const share = Math.min(shareMax, this.expectedMs(nowMs) / waitMsMax);
    // Of a line in which nothing of ours moves nobody knows how fast it may grow.
    if (share <= 0 || !this.#isMoving) return 0;
    const place = share / (1 - share);
    this.#owed = { slips: this.#owedAt(nowMs) + place, atMs: nowMs };
    return place;
  }

  isThrottled(nowMs: number, waitMsMax: number): boolean {
    const expectedMs = this.expectedMs(nowMs);
    if (expectedMs === 0) return false;
    if (this.#isMoving) return this.#owedAt(nowMs) >= 1;
    // A provider that is silent for a while, or services that have just started: whoever has time can wait for them.
    if (expectedMs < waitMsMax * stuckShareMin) return false;
    // Who is before ours may be others' slips: so it may grow, but not as fast as slips come.
    return this.#accepted.total + this.#entered - this.#looks.at(-1)!.passed > this.#stuckMax;
  }

  get #isMoving(): boolean {
    return this.#pace !== null && this.#pace > 0;
  }

  #owedAt(nowMs: number): number {
    const { slips, atMs } = this.#owed;
    return Math.max(0, slips - (nowMs - atMs) * (this.#pace ?? 0));
  }

  seen(atMs: number, waitMs: number): void {
    const last = this.#looks.at(-1);
    const passed = Math.max(last?.passed ?? 0, this.#accepted.totalAt(atMs - waitMs));
    const look = { atMs, waitMs, passed };
    this.#accepted.forgetBefore(atMs - waitMs);
    const isNew = last === undefined || last.waitMs < lineMsMin || atMs - last.atMs > heardMsMax;
    this.#looks = isNew || waitMs < lineMsMin ? [look] : [...this.#since(atMs - paceMsMax), look];
    if (isNew) this.#stuckMax = 2 * Math.max(stuckMin, this.#accepted.total - passed);
    this.#pace = this.#measured() ?? (this.#looks.length > 1 ? this.#pace : null);
  }

  expectedMs(nowMs: number): number {
    const look = this.#looks.at(-1);
    if (look === undefined || this.#pace === null) return 0;
    const { atMs, waitMs, passed } = look;
    if (nowMs - atMs > heardMsMax) return 0;
    // Nothing moves, or nothing of ours: as long again as the first has waited.
    if (this.#pace <= 0) return waitMs;
    return Math.max(0, (this.#accepted.total - passed) / this.#pace - (nowMs - atMs));
  }

  /** The looks from then on, and the last one before them, so that they reach as far back. */
  #since(fromMs: number): Look[] {
    const first = this.#looks.findLastIndex(({ atMs }) => atMs <= fromMs);
    return this.#looks.slice(Math.max(0, first));
  }

  /** null: the looks lie too close together to tell. */
  #measured(): number | null {
    const [first, last] = [this.#looks[0]!, this.#looks.at(-1)!];
    const forMs = last.atMs - first.atMs;
    const left = last.passed - first.passed;
    if (forMs < paceMsMin) return null;
    return left < leftMin && forMs < fewMsMin ? 0 : left / forMs;
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

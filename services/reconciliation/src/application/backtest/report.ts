import { instantToMs } from '@slipstream/kernel';
import { answeredLater, type Course, refundContradicted } from './course.ts';

/** What became of the slips of a route, under one set of rules. */
export interface Sums {
  overdue: number;
  /** Of them: the answer came, only later. */
  answeredLater: number;
  inquiries: number;
  refunds: number;
  /** Of them: the provider said, then or later, that it had executed the slip. */
  refundsContradicted: number;
  notReturned: number;
  cases: number;
}

/** Refunds under both sets of rules, or one. */
export interface RefundsMoved {
  readonly onlyWas: number;
  readonly onlyWould: number;
  readonly same: number;
  readonly earlier: number;
  readonly later: number;
  /** Half of those that moved did so by at least as much; null: none did. */
  readonly earlierMsMedian: number | null;
  readonly laterMsMedian: number | null;
}

export interface RouteReport {
  readonly route: string;
  /** Compared. */
  readonly slips: number;
  /** Of them under other terms. */
  readonly changed: number;
  /** Left out: the log ends before they do. */
  readonly open: number;
  /** Answers of providers to questions that nobody had put by then. */
  readonly assumed: number;
  readonly was: Readonly<Sums>;
  readonly would: Readonly<Sums>;
  readonly refunds: RefundsMoved;
}

const nothing = (): Sums => ({
  ...{ overdue: 0, answeredLater: 0, inquiries: 0, refunds: 0, refundsContradicted: 0, notReturned: 0 },
  cases: 0,
});

export class ReportOfRoute {
  readonly #route: string;
  readonly #was = nothing();
  readonly #would = nothing();
  #slips = 0;
  #changed = 0;
  #open = 0;
  #assumed = 0;
  readonly #moved = { onlyWas: 0, onlyWould: 0, same: 0 };
  readonly #earlierMs: number[] = [];
  readonly #laterMs: number[] = [];

  constructor(route: string) {
    this.#route = route;
  }

  leaveOpen(): void {
    this.#open += 1;
  }

  add(was: Course, would: Course, assumed: number, isChanged = false): void {
    this.#slips += 1;
    if (isChanged) this.#changed += 1;
    this.#assumed += assumed;
    count(this.#was, was);
    count(this.#would, would);
    this.#refund(was, would);
  }

  report(): RouteReport {
    return {
      ...{ route: this.#route, slips: this.#slips, changed: this.#changed, open: this.#open },
      ...{ assumed: this.#assumed, was: this.#was, would: this.#would },
      refunds: {
        ...this.#moved,
        ...{ earlier: this.#earlierMs.length, later: this.#laterMs.length },
        ...{ earlierMsMedian: median(this.#earlierMs), laterMsMedian: median(this.#laterMs) },
      },
    };
  }

  #refund({ refundAt: was }: Course, { refundAt: would }: Course): void {
    if (was === null && would === null) return;
    if (was === null) this.#moved.onlyWould += 1;
    else if (would === null) this.#moved.onlyWas += 1;
    else {
      const movedMs = instantToMs(would) - instantToMs(was);
      if (movedMs < 0) this.#earlierMs.push(-movedMs);
      else if (movedMs > 0) this.#laterMs.push(movedMs);
      else this.#moved.same += 1;
    }
  }
}

function count(sums: Sums, course: Course): void {
  if (course.overdue) sums.overdue += 1;
  if (answeredLater(course)) sums.answeredLater += 1;
  sums.inquiries += course.inquiries;
  if (course.refundAt !== null) sums.refunds += 1;
  if (refundContradicted(course)) sums.refundsContradicted += 1;
  if (course.notReturned !== null) sums.notReturned += 1;
  if (course.caseOpened) sums.cases += 1;
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? null;
}

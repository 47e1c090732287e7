import { addMs, type Instant, instantFromMs, instantToMs } from '@slipstream/kernel';
import { type EventOf, endsReturnedInTime, isLive, type RecordedEvent, timeOn } from '@slipstream/slip';
import type { Flight } from '../../domain/returns/flight.ts';
import { type Finding, ReturnsWatch } from '../../domain/returns/returns-watch.ts';
import type { ReturnsSettings } from '../../domain/returns/settings.ts';
import type { Ids } from '../advance.ts';
import { Tally } from '../returns/tally.ts';
import { Calls, type CircuitReport } from './calls.ts';
import type { CircuitWindow } from './circuit.ts';
import type { Course } from './course.ts';
import { changesNothing, lastProvider, otherTerms, type TermsOfRules } from './other-terms.ts';
import { ReportOfRoute, type RouteReport } from './report.ts';
import { asItWas, rerun } from './rerun.ts';

export interface BacktestRules {
  readonly were: readonly TermsOfRules[];
  readonly other: TermsOfRules;
  readonly earlyWarning: ReturnsSettings;
  readonly circuitWindow: CircuitWindow;
}

export interface BacktestRange {
  readonly clock: string;
  /** Slips that were submitted from then on, and before then; null: all. */
  readonly from: Instant | null;
  readonly to: Instant | null;
  /** Where the log ends: what is due later is not judged. */
  readonly until: Instant;
}

export interface Warning {
  readonly provider: string;
  readonly route: string;
  readonly foundAt: Instant;
  /** The earliest deadline that was missed, as the warning forecast it. */
  readonly firstDeadline: Instant;
}

export interface BacktestReport {
  readonly routes: readonly RouteReport[];
  /** Slips whose rules nobody gave: their deadlines were left as they were. */
  readonly unknownRules: number;
  /** Slips of routes that the other rules do not have: they were left as they were. */
  readonly unknownRoutes: number;
  /** Verdicts of the log that are not what was recorded; must be none. */
  readonly verdictsDiffer: number;
  /** What would have been warned about. */
  readonly warnings: readonly Warning[];
  /** What the circuits of the providers would have done with the calls. */
  readonly circuits: readonly CircuitReport[];
}

/** A verdict that is not there yet may be on its way. */
const onItsWayMs = 60_000;

/** Slip by slip: what happened, and what would have under other rules. */
export class Backtest {
  readonly #rules: BacktestRules;
  readonly #range: BacktestRange;
  readonly #ids: Ids;
  readonly #routes = new Map<string, ReportOfRoute>();
  readonly #returns = new Tally();
  readonly #calls = new Calls();
  readonly #unknown = { rules: 0, route: 0 };
  #verdictsDiffer = 0;

  constructor(rules: BacktestRules, range: BacktestRange, ids: Ids) {
    this.#rules = rules;
    this.#range = range;
    this.#ids = ids;
  }

  /** All events of a slip, in the order of the log. */
  add(events: readonly RecordedEvent[]): void {
    const submission = events.find(({ event }) => event.type === 'SlipSubmitted');
    if (submission?.event.type !== 'SlipSubmitted' || submission.clock !== this.#range.clock) return;
    if (this.#isMeant(submission) && isLive(submission.clock)) this.#calls.add(events);
    const was = asItWas(events);
    const flights = this.#isMeant(submission) ? this.#compare(events, submission, was.course) : null;
    for (const flight of flights ?? was.flights) this.#returns.add(flight);
  }

  report(): BacktestReport {
    const routes = [...this.#routes.values()].map((one) => one.report());
    routes.sort((a, b) => (a.route < b.route ? -1 : 1));
    return {
      routes,
      unknownRules: this.#unknown.rules,
      unknownRoutes: this.#unknown.route,
      verdictsDiffer: this.#verdictsDiffer,
      warnings: this.#warnings(),
      circuits: this.#circuits(),
    };
  }

  /** Gives the flights that it would have had; null: those that it had. */
  #compare(
    events: readonly RecordedEvent[],
    { event, receivedTime }: RecordedEvent,
    was: Course,
  ): readonly Flight[] | null {
    const { data } = event as EventOf<'SlipSubmitted'>;
    const terms = otherTerms(data, receivedTime, lastProvider(events), this.#rules);
    if (terms.unknown !== null) this.#unknown[terms.unknown] += 1;
    const report = this.#routes.get(data.route) ?? new ReportOfRoute(data.route);
    this.#routes.set(data.route, report);
    if (this.#isOpen(events, was, data.policy.graceMs)) {
      report.leaveOpen();
      return null;
    }
    if (changesNothing(terms)) {
      const overdue = !events.some((recorded) => endsReturnedInTime(recorded, was.deadline!));
      const recorded = overdue ? was.overdue && this.#isVerdict(events, was.deadline!) : !was.overdue;
      if (!recorded) this.#verdictsDiffer += 1;
      report.add(was, { ...was, overdue }, 0);
      return null;
    }
    const would = rerun(events, terms, {
      ids: this.#ids,
      until: this.#range.until,
    });
    if (would.isOpen) {
      report.leaveOpen();
      return null;
    }
    report.add(was, withTruth(would.course, was), would.assumed, true);
    return would.flights;
  }

  /** All of its bytes but its time follow from the slip's own events (rule 6). */
  #isVerdict(events: readonly RecordedEvent[], deadline: Instant): boolean {
    return events.every(({ id, slipId, receivedTime, event }) => {
      if (event.type !== 'SlipOverdue' || event.data.stage !== 'returned') return true;
      const isItsId = id === this.#ids.overdueId(slipId, 'returned', deadline);
      return isItsId && event.data.deadline === deadline && receivedTime === deadline;
    });
  }

  #isMeant(submission: RecordedEvent): boolean {
    const { from, to } = this.#range;
    const time = timeOn(submission);
    return (from === null || time >= from) && (to === null || time < to);
  }

  /** Its verdict may lie behind the end of the log; the end of an import's clock is in no event, but in what was concluded there. */
  #isOpen(events: readonly RecordedEvent[], { overdue, deadline }: Course, graceMs: number): boolean {
    const isJudged = overdue || events.some((recorded) => endsReturnedInTime(recorded, deadline!));
    const isLater = addMs(deadline!, graceMs + onItsWayMs) > this.#range.until;
    return !isJudged && (isLater || !isLive(this.#range.clock));
  }

  #circuits(): CircuitReport[] {
    const { were, other, circuitWindow } = this.#rules;
    const { until } = this.#range;
    const openMs = (provider: string) => {
      const was = were.find(({ providers }) => providers.has(provider))?.providers.get(provider);
      // Of one that the other rules do not have it is told how it was.
      const would = other.providers.get(provider) ?? was;
      return would ? { was: (was ?? would).circuitOpenMs, would: would.circuitOpenMs } : null;
    };
    return until === '' ? [] : this.#calls.report(circuitWindow, openMs, instantToMs(until));
  }

  #warnings(): Warning[] {
    const watch = new ReturnsWatch(this.#rules.earlyWarning);
    const bySlot = Map.groupBy(this.#returns.steps(), ({ slot }) => slot);
    const found: Finding[] = [];
    for (const [slot, steps] of [...bySlot].sort(([a], [b]) => a - b)) found.push(...watch.next(slot, steps));
    return found.flatMap(toWarning).filter(({ foundAt }) => this.#isWithin(foundAt));
  }

  #isWithin(foundAt: Instant): boolean {
    const { from, to } = this.#range;
    return (from === null || foundAt >= from) && (to === null || foundAt < to);
  }
}

function toWarning(finding: Finding): Warning[] {
  if (finding.kind !== 'falling') return [];
  const { provider, route, foundAt, forecast } = finding;
  const firstDeadline = instantFromMs(forecast.firstDue ?? foundAt);
  return [{ provider, route, foundAt: instantFromMs(foundAt), firstDeadline }];
}

/** Whether a verdict was right is told by all that the log knows, whenever and however it came to know it. */
function withTruth(course: Course, { answeredAt, succeeded }: Course): Course {
  return {
    ...course,
    answeredAt: course.answeredAt ?? answeredAt,
    succeeded: course.succeeded || succeeded,
  };
}

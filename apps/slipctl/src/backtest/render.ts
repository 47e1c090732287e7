import { instantToMs } from '@slipstream/kernel';
import { showSpan, showTime } from '../output/show-time.ts';
import { table } from '../output/table.ts';
import { shownChange } from '../rules/plain-rules.ts';
import type { BacktestView, CircuitView, RouteView, SumsView, WarningView } from './views.ts';

export const measures: readonly (readonly [keyof SumsView, string])[] = [
  ['overdue', 'overdue'],
  ['answeredLater', 'answered later'],
  ['inquiries', 'inquiries'],
  ['refunds', 'refunds'],
  ['refundsContradicted', 'refunds contradicted'],
  ['notReturned', 'not returned'],
  ['cases', 'cases'],
];

/** What happened, then what would have, where that is not the same. */
export function backtestText(view: BacktestView): string {
  const { routes, circuits, warnings, warned, unknownRules, unknownRoutes, verdictsDiffer, records } = view;
  if (routes.length === 0) return [`no slips in ${records} records`, ...notJudgedLines(view)].join('\n');
  const header = ['route', 'slips', 'other terms', ...measures.map(([, name]) => name)];
  const rows = routes.map((route) => [route.route, `${route.slips}`, `${route.changed}`, ...moved(route)]);
  const lines = [table([header, ...rows]), ...routes.flatMap(refundLines)];
  lines.push(...circuitLines(circuits));
  lines.push(`warnings: ${change(warned.length, warnings.length)}`);
  for (const warning of warned) lines.push(`  was:   ${warningLine(warning)}`);
  for (const warning of warnings) lines.push(`  would: ${warningLine(warning)}`);
  const open = sum(routes, (route) => route.open);
  const assumed = sum(routes, (route) => route.assumed);
  if (open > 0) lines.push(`${open} slips are left out: the log ends before they do`);
  if (assumed > 0)
    lines.push(
      `${assumed} answers are assumed: nobody had asked the provider by then what he would be asked`,
    );
  if (unknownRules > 0)
    lines.push(
      `${unknownRules} slips were submitted under rules that --was does not name: their deadlines were kept`,
    );
  if (unknownRoutes > 0)
    lines.push(
      `${unknownRoutes} slips took a route that --config does not name: they were left as they were`,
    );
  if (verdictsDiffer > 0)
    lines.push(
      `${verdictsDiffer} recorded verdicts are NOT what the log says: slipctl reconcile diff names them`,
    );
  return [...lines, ...notJudgedLines(view)].join('\n');
}

function notJudgedLines({ notJudged }: BacktestView): string[] {
  return notJudged.map((change) => `not judged, and left as it was: ${shownChange(change)}`);
}

function moved({ was, would }: RouteView): string[] {
  return measures.map(([name]) => change(was[name], would[name]));
}

const change = (was: number, would: number) => (was === would ? `${was}` : `${was} → ${would}`);

function refundLines({ route, refunds }: RouteView): string[] {
  const { onlyWas, onlyWould, earlier, later, earlierMsMedian, laterMsMedian } = refunds;
  const parts = [
    earlier > 0 && `${earlier} earlier (half of them by ${showSpan(earlierMsMedian ?? 0)} or more)`,
    later > 0 && `${later} later (half of them by ${showSpan(laterMsMedian ?? 0)} or more)`,
    onlyWould > 0 && `${onlyWould} that were not made`,
    onlyWas > 0 && `${onlyWas} not made`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? [] : [`refunds on ${route}: ${parts.join(', ')}`];
}

/** Of those that were open, or would have been. */
function circuitLines(circuits: readonly CircuitView[]): string[] {
  const opened = circuits.filter(({ was, would }) =>
    [was, would].some((one) => one.opened + one.refused > 0),
  );
  if (opened.length === 0) return [];
  const rows = opened.map(({ provider, calls, failed, was, would, ...terms }) => [
    ...[provider, `${calls}`, `${failed}`, span(terms.wasOpenMs, terms.wouldOpenMs)],
    ...[change(was.opened, would.opened), span(was.openMs, would.openMs), change(was.refused, would.refused)],
  ]);
  const header = ['circuit of', 'calls', 'failed', 'opens for', 'opened', 'open in all', 'refused'];
  const lines = ['', table([header, ...rows])];
  const made = opened.reduce((sum, { madeWhileOpen }) => sum + madeWhileOpen, 0);
  const assumed = opened.reduce((sum, one) => sum + one.assumed, 0);
  if (made > 0)
    lines.push(
      `${made} calls were made though one circuit for all would have been open: each instance has its own`,
    );
  if (assumed > 0)
    lines.push(
      `${assumed} refused calls would have been made: each is taken to end as the last one that was made`,
    );
  return [...lines, ''];
}

const span = (wasMs: number, wouldMs: number) =>
  wasMs === wouldMs ? showSpan(wasMs) : `${showSpan(wasMs)} → ${showSpan(wouldMs)}`;

export function leadMs({ foundAt, firstDeadline }: WarningView): number {
  return instantToMs(firstDeadline) - instantToMs(foundAt);
}

function warningLine(warning: WarningView): string {
  const { provider, route, foundAt } = warning;
  return `${provider} on ${route} at ${showTime(foundAt)}, ${showSpan(leadMs(warning))} before the first deadline`;
}

function sum(routes: readonly RouteView[], of: (route: RouteView) => number): number {
  return routes.reduce((total, route) => total + of(route), 0);
}

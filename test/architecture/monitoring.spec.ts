import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { results } from '../../services/ledger/src/domain/statistics/results.ts';
import { resultLabels, selectorsIn } from './promql.ts';
import { describedMetrics, typeOf } from './registered-metrics.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: { readonly summary: string; readonly runbook_url: string };
}

const rules = (
  parse(read('deploy/prometheus/slipstream.rules.yml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const budget = 'slipstream:slips_not_returned:budget';

/** What there is to ask for, with the labels that each has; scraping adds two. */
const known = new Map<string, readonly string[]>();
for (const metric of Object.values(describedMetrics()).flat()) {
  const suffixes = typeOf(metric) === 'histogram' ? ['_bucket', '_count', '_sum'] : [''];
  for (const suffix of suffixes) {
    const own = suffix === '_bucket' ? ['le'] : [];
    known.set(metric.name + suffix, [...(metric.labelNames ?? []), ...own, 'service', 'instance', 'job']);
  }
}
const recorded = new Map<string, readonly string[]>();
for (const { record, expr } of rules) if (record) recorded.set(record, resultLabels(expr, recorded));

/** What is wrong with an expression: in words, nothing where it can be asked. */
function faultsOf(expression: string): string[] {
  return selectorsIn(expression).flatMap(({ metric, matchers, keptLabels }) => {
    const labels = known.get(metric) ?? recorded.get(metric);
    if (labels === undefined) return [`there is no ${metric}`];
    const asked = [...keptLabels, ...matchers.map(({ label }) => label)];
    const unknown = asked
      .filter((label) => !labels.includes(label))
      .map((label) => `${metric} has no ${label}`);
    return [...unknown, ...matchers.flatMap((matcher) => unknownResults(matcher))];
  });
}

function unknownResults({ label, value, isPattern }: { label: string; value: string; isPattern: boolean }) {
  if (label !== 'result') return [];
  const asked = isPattern ? value.split('|') : [value];
  return asked
    .filter((one) => !(results as readonly string[]).includes(one))
    .map((one) => `no result is ${one}`);
}

/** As `promtool check metrics` judges them (Prometheus: "Metric and label naming"). */
test.each(Object.values(describedMetrics()).flat())('$name is named as Prometheus asks', (metric) => {
  const words = metric.name.split('_');
  expect(metric.name).toMatch(/^[a-z][a-z0-9_]*$/);
  expect(metric.help).not.toBe('');
  expect(words.at(-1) === 'total').toBe(typeOf(metric) === 'counter');
  for (const unit of [
    'ms',
    'us',
    's',
    'sec',
    'min',
    'milliseconds',
    'minutes',
    'hours',
    'kb',
    'mb',
    'percent',
  ])
    expect(words).not.toContain(unit);
  for (const type of ['counter', 'gauge', 'histogram', 'summary']) expect(words).not.toContain(type);
});

test('what cannot be asked is found', () => {
  expect(faultsOf('sum by (route) (rate(slipstream_slips_total{result="overdue"}[5m]))')).toEqual([]);
  expect(faultsOf('slipstream_slip_total')).toEqual(['there is no slipstream_slip_total']);
  expect(faultsOf('sum by (currency) (slipstream_slips_total)')).toEqual([
    'slipstream_slips_total has no currency',
  ]);
  expect(faultsOf('slipstream_slips_total{result=~"overdue|lost"}')).toEqual(['no result is lost']);
  expect(faultsOf('http_request_duration_seconds')).toEqual(['there is no http_request_duration_seconds']);
  expect(() => faultsOf('sum(')).toThrow(SyntaxError);
});

describe('deploy/prometheus/slipstream.rules.yml', () => {
  test.each(rules.map(({ record, alert, expr }) => [record ?? alert!, expr]))(
    '%s can be asked',
    (_, expr) => {
      expect(faultsOf(expr)).toEqual([]);
    },
  );

  test.each(alerts.map((alert) => [alert.alert!, alert] as const))(
    '%s says in a line what is wrong, with labels that it has, and where to read on',
    (name, { expr, labels, annotations }) => {
      const { summary, runbook_url } = annotations!;
      const named = [...summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      expect(resultLabels(expr, recorded)).toEqual(expect.arrayContaining(named));
      expect(summary).not.toContain('\n');
      expect(['page', 'ticket']).toContain(labels?.severity);
      expect(runbook_url).toBe(`docs/runbooks/alerts.md#${name.toLowerCase()}`);
      expect(read('docs/runbooks/alerts.md')).toContain(`\n## ${name}\n`);
    },
  );

  test('the page of alerts has no section of an alert that is gone', () => {
    const sections = [...read('docs/runbooks/alerts.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(sections.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  /** The Site Reliability Workbook, chapter 5, table 5-8. */
  test.each([
    ['SlipsNotReturnedFast', 14.4, '1h', '5m', 3_600],
    ['SlipsNotReturned', 6, '6h', '30m', 21_600],
    ['SlipsNotReturnedSlowly', 1, '3d', '6h', 259_200],
  ])('%s: %d times the budget over %s, and still over %s', (name, factor, long, short, longS) => {
    const { expr } = alerts.find(({ alert }) => alert === name)!;
    const above = (window: string) =>
      `slipstream:slips_not_returned:ratio_rate${window} > on () group_left () (${factor} * ${budget})`;
    const lines = expr.trim().split('\n');
    expect(lines).toEqual([
      above(long),
      `and ${above(short)}`,
      `and slipstream:slips_judged:rate${long} * ${longS} >= 20`,
    ]);
  });

  test('every window is recorded in the same way', () => {
    const of = (window: string) =>
      rules
        .filter(({ record }) => record?.endsWith(`rate${window}`))
        .map(({ record, expr }) => `${record}: ${expr}`.replaceAll(window, 'WINDOW'));
    const [first, ...others] = ['5m', '30m', '1h', '6h', '3d'].map(of);
    expect(first).toHaveLength(2);
    for (const one of others) expect(one).toEqual(first);
  });
});

describe('deploy/grafana/slipstream.json', () => {
  interface Panel {
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }
  const { panels } = JSON.parse(read('deploy/grafana/slipstream.json')) as { panels: Panel[] };
  const targets = panels.flatMap(({ title, targets: asked = [] }) =>
    asked.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
  );
  /** What Grafana puts in before it asks. */
  const filled = (expr: string) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h');

  test.each(targets)('"%s" can be asked: %s', (_, expr, legend) => {
    expect(faultsOf(filled(expr))).toEqual([]);
    const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    expect(resultLabels(filled(expr), recorded)).toEqual(expect.arrayContaining(named));
  });

  test('no panel lies on another one or outside of the 24 columns', () => {
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)}:${y + Math.floor(i / w)}`);
    });
    expect(new Set(places).size).toBe(places.length);
  });

  test('what alerts watch is shown', () => {
    const shown = new Set(
      targets.flatMap(([, expr]) => selectorsIn(filled(expr)).map(({ metric }) => metric)),
    );
    const watched = alerts.flatMap(({ expr }) => selectorsIn(expr).map(({ metric }) => metric));
    const hidden = [...new Set(watched)].filter((metric) => !recorded.has(metric) && !shown.has(metric));
    expect(hidden).toEqual([]);
  });
});

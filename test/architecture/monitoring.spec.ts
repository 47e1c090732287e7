import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { results } from '../../services/ledger/src/domain/statistics/results.ts';
import { resultLabels, selectorsIn } from './promql.ts';
import { hasPromtool, promtool, promtoolSays } from './promtool.ts';
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

interface Counted {
  get(): Promise<{ values: { value: number; labels: Record<string, string | number> }[] }>;
}

interface RuleTest {
  readonly alert_rule_test?: readonly {
    readonly alertname: string;
    readonly exp_alerts: readonly unknown[];
  }[];
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
}

const rulesFile = 'deploy/prometheus/slipstream.rules.yml';
const ruleTests = ['', '.hours'].map((which) => `deploy/prometheus/slipstream.rules${which}.test.yml`);
const rules = (parse(read(rulesFile)) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const budget = 'slipstream:slips_not_returned:budget';

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

/** As /metrics would show them, each with one value, whatever it is read from. */
function exposition(): string {
  const shown = (name: string, labels: readonly string[]) =>
    `${name}{${labels.map((label) => `${label}="1"`).join(',')}} 1\n`;
  return Object.values(describedMetrics())
    .flat()
    .map((metric) => {
      const { name, help, labelNames = [] } = metric;
      const type = typeOf(metric);
      const values =
        type === 'histogram'
          ? shown(`${name}_bucket`, [...labelNames, 'le']) +
            shown(`${name}_sum`, labelNames) +
            shown(`${name}_count`, labelNames)
          : shown(name, labelNames);
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${values}`;
    })
    .join('');
}

describe(promtoolSays, () => {
  const withPromtool = hasPromtool ? test : test.skip;

  withPromtool('that every metric is named and described as Prometheus asks', () => {
    expect(promtool(['check', 'metrics'], exposition())).toBe('');
    expect(promtool(['check', 'metrics'], exposition().replaceAll('_seconds', '_ms'))).toContain('_ms');
  });

  withPromtool('that the rules are rules', () => {
    expect(promtool(['check', 'rules', join(root, rulesFile)])).toBe('');
  });

  withPromtool('that each alert fires when it should, and not before', () => {
    expect(promtool(['test', 'rules', ...ruleTests.map((file) => join(root, file))])).toBe('');
  });

  withPromtool('that every expression of the dashboard can be evaluated', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipstream-promtool-'));
    const asRules = (expressions: readonly string[]) => {
      const file = join(folder, 'dashboard.rules.yml');
      const recorded = expressions.map((expr, n) => ({ record: `panel:target:n${n}`, expr }));
      writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
      return promtool(['check', 'rules', file]);
    };
    try {
      expect(asRules(targets.map(([, expr]) => filled(expr)))).toBe('');
      expect(asRules(['sum(rate(slipstream_open_slips))'])).toContain('range vector');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
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

describe(rulesFile, () => {
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

  test('every alert is tested', () => {
    const tested = ruleTests.flatMap((file) => (parse(read(file)) as { tests: RuleTest[] }).tests);
    const told = tested.flatMap(({ alert_rule_test = [], promql_expr_test = [] }) => [
      ...alert_rule_test.map(({ alertname, exp_alerts }) => [
        new RegExp(`^${alertname}$`),
        exp_alerts.length,
      ]),
      ...promql_expr_test.map(({ expr, exp_samples }) => [
        new RegExp(`^(?:${/alertname=~?"([^"]+)"/.exec(expr)?.[1] ?? ''})$`),
        exp_samples.length,
      ]),
    ]) as [RegExp, number][];
    for (const { alert = '' } of alerts) {
      const fires = told.some(([name, times]) => name.test(alert) && times > 0);
      expect([alert, fires]).toEqual([alert, true]);
    }
  });

  test('what alerts ask how much it grew is counted from 0 on: else its first time would be none', async () => {
    const counters = new Map(
      Object.values(describedMetrics())
        .flat()
        .filter((metric) => typeOf(metric) === 'counter')
        .map((metric) => [metric.name, metric as unknown as Counted]),
    );
    for (const { metric, matchers } of rules.flatMap(({ expr }) => selectorsIn(expr))) {
      const counter = counters.get(metric);
      if (counter === undefined) continue;
      const { values } = await counter.get();
      const asked = values.filter(({ labels }) =>
        matchers.every(({ label, value }) => new RegExp(`^(?:${value})$`).test(String(labels[label]))),
      );
      expect([metric, matchers, asked.map(({ value }) => value).includes(0)]).toEqual([
        metric,
        matchers,
        true,
      ]);
    }
  });

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

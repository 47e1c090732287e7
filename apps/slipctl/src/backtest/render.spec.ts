import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { plainRules } from '../rules/plain-rules.ts';
import { backtestSvg } from './chart.ts';
import { backtestText } from './render.ts';
import { unjudged } from './unjudged.ts';
import type { BacktestView, SumsView } from './views.ts';

const was: SumsView = {
  ...{ overdue: 12, answeredLater: 9, inquiries: 30, refunds: 3, refundsContradicted: 0 },
  ...{ notReturned: 3, cases: 0 },
};
const nothing = Object.fromEntries(Object.keys(was).map((name) => [name, 0])) as unknown as SumsView;
const unmoved = {
  onlyWas: 0,
  onlyWould: 0,
  same: 3,
  earlier: 0,
  later: 0,
  earlierMsMedian: null,
  laterMsMedian: null,
};
const same = {
  route: 'default',
  slips: 100,
  changed: 0,
  open: 0,
  assumed: 0,
  was,
  would: was,
  refunds: unmoved,
};
const view = (more: Partial<BacktestView> = {}): BacktestView => ({
  ...{
    digest: 'd',
    records: 900,
    routes: [same],
    unknownRules: 0,
    unknownRoutes: 0,
    notJudged: [],
    verdictsDiffer: 0,
    warnings: [],
    warned: [],
    circuits: [],
  },
  ...more,
});
const other = {
  ...{ ...same, changed: 100, open: 2, assumed: 1 },
  would: { ...was, overdue: 40, refunds: 4 },
  refunds: { ...unmoved, onlyWould: 1, same: 0, earlier: 3, earlierMsMedian: 10_000 },
};

describe('a backtest', () => {
  it('shows one number where nothing changes', () => {
    const [, row] = backtestText(view()).split('\n');
    expect(row!.split(/ {2,}/)).toEqual(['default', '100', '0', '12', '9', '30', '3', '0', '3', '0']);
    expect(backtestText(view())).toMatch(/\nwarnings: 0$/);
  });

  it('shows what happened and what would have, and how much earlier', () => {
    const warning = { provider: 'acme', route: 'default' };
    const text = backtestText(
      view({
        routes: [other],
        warnings: [
          {
            ...warning,
            foundAt: '2026-11-22T10:00:00.000000Z',
            firstDeadline: '2026-11-22T10:00:12.000000Z',
          },
        ],
        ...{ unknownRules: 4, unknownRoutes: 6, verdictsDiffer: 5 },
        notJudged: [{ path: 'repair.count_max', before: 9, after: null }],
      }),
    );
    for (const said of [
      '12 → 40',
      'refunds on default: 3 earlier (half of them by 10 s or more), 1 that were not made',
      'warnings: 0 → 1',
      'would: acme on default at 2026-11-22T10:00:00Z, 12 s before the first deadline',
      '2 slips are left out',
      '1 answers are assumed',
      '4 slips were submitted under rules that --was does not name',
      '6 slips took a route that --config does not name',
      'not judged, and left as it was: repair.count_max: 9 → (none)',
      '5 recorded verdicts are NOT what the log says',
    ])
      expect(text).toContain(said);
  });

  it('shows the circuits that were open, or would have been, and no others', () => {
    const never = { opened: 0, openMs: 0, refused: 0 };
    const acme = {
      ...{ provider: 'acme', calls: 900, failed: 40, wasOpenMs: 5_000, wouldOpenMs: 30_000 },
      ...{
        was: { opened: 2, openMs: 12_000, refused: 3 },
        would: { opened: 1, openMs: 31_000, refused: 18 },
      },
      ...{ madeWhileOpen: 4, assumed: 2 },
    };
    const circuits = [acme, { ...acme, provider: 'bolt', was: never, would: never }];
    const text = backtestText(view({ circuits }));
    const row = text.split('\n').find((line) => line.startsWith('acme'));
    expect(row!.split(/ {2,}/)).toEqual([
      'acme',
      '900',
      '40',
      '5 s → 30 s',
      '2 → 1',
      '12 s → 31 s',
      '3 → 18',
    ]);
    expect(text).toContain('4 calls were made though one circuit for all would have been open');
    expect(text).toContain('2 refused calls would have been made');
    expect(text).not.toContain('bolt');
  });

  it('says so when there is nothing to live again', () => {
    expect(backtestText(view({ routes: [] }))).toBe('no slips in 900 records');
  });

  it('is drawn without what never happened', () => {
    const svg = backtestSvg(view({ routes: [other] }));
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('default: overdue');
    expect(svg).not.toContain('default: cases');
    // The same numbers, for who cannot see them.
    expect(svg).toContain('<title>What other rules would have done</title>');
    expect(svg).toContain('12 → 40');
  });

  it('is drawn where nothing ever happened, too, in the same bytes each time', () => {
    const none = { ...same, was: nothing, would: nothing };
    const hostile = [{ path: 'routes.<b>&', before: '\u0007', after: null }];
    const draw = () => backtestSvg(view({ routes: [none], notJudged: hostile }));
    expect(draw()).toContain('default: slips');
    expect(draw()).toContain('routes.&lt;b&gt;&amp;: \\u0007 → (none)');
    expect(draw()).toBe(draw());
  });
});

const text = readFileSync(
  join(import.meta.dirname, '../../../../deploy/local/slipstream.config.yaml'),
  'utf8',
);
// biome-ignore lint/suspicious/noExplicitAny: whatever the file has
type Edit = (document: any) => void;
const plain = plainRules(text, 'rules.yaml');
const changed = (edit: Edit) => {
  const document = parse(text);
  edit(document);
  return unjudged([plain, plain], plainRules(stringify(document), 'changed.yaml'));
};
const paths = (edit: Edit) => changed(edit).map(({ path }) => path);

describe('settings that a backtest judges', () => {
  it.each<[string, Edit]>([
    ['nothing', () => {}],
    ['a deadline', ({ routes }) => (routes.default.outcome_deadline_ms *= 2)],
    ['a ladder', ({ routes }) => routes.default.inquiry_ladder_ms.pop()],
    ['a quiet period', ({ routes }) => (routes.default.quiet_period_ms /= 2)],
    ['grace', ({ detection }) => (detection.grace_ms = 500)],
    ['a threshold', ({ detection }) => (detection.early_warning = { slips_min: 500, lost_percent: 20 })],
    ['a circuit', ({ providers }) => (providers.acme.circuit_open_ms *= 2)],
    ['a bound', ({ providers }) => delete providers.acme.acceptance_delay_max_ms],
  ])('are %s', (_, edit) => expect(changed(edit)).toEqual([]));

  it.each<[string[], Edit]>([
    [['repair.count_max'], (document) => (document.repair = { refunds_per_hour: 1 })],
    [['duplicates.window_ms'], (document) => (document.duplicates = { window_ms: 1 })],
    [['cases.escalate_after_ms'], (document) => (document.cases = { escalate_after_ms: 1 })],
    [['detection.blind_ms_max'], ({ detection }) => (detection.blind_ms_max = 1)],
    [['providers.acme.failures_final'], ({ providers }) => (providers.acme.failures_final = false)],
    [['routes.default.retry_max_ms'], ({ routes }) => (routes.default.retry_max_ms = 9_000)],
    [['routes.payouts.review.deadline_ms'], ({ routes }) => (routes.payouts.review.deadline_ms = 1)],
    [['statements.acme-mt940'], ({ statements }) => delete statements['acme-mt940']],
    [['routes.dorado'], ({ routes }) => delete routes.dorado],
    [['routes.fast'], ({ routes }) => (routes.fast = routes.borealis)],
    [
      ['payments.office'],
      (document) => (document.payments = { office: { cut_off: { zone: 'Europe/Berlin', until: '17:00' } } }),
    ],
  ])('are not %j: it says so, once', (expected, edit) => expect(paths(edit)).toEqual(expected));
});

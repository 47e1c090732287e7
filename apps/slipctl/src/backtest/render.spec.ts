import { describe, expect, it } from '@jest/globals';
import { backtestSvg } from './chart.ts';
import { backtestText } from './render.ts';
import type { BacktestView, SumsView } from './views.ts';

const was: SumsView = {
  ...{ overdue: 12, answeredLater: 9, inquiries: 30, refunds: 3, refundsContradicted: 0 },
  ...{ notReturned: 3, cases: 0 },
};
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
        ...{ unknownRules: 4, verdictsDiffer: 5 },
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
  });
});

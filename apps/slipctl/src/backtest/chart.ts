import { type Bars, barChart } from '../output/bar-chart.ts';
import { measures } from './render.ts';
import type { BacktestView } from './views.ts';

export function backtestSvg({ routes }: BacktestView): string {
  const groups = routes.flatMap((route): Bars[] =>
    measures
      .filter(([name]) => route.was[name] > 0 || route.would[name] > 0)
      .map(([name, title]) => ({
        title: `${route.route}: ${title}`,
        bars: [
          { name: 'was', value: route.was[name] },
          { name: 'would', value: route.would[name] },
        ],
      })),
  );
  return barChart(groups);
}

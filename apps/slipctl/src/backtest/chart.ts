import { type Bars, barChart } from '../output/bar-chart.ts';
import { backtestText, measures } from './render.ts';
import type { BacktestView } from './views.ts';

/** Counts as bars; all that the table says is its description, for who cannot see them. */
export function backtestSvg(view: BacktestView): string {
  const { routes, circuits, warned, warnings } = view;
  const groups = [
    ...routes.flatMap(({ route, slips, changed, was, would }) => [
      {
        title: `${route}: slips`,
        bars: [
          { name: 'compared', value: slips },
          { name: 'under other terms', value: changed },
        ],
      },
      ...measures.flatMap(([name, title]) => compared(`${route}: ${title}`, was[name], would[name])),
    ]),
    ...circuits.flatMap(({ provider, was, would }) => [
      ...compared(`circuit of ${provider}: opened`, was.opened, would.opened),
      ...compared(`circuit of ${provider}: refused`, was.refused, would.refused),
    ]),
    ...compared('warnings', warned.length, warnings.length),
  ];
  return barChart(groups, { title: 'What other rules would have done', description: backtestText(view) });
}

/** None where there is nothing to see. */
function compared(title: string, was: number, would: number): Bars[] {
  if (was === 0 && would === 0) return [];
  return [
    {
      title,
      bars: [
        { name: 'was', value: was },
        { name: 'would', value: would },
      ],
    },
  ];
}

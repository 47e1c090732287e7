import { BarChart } from 'echarts/charts';
import { GridComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { visible } from './visible.ts';

use([BarChart, GridComponent, TitleComponent, SVGRenderer]);

export interface Bars {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

const width = 720;
const labelWidth = 260;
const valueWidth = 90;
const rowHeight = 26;
const titleHeight = 36;
const fontSize = 13;

/** Groups of bars below each other, each group on a scale of its own, as an SVG that needs no script and no font of ours. */
export function barChart(
  groups: readonly Bars[],
  told?: { readonly title: string; readonly description: string },
): string {
  const tops: number[] = [];
  let height = 8;
  for (const { bars } of groups) {
    tops.push(height);
    height += titleHeight + bars.length * rowHeight;
  }
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: height + 8 });
  try {
    chart.setOption({
      ...{ animation: false, backgroundColor: '#fff', color: '#3b6ea5' },
      title: groups.map(({ title }, i) => ({ text: title, top: tops[i], left: 8, textStyle: { fontSize } })),
      grid: groups.map(({ bars }, i) => ({
        ...{ top: tops[i]! + titleHeight, height: bars.length * rowHeight },
        ...{ left: labelWidth, right: valueWidth, outerBoundsMode: 'none' },
      })),
      xAxis: groups.map((_, i) => ({ type: 'value', gridIndex: i, show: false, min: 0 })),
      yAxis: groups.map(({ bars }, i) => ({
        ...{ type: 'category', gridIndex: i, inverse: true, data: bars.map(({ name }) => name) },
        ...{ axisTick: { show: false }, axisLine: { show: false } },
        axisLabel: { interval: 0, width: labelWidth - 16, overflow: 'truncate', fontSize },
      })),
      series: groups.map(({ bars }, i) => ({
        ...{ type: 'bar', xAxisIndex: i, yAxisIndex: i, barWidth: rowHeight - 8 },
        data: bars.map(({ value }) => value),
        label: { show: true, position: 'right', formatter: ({ value }: { value: number }) => said(value) },
      })),
    });
    // Nothing moves under a pointer: styles for that are numbered, by how many were drawn before.
    const svg = chart
      .renderToSVGString()
      .replace(/<style[^>]*>.*?<\/style>/s, '')
      .replace(/ class="zr[^"]*"/g, '');
    if (told === undefined) return svg;
    const { title, description } = told;
    const words = `<title>${asText(title)}</title><desc>${asText(description)}</desc>`;
    return svg.replace(/^<svg ([^>]*)>/, (_, attributes) => `<svg role="img" ${attributes}>${words}`);
  } finally {
    chart.dispose();
  }
}

const said = (value: number) => value.toLocaleString('en', { maximumSignificantDigits: 6 });

function asText(text: string): string {
  const escaped = { '&': '&amp;', '<': '&lt;', '>': '&gt;' } as const;
  // XML takes no control characters, by whatever name.
  return visible(text).replace(/[&<>]/g, (sign) => escaped[sign as '&']);
}

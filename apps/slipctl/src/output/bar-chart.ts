export interface Bars {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

const width = 640;
const labelWidth = 220;
const valueWidth = 90;
const barHeight = 18;
const rowHeight = 24;
const titleHeight = 34;

/** Groups of bars, each group on a scale of its own, as an SVG that needs no script and no font of ours. */
export function barChart(groups: readonly Bars[]): string {
  let y = 8;
  const parts: string[] = [];
  for (const { title, bars } of groups) {
    parts.push(text(8, y + 20, title, 'bold'));
    y += titleHeight;
    const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
    for (const { name, value } of bars) {
      const length = Math.max(1, (value / most) * (width - labelWidth - valueWidth));
      parts.push(
        text(16, y + 14, name),
        `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" fill="#3b6ea5"/>`,
        text(labelWidth + length + 6, y + 14, value.toLocaleString('en')),
      );
      y += rowHeight;
    }
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 8}" font-family="sans-serif" font-size="13">`;
  return `${head}\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join('\n')}\n</svg>\n`;
}

function text(x: number, y: number, said: string, weight = 'normal'): string {
  const escaped = said.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" font-weight="${weight}">${escaped}</text>`;
}

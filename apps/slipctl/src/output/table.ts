import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { visible } from './visible.ts';

type Row = readonly string[];

/** Two spaces between columns. */
const gap = 2;

/**
 * Columns as wide as their widest cell. Where that is wider than the terminal, texts are broken between words, and where even
 * that does not fit, each row becomes a block of lines. Nothing is ever cut: an id is copied whole from wherever it stands.
 * @param width what there is to draw on; null: no terminal, so every row stays on one line
 */
export function table(rows: readonly Row[], width: number | null = terminalWidth()): string {
  const cells = rows.map((row) => row.map((cell) => visible(cell.replaceAll(/\s+/g, ' '))));
  const widest = columnsOf(cells, stringWidth);
  if (width === null || lineWidth(widest) <= width) return lines(cells, widest);
  const least = columnsOf(cells, (cell) => Math.max(...cell.split(' ').map((word) => stringWidth(word))));
  if (lineWidth(least) <= width) return lines(cells, shared(least, widest, width));
  return blocks(cells, width);
}

function terminalWidth(): number | null {
  // A terminal that nobody has given a size says 0.
  return (process.stdout.isTTY && process.stdout.columns) || null;
}

function columnsOf(rows: readonly Row[], measure: (cell: string) => number): number[] {
  const columns = rows[0]?.length ?? 0;
  // Rows may be more than a call takes arguments.
  return Array.from({ length: columns }, (_, at) =>
    rows.reduce((most, row) => Math.max(most, measure(row[at]!)), 0),
  );
}

const lineWidth = (widths: readonly number[]) =>
  widths.reduce((sum, width) => sum + width, gap * (widths.length - 1));

/** What is left over goes to whichever column still lacks the most. */
function shared(least: readonly number[], widest: readonly number[], width: number): number[] {
  const widths = [...least];
  const lack = (at: number) => widest[at]! - widths[at]!;
  for (let left = width - lineWidth(least); left > 0; left -= 1) {
    const neediest = widths.reduce((most, _, at) => (lack(at) > lack(most) ? at : most), 0);
    widths[neediest]! += 1;
  }
  return widths;
}

function lines(rows: readonly Row[], widths: readonly number[]): string {
  return rows
    .flatMap((row) => {
      const broken = row.map((cell, at) => wrapAnsi(cell, widths[at]!).split('\n'));
      const height = Math.max(...broken.map((parts) => parts.length));
      return Array.from({ length: height }, (_, line) =>
        broken
          .map((parts, at) => padded(parts[line] ?? '', widths[at]!))
          .join(' '.repeat(gap))
          .trimEnd(),
      );
    })
    .join('\n');
}

/** A row as lines of name and value, without the values that say nothing; a blank line between rows. */
function blocks([header = [], ...rows]: readonly Row[], width: number): string {
  const names = Math.max(...header.map((name) => stringWidth(name)));
  const room = Math.max(width - names - gap, 1);
  return rows
    .map((row) =>
      row
        .flatMap((cell, at) => (cell === '-' ? [] : [[header[at]!, cell] as const]))
        .map(([name, cell]) =>
          wrapAnsi(cell, room)
            .split('\n')
            .map((part, line) => `${padded(line === 0 ? name : '', names)}${' '.repeat(gap)}${part}`)
            .join('\n'),
        )
        .join('\n'),
    )
    .join('\n\n');
}

const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - stringWidth(text)));

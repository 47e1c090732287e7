import { type Instant, nameProblem } from '@slipstream/kernel';
import { accountProblem } from '@slipstream/slip';
import type { Mapping, TimeCells } from './mapping.ts';
import type { ValueSource } from './mapping-content.ts';
import { cellNameProblem } from './names.ts';
import type { FoundTime } from './times.ts';

/** Reads cells by column and collects what is wrong with them. */
export class Cells {
  readonly problems: string[] = [];
  readonly #mapping: Mapping;
  readonly #cell: (column: string) => string;

  constructor(mapping: Mapping, cell: (column: string) => string) {
    this.#mapping = mapping;
    this.#cell = cell;
  }

  /** Empty also where the file says so by a word. */
  text(source: ValueSource): string {
    if ('value' in source) return source.value;
    const text = this.#cell(source.column);
    return this.#mapping.dialect.empty.has(text.trim()) ? '' : text;
  }

  name(source: ValueSource): string {
    return this.#name(source, nameProblem);
  }

  /** Of who pays or is paid: what intake would refuse is told here, with its line. */
  account(source: ValueSource): string {
    return this.#name(source, accountProblem);
  }

  /** null: the cell is empty, or wrong and reported. */
  time(cells: TimeCells): Instant | null {
    return this.#time(cells, (text, zone) => this.#mapping.times.read(text, { format: cells.format, zone }));
  }

  requiredTime(cells: TimeCells): Instant {
    return this.#required(cells, () => this.time(cells));
  }

  /** A time that a date alone reaches only with the day's end. */
  requiredEnd(cells: TimeCells & { readonly endOfDay: boolean }): Instant {
    const { format, endOfDay } = cells;
    const read = (text: string, zone: string | null) =>
      this.#mapping.times.readEnd(text, { format, zone, endOfDay });
    return this.#required(cells, () => this.#time(cells, read));
  }

  #name(source: ValueSource, problemOf: (value: string) => string | null): string {
    const value = this.text(source);
    const problem = cellNameProblem(value, this.#mapping.dialect.encoding, problemOf);
    if (problem !== null && 'column' in source) this.problems.push(`${source.column} ${problem}`);
    return value;
  }

  #time(cells: TimeCells, read: (text: string, zone: string | null) => FoundTime): Instant | null {
    const parts = cells.columns.map((column) => this.text({ column }).trim()).filter((part) => part !== '');
    if (parts.length === 0) return null;
    const zoneColumn = cells.zone ?? this.#mapping.times.zoneColumn;
    const zone = zoneColumn === null ? null : this.text({ column: zoneColumn }).trim();
    const found: FoundTime =
      zone === '' ? { problem: `${zoneColumn} is missing` } : read(parts.join(' '), zone);
    if ('at' in found) return found.at;
    this.problems.push(`${cells.columns.join(' ')}: ${found.problem}`);
    return null;
  }

  #required({ columns }: TimeCells, read: () => Instant | null): Instant {
    const before = this.problems.length;
    const time = read();
    if (time === null && this.problems.length === before)
      this.problems.push(`${columns.join(' ')} is missing`);
    return time ?? '';
  }
}

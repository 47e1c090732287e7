import type { Instant } from '@slipstream/kernel';
import { Cells } from './cells.ts';
import type { LongLayout, Mapping, Meaning, TimeCells } from './mapping.ts';
import { type Report, type Row, readReference, readSlip, requireColumns } from './rows.ts';

/** A row of a file with a row per event. Plain JSON: it is stored while rows are sorted. */
export interface EventRow {
  readonly line: number;
  readonly reference: string;
  readonly event: string;
  readonly at: Instant;
  /** What the row says of its slip, by the order of {@link SlipColumns.names}. */
  readonly cells: readonly string[];
}

export type EventRead =
  | { readonly event: EventRow }
  /** The mapping gives the event no meaning. */
  | { readonly unmapped: string }
  | { readonly problem: string; readonly reference: string | null };

export type Joined =
  | { readonly row: Row; readonly duplicates: number }
  /** Two rows cannot both be true. */
  | { readonly contradiction: string }
  | { readonly problem: string };

/** Reads a file with a row per event, and joins the events of a slip. */
export class EventReader {
  readonly #mapping: Mapping;
  readonly #layout: LongLayout;
  readonly #places: ReadonlyMap<string, number>;
  readonly #columns: SlipColumns;

  /** @throws CliError (usage) with the place in the mapping of every column that the header lacks or has twice */
  constructor(mapping: Mapping, layout: LongLayout, header: readonly string[]) {
    requireColumns(mapping, header);
    this.#mapping = mapping;
    this.#layout = layout;
    this.#places = new Map(header.map((column, index) => [column, index]));
    this.#columns = slipColumns(mapping);
  }

  read(fields: readonly string[], line: number): EventRead {
    const cells = new Cells(this.#mapping, (column) => fields[this.#places.get(column)!]!);
    const event = cells.text({ column: this.#layout.event }).trim();
    // Rows of other events say nothing that is read, so nothing in them can be wrong.
    if (event !== '' && !this.#layout.meanings.has(event)) return { unmapped: event };
    const reference = readReference(this.#mapping, cells);
    if (event === '') cells.problems.push(`${this.#layout.event} is missing`);
    const at = cells.requiredTime(this.#layout.time);
    if (cells.problems.length > 0 || reference === null)
      return { problem: cells.problems.join('; '), reference };
    const said = this.#columns.names.map((column) => cells.text({ column }));
    return { event: { line, reference, event, at, cells: said } };
  }

  /** The events of one reference, in the order of their lines, as one row. */
  join(events: readonly EventRow[]): Joined {
    const { distinct, duplicates } = withoutRepeats(events);
    const submissions = distinct.filter(({ event }) => this.#meaning(event).step === 'submitted');
    const [submission, ...others] = submissions.toSorted(compareTimes);
    if (!submission) return { problem: 'has no event that submits it' };
    const other = others.find(({ at }) => at !== submission.at);
    if (other) return { contradiction: `is submitted on line ${submission.line} and on line ${other.line}` };
    const merged = this.#merged(submission, distinct);
    if ('contradiction' in merged) return merged;
    const cells = new Cells(this.#mapping, (column) => merged.cells.get(column)!);
    const slip = readSlip(this.#mapping, cells, submission.at);
    if (cells.problems.length > 0) return { problem: cells.problems.join('; ') };
    const { line, reference, at: submittedAt } = submission;
    return { row: { line, reference, ...slip, submittedAt, reports: this.#reports(distinct) }, duplicates };
  }

  /** The submission's row speaks for the slip; where it is silent, the others do. */
  #merged(
    submission: EventRow,
    events: readonly EventRow[],
  ): { cells: Map<string, string> } | { contradiction: string } {
    const cells = new Map<string, string>();
    const { names, ofTheRow } = this.#columns;
    for (const [index, column] of names.entries()) {
      const asked = names.indexOf(ofTheRow.get(column) ?? column);
      const speaker = [submission, ...events].find((event) => event.cells[asked] !== '') ?? submission;
      const value = speaker.cells[index]!;
      const denier = events.find((event) => event.cells[index] !== '' && event.cells[index] !== value);
      if (denier && asked === index) {
        return { contradiction: `has another ${column} on line ${speaker.line} than on line ${denier.line}` };
      }
      cells.set(column, value);
    }
    return { cells };
  }

  #reports(events: readonly EventRow[]): Report[] {
    const reports: Report[] = [];
    const order = [...this.#layout.meanings.keys()];
    const sorted = events.toSorted(
      (a, b) => compareTimes(a, b) || order.indexOf(a.event) - order.indexOf(b.event),
    );
    for (const { event, at } of sorted) {
      const meaning = this.#meaning(event);
      if (meaning.step === 'submitted') continue;
      if (meaning.step === 'progressed') reports.push({ ...meaning, column: `${event} ${at}`, at });
      // The first acknowledgement counts; later answers would deny the first one, and the first one decides.
      else if (!reports.some(({ step }) => step === meaning.step))
        reports.push({ ...meaning, column: event, at } as Report);
    }
    return reports;
  }

  #meaning(event: string): Meaning {
    return this.#layout.meanings.get(event)!;
  }
}

interface SlipColumns {
  readonly names: readonly string[];
  /** What is true of the row alone, the zone of its times: it comes from the row that the named column comes from. */
  readonly ofTheRow: ReadonlyMap<string, string>;
}

function slipColumns(mapping: Mapping): SlipColumns {
  const names = new Set<string>();
  for (const source of [mapping.account, mapping.counterparty, mapping.kind, mapping.route]) {
    if ('column' in source) names.add(source.column);
  }
  if (mapping.amount) {
    names.add(mapping.amount.column);
    if ('column' in mapping.amount.currency) names.add(mapping.amount.currency.column);
    if (mapping.amount.fee !== null) names.add(mapping.amount.fee);
  }
  const ofTheRow = new Map<string, string>();
  if ('columns' in mapping.deadline) {
    const { columns, zone }: TimeCells = mapping.deadline;
    for (const column of columns) names.add(column);
    const zoneColumn = zone ?? mapping.times.zoneColumn;
    if (zoneColumn !== null) {
      names.add(zoneColumn);
      ofTheRow.set(zoneColumn, columns[0]!);
    }
  }
  return { names: [...names], ofTheRow };
}

function withoutRepeats(events: readonly EventRow[]) {
  const distinct = new Map<string, EventRow>();
  for (const event of events) {
    const { line: _, ...content } = event;
    const key = JSON.stringify(content);
    if (!distinct.has(key)) distinct.set(key, event);
  }
  return { distinct: [...distinct.values()], duplicates: events.length - distinct.size };
}

function compareTimes(a: EventRow, b: EventRow): number {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}

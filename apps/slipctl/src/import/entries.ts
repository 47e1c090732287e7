import { EventReader, type EventRow, type Joined } from './events.ts';
import type { Mapping } from './mapping.ts';
import { type Row, rowReader } from './rows.ts';

/** What one record of the file says of a slip. Plain JSON: it is stored while records are sorted. */
export type Entry = { readonly line: number; readonly reference: string } & (
  | { readonly row: Row }
  | { readonly event: EventRow }
  /** It cannot be read, though it is known of whom it speaks. */
  | { readonly problem: string }
);

export type RecordRead =
  | Entry
  | { readonly line: number; readonly unmapped: string }
  /** Empty: it names no slip; null: nobody knows which one. */
  | { readonly line: number; readonly reference: string | null; readonly problem: string };

/** Reads the records of a file in one of the layouts, and joins those of one reference. */
export interface EntryReader {
  read(fields: readonly string[], line: number): RecordRead;
  /** `entries` are all of one reference and none has a problem, in the order of their lines. */
  join(entries: readonly Entry[]): Joined;
}

/** @throws CliError (usage) with the place in the mapping of every column that the header lacks or has twice */
export function entryReader(mapping: Mapping, header: readonly string[]): EntryReader {
  const { layout } = mapping;
  if (layout.name === 'long') {
    const events = new EventReader(mapping, layout, header);
    return {
      read: (fields, line) => placed(events.read(fields, line), line),
      join: (entries) => events.join(entries.flatMap((entry) => ('event' in entry ? [entry.event] : []))),
    };
  }
  const read = rowReader(mapping, layout, header);
  return {
    read: (fields, line) => placed(read(fields, line), line),
    join: (entries) => joinRows(entries.flatMap((entry) => ('row' in entry ? [entry.row] : []))),
  };
}

type Read = ReturnType<EventReader['read']> | ReturnType<ReturnType<typeof rowReader>>;

function placed(read: Read, line: number): RecordRead {
  if ('row' in read) return { line, reference: read.row.reference, row: read.row };
  if ('event' in read) return { line, reference: read.event.reference, event: read.event };
  return { ...read, line };
}

function joinRows(rows: readonly Row[]): Joined {
  const [first, ...others] = rows as [Row, ...Row[]];
  const other = others.find((row) => content(row) !== content(first));
  if (!other) return { row: first, duplicates: others.length };
  return { contradiction: `stands on line ${first.line} and with other content on line ${other.line}` };
}

function content({ line: _, ...row }: Row): string {
  return JSON.stringify(row);
}

/** By reference; of equal ones the record that stands first in the file. */
export function compareEntries(a: Entry, b: Entry): number {
  return a.reference < b.reference ? -1 : a.reference > b.reference ? 1 : a.line - b.line;
}

/** More records than any slip has: the reference is none. */
export const recordsPerSlipMax = 10_000;

/** The records of one reference; of more than {@link recordsPerSlipMax} the first ones, and how many there are. */
export interface OfReference {
  readonly entries: readonly [Entry, ...Entry[]];
  readonly count: number;
}

/** Entries that come by reference, all of one reference at once, in memory that does not grow with the file. */
export async function* byReference(entries: AsyncIterable<Entry>): AsyncGenerator<OfReference> {
  let group: { entries: [Entry, ...Entry[]]; count: number } | null = null;
  for await (const entry of entries) {
    if (group?.entries[0].reference === entry.reference) {
      group.count++;
      if (group.count <= recordsPerSlipMax) group.entries.push(entry);
    } else {
      if (group) yield group;
      group = { entries: [entry], count: 1 };
    }
  }
  if (group) yield group;
}

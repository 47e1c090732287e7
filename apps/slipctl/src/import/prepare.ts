import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CliError, messageOf } from '../exit.ts';
import type { Terminal } from '../output/terminal.ts';
import { CsvReader, type CsvRecord } from './csv.ts';
import { LineTooLong, lineBatches } from './lines.ts';
import type { Mapping } from './mapping.ts';
import { type Row, type RowReader, rowReader, unmappedColumns } from './rows.ts';
import { ExternalSort } from './sort.ts';

/** A row that is left out, and why. */
export interface SkippedRow {
  readonly line: number;
  readonly reason: string;
}

export interface FileCounts {
  /** Records behind the header. */
  rows: number;
  skipped: number;
  /** The first {@link skippedShownMax} of them. */
  readonly skippedRows: SkippedRow[];
  /** Rows that say again what an earlier row said. */
  duplicates: number;
  unmappedColumns: string[];
}

export interface ReadFile {
  /** Sorted by reference, each once; may be read several times. */
  rows(): AsyncGenerator<Row>;
  readonly counts: FileCounts;
  /** `import-` and 16 hex digits of SHA-256 over the file's and then the mapping's bytes. */
  readonly clock: string;
}

const skippedShownMax = 100;

export interface ReadOptions {
  readonly file: string;
  readonly mapping: Mapping;
  readonly mappingText: string;
  /** Stop at the first bad row. */
  readonly strict: boolean;
  readonly terminal: Terminal;
  readonly sort: ExternalSort<Row>;
}

/**
 * Reads the whole file into `sort`: only then all bad rows are known, and whether anything may be sent.
 * @throws CliError usage: no such file, no CSV, a column is missing; bad: a bad row with `strict`
 */
export async function readFile(options: ReadOptions): Promise<ReadFile> {
  const { file, mapping, mappingText, strict, terminal, sort } = options;
  const counts: FileCounts = { rows: 0, skipped: 0, skippedRows: [], duplicates: 0, unmappedColumns: [] };
  const skip = ({ line, reason }: SkippedRow) => {
    const told = `${file}:${line}: ${reason}`;
    if (strict) throw new CliError('bad', `${told}\nnothing was sent (--strict)`);
    if (counts.skipped++ >= skippedShownMax) return;
    terminal.say(`${told}; the row is skipped`);
    counts.skippedRows.push({ line, reason });
  };
  const hash = createHash('sha256');
  let read: RowReader | null = null;
  for await (const records of recordsOf(file, terminal, (chunk) => hash.update(chunk))) {
    for (const record of records) {
      if (!read) {
        const header = headerOf(record, file);
        read = rowReader(mapping, header);
        counts.unmappedColumns = unmappedColumns(mapping, header);
        continue;
      }
      counts.rows++;
      const result = 'problem' in record ? record : read(record.fields, record.line);
      if ('problem' in result) skip({ line: record.line, reason: result.problem });
      else await sort.add(result.row);
    }
  }
  if (!read) throw new CliError('usage', `${file} is empty: not even a header`);
  counts.duplicates = await dropDuplicates(sort, skip);
  return {
    rows: () => distinct(sort.sorted(), () => {}),
    counts,
    clock: `import-${hash.update(mappingText).digest('hex').slice(0, 16)}`,
  };
}

/** By reference; of equal ones the row that stands first in the file. */
export function compareRows(a: Row, b: Row): number {
  return a.reference < b.reference ? -1 : a.reference > b.reference ? 1 : a.line - b.line;
}

/** Gives the number of rows that repeat another one; `skip` hears of those that contradict one. */
async function dropDuplicates(sort: ExternalSort<Row>, skip: (row: SkippedRow) => void): Promise<number> {
  let duplicates = 0;
  const heard = (row: Row, first: Row) => {
    if (content(row) === content(first)) duplicates++;
    else {
      const reason = `reference ${row.reference} stands on line ${first.line} with other content`;
      skip({ line: row.line, reason });
    }
  };
  for await (const _ of distinct(sort.sorted(), heard));
  return duplicates;
}

async function* distinct(
  rows: AsyncIterable<Row>,
  dropped: (row: Row, first: Row) => void,
): AsyncGenerator<Row> {
  let first: Row | null = null;
  for await (const row of rows) {
    if (first?.reference === row.reference) dropped(row, first);
    else {
      first = row;
      yield row;
    }
  }
}

function content({ line: _, ...row }: Row): string {
  return JSON.stringify(row);
}

function headerOf(record: CsvRecord, file: string): readonly string[] {
  if ('problem' in record)
    throw new CliError('usage', `${file}:${record.line}: the header ${record.problem}`);
  return record.fields;
}

async function* recordsOf(
  file: string,
  terminal: Terminal,
  seen: (chunk: Buffer) => void,
): AsyncGenerator<CsvRecord[]> {
  const progress = terminal.progress('reading');
  try {
    const total = (await stat(file)).size;
    const csv = new CsvReader();
    let done = 0;
    const chunks = async function* () {
      for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
        if (done === 0) refuseUtf16(chunk, file);
        seen(chunk);
        done += chunk.length;
        progress.update(done, total, 'bytes');
        yield chunk;
      }
    };
    for await (const lines of lineBatches(chunks())) yield csv.push(lines);
    yield csv.end();
  } catch (error) {
    if (error instanceof LineTooLong) throw new CliError('usage', `${file}: ${error.message}: is it CSV?`);
    if ((error as NodeJS.ErrnoException).syscall) {
      throw new CliError('usage', `${file} cannot be read: ${messageOf(error)}`);
    }
    throw error;
  } finally {
    progress.stop();
  }
}

function refuseUtf16(chunk: Buffer, file: string): void {
  const mark = chunk.length >= 2 ? chunk.readUInt16BE(0) : 0;
  if (mark === 0xfffe || mark === 0xfeff) {
    throw new CliError('usage', `${file} is UTF-16; save it as UTF-8`);
  }
}

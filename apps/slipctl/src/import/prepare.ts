import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CliError, messageOf } from '../exit.ts';
import type { Terminal } from '../output/terminal.ts';
import { CsvReader, type CsvRecord } from './csv.ts';
import {
  byReference,
  type Entry,
  type EntryReader,
  entryReader,
  type OfReference,
  recordsPerSlipMax,
} from './entries.ts';
import { LineTooLong, lineBatches } from './lines.ts';
import type { Mapping } from './mapping.ts';
import { type Row, unmappedColumns } from './rows.ts';
import type { ExternalSort } from './sort.ts';
import type { SlipVerdictSource } from './verdicts.ts';

/** A record that is left out, and why. */
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
  /** Of those skipped, the ones that speak of a slip, or may: it is not imported, or not whole. */
  skippedOfSlips: number;
  /** Records that say again what an earlier one said. */
  duplicates: number;
  /** Slips whose amount is zero or less. */
  withoutMoney: number;
  unmappedColumns: string[];
  /** How often each event comes that the mapping gives no meaning; the first {@link unmappedEventsMax}. */
  readonly unmappedEvents: Map<string, number>;
  /** Slips about which the file contradicts itself: none of their records is imported. */
  readonly undetermined: { count: number; readonly first: { reference: string; detail: string }[] };
}

export interface ReadFile {
  /** Sorted by reference, each once; may be read several times. */
  rows(): AsyncGenerator<Row>;
  /** The same, with those about which the file contradicts itself. */
  slips(): AsyncGenerator<SlipOfFile>;
  readonly counts: FileCounts;
  /** SHA-256 over the file's and then the mapping's bytes: its first 16 hex digits. */
  readonly digest: string;
}

export type SlipOfFile = SlipVerdictSource & { readonly row: Row | null };

const skippedShownMax = 100;
const unmappedEventsMax = 1_000;

export interface ReadOptions {
  readonly file: string;
  readonly mapping: Mapping;
  readonly mappingText: string;
  /** Stop at the first bad row. */
  readonly strict: boolean;
  readonly terminal: Terminal;
  readonly sort: ExternalSort<Entry>;
}

/**
 * Reads the whole file into `sort`: only then all bad rows are known, and whether anything may be sent.
 * @throws CliError usage: no such file, no CSV, a column is missing; bad: a bad row with `strict`
 */
export async function readFile(options: ReadOptions): Promise<ReadFile> {
  const { file, mapping, mappingText, sort } = options;
  const counts: FileCounts = {
    ...{ rows: 0, skipped: 0, skippedRows: [], skippedOfSlips: 0, duplicates: 0, withoutMoney: 0 },
    ...{ unmappedColumns: [], unmappedEvents: new Map(), undetermined: { count: 0, first: [] } },
  };
  const tell = new Teller(options, counts);
  const hash = createHash('sha256');
  let reader: EntryReader | null = null;
  for await (const records of recordsOf(options, (chunk) => hash.update(chunk))) {
    for (const record of records) {
      if (!reader) {
        const header = headerOf(record, file);
        reader = entryReader(mapping, header);
        counts.unmappedColumns = unmappedColumns(mapping, header);
        continue;
      }
      counts.rows++;
      const read =
        'problem' in record ? { ...record, reference: null } : reader.read(record.fields, record.line);
      if ('unmapped' in read) tell.unmapped(read.unmapped);
      else {
        // A record without a reference is a total, a remark; one that is no CSV, or whose reference is none, may be anybody's.
        if ('problem' in read) tell.skipped(read.line, read.problem, read.reference !== '');
        if (read.reference) await sort.add(read as Entry);
      }
    }
  }
  if (!reader) throw new CliError('usage', `${file} is empty: not even a header`);
  const known = reader;
  for await (const records of byReference(sort.sorted())) joinSlip(known, records, tell);
  const slips = async function* () {
    for await (const records of byReference(sort.sorted())) {
      const slip = joinSlip(known, records, null);
      if (slip) yield slip;
    }
  };
  return {
    slips,
    async *rows() {
      for await (const { row } of slips()) if (row) yield row;
    },
    counts,
    digest: hash.update(mappingText).digest('hex').slice(0, 16),
  };
}

/** null: no record of the slip could be used. */
function joinSlip(
  reader: EntryReader,
  { entries, count }: OfReference,
  tell: Teller | null,
): SlipOfFile | null {
  const [{ reference, line }] = entries;
  const skipped = (problem: string) => tell?.skipped(line, `reference ${reference} ${problem}`, true, count);
  const good = entries.filter((entry) => !('problem' in entry));
  const [firstGood] = good;
  if (!firstGood) return null;
  const undetermined = (detail: string): SlipOfFile => {
    tell?.undetermined(line, reference, detail);
    return { reference, isDetermined: false, row: null };
  };
  const bad = entries.find((entry) => 'problem' in entry);
  if (bad)
    return undetermined(`stands on line ${firstGood.line} and on line ${bad.line}, which cannot be read`);
  if (count > recordsPerSlipMax) {
    skipped(`has more than ${recordsPerSlipMax} rows`);
    return null;
  }
  const joined = reader.join(good);
  if ('contradiction' in joined) return undetermined(joined.contradiction);
  if ('problem' in joined) {
    skipped(joined.problem);
    return null;
  }
  tell?.taken(joined.row, joined.duplicates);
  return { reference, isDetermined: true, row: joined.row };
}

/** Counts what is odd about a file, and tells people the first of it. */
class Teller {
  readonly #options: ReadOptions;
  readonly #counts: FileCounts;

  constructor(options: ReadOptions, counts: FileCounts) {
    this.#options = options;
    this.#counts = counts;
  }

  taken({ notPositive }: Row, duplicates: number): void {
    this.#counts.duplicates += duplicates;
    if (notPositive) this.#counts.withoutMoney++;
  }

  skipped(line: number, reason: string, isOfSlip: boolean, rows = 1): void {
    this.#stopIfStrict(line, reason);
    const { skippedRows } = this.#counts;
    this.#counts.skipped += rows;
    if (isOfSlip) this.#counts.skippedOfSlips += rows;
    if (skippedRows.length >= skippedShownMax) return;
    skippedRows.push({ line, reason });
    this.#say(line, `${reason}; ${rows === 1 ? 'the row is' : `its ${rows} rows are`} skipped`);
  }

  undetermined(line: number, reference: string, detail: string): void {
    const reason = `reference ${reference} ${detail}`;
    this.#stopIfStrict(line, reason);
    const { undetermined } = this.#counts;
    if (undetermined.count++ >= skippedShownMax) return;
    undetermined.first.push({ reference, detail });
    this.#say(line, `${reason}; nothing of it is imported`);
  }

  unmapped(event: string): void {
    const { unmappedEvents } = this.#counts;
    const count = unmappedEvents.get(event) ?? 0;
    if (count > 0 || unmappedEvents.size < unmappedEventsMax) unmappedEvents.set(event, count + 1);
  }

  #stopIfStrict(line: number, reason: string): void {
    const { strict, file } = this.#options;
    if (strict) throw new CliError('bad', `${file}:${line}: ${reason}\nnothing was sent (--strict)`);
  }

  #say(line: number, text: string): void {
    this.#options.terminal.say(`${this.#options.file}:${line}: ${text}`);
  }
}

function headerOf(record: CsvRecord, file: string): readonly string[] {
  if ('problem' in record)
    throw new CliError('usage', `${file}:${record.line}: the header ${record.problem}`);
  return record.fields;
}

async function* recordsOf(
  { file, terminal, mapping }: ReadOptions,
  seen: (chunk: Buffer) => void,
): AsyncGenerator<CsvRecord[]> {
  const { delimiter, encoding } = mapping.dialect;
  const progress = terminal.progress('reading');
  try {
    const total = (await stat(file)).size;
    const csv = new CsvReader(delimiter);
    let done = 0;
    const chunks = async function* () {
      for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
        if (done === 0 && encoding === 'utf-8') refuseUtf16(chunk, file);
        seen(chunk);
        done += chunk.length;
        progress.update(done, total, 'bytes');
        yield chunk;
      }
    };
    for await (const lines of lineBatches(chunks(), encoding)) yield csv.push(lines);
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
    const encoding = mark === 0xfffe ? 'utf-16le' : 'utf-16be';
    throw new CliError(
      'usage',
      `${file} is UTF-16; say encoding: ${encoding} in the mapping, or save it as UTF-8`,
    );
  }
}

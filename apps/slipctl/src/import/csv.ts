import { parse } from 'csv-parse/sync';
import { messageOf } from '../exit.ts';

/** A record and the line it begins on, or what is wrong there. */
export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly problem: string };

/** A quoted field that goes on for more lines than this was never closed. */
const recordLinesMax = 1_000;
const recordLengthMax = 1024 * 1024;

const fixed = { relax_column_count: true, record_delimiter: '\n' } as const;
type Options = typeof fixed & { readonly delimiter: string };

/**
 * Reads CSV (RFC 4180; CRLF or LF) from lines. One broken record costs that record alone: csv-parse cannot find back
 * after a stray quote and would lose rows, so records are first told apart here, by the number of their quotes, and
 * when a record of several lines turns out broken, reading goes on behind its FIRST line.
 */
export class CsvReader {
  readonly #options: Options;
  #line = 0;
  #width: number | null = null;
  /** Complete records of one line each. */
  #ready: { line: number; text: string }[] = [];
  /** Lines of a record whose quotes are still open. */
  #open: { line: number; lines: string[]; length: number } | null = null;
  #records: CsvRecord[] = [];

  constructor(delimiter = ',') {
    this.#options = { ...fixed, delimiter };
  }

  /** Gives the records that are complete with these lines. The first record of all is the header. */
  push(lines: readonly string[]): CsvRecord[] {
    for (const line of lines) this.#take(line.endsWith('\r') ? line.slice(0, -1) : line, ++this.#line);
    return this.#drain();
  }

  /** Gives what is left when there are no more lines. */
  end(): CsvRecord[] {
    while (this.#open) this.#giveUp('a quote is opened here and never closed');
    return this.#drain();
  }

  #take(given: string, line: number): void {
    const text = line === 1 && given.startsWith('\uFEFF') ? given.slice(1) : given;
    const closes = hasOddQuotes(text);
    const open = this.#open;
    if (!open) {
      if (text === '') return;
      if (closes) this.#open = { line, lines: [text], length: text.length };
      else this.#ready.push({ line, text });
      return;
    }
    open.lines.push(text);
    open.length += text.length;
    if (closes) this.#close(open.lines.join('\n'), open.line);
    else if (open.lines.length > recordLinesMax || open.length > recordLengthMax) {
      this.#giveUp('a quote is opened here and never closed');
    }
  }

  #close(text: string, line: number): void {
    this.#flush();
    const record = this.#checked(parseOne(text, line, this.#options));
    if ('problem' in record) {
      this.#giveUp(record.problem);
    } else {
      this.#open = null;
      this.#records.push(record);
    }
  }

  #giveUp(problem: string): void {
    const { line, lines } = this.#open!;
    this.#open = null;
    this.#flush();
    this.#records.push({ line, problem });
    for (const [index, text] of lines.slice(1).entries()) this.#take(text, line + 1 + index);
  }

  #drain(): CsvRecord[] {
    this.#flush();
    const records = this.#records;
    this.#records = [];
    return records;
  }

  #flush(): void {
    for (const record of parseAll(this.#ready, this.#options)) this.#records.push(this.#checked(record));
    this.#ready = [];
  }

  #checked(record: CsvRecord): CsvRecord {
    if ('problem' in record) return record;
    this.#width ??= record.fields.length;
    if (record.fields.length === this.#width) return record;
    const problem = `has ${record.fields.length} fields where the header has ${this.#width}`;
    return { line: record.line, problem };
  }
}

function parseAll(ready: readonly { line: number; text: string }[], options: Options): CsvRecord[] {
  if (ready.length === 0) return [];
  try {
    const parsed: string[][] = parse(ready.map(({ text }) => text).join('\n'), options);
    if (parsed.length === ready.length) {
      return parsed.map((fields, index) => ({ line: ready[index]!.line, fields }));
    }
  } catch {
    // One of them is broken: each is read alone.
  }
  return ready.map(({ text, line }) => parseOne(text, line, options));
}

function parseOne(text: string, line: number, options: Options): CsvRecord {
  try {
    const [fields, ...more]: string[][] = parse(text, options);
    if (fields && more.length === 0) return { line, fields };
    return { line, problem: 'its quotes do not fit' };
  } catch (error) {
    // "Invalid Closing Quote: got "a" at line 1 …": the line is not ours, the reason is.
    const reason = messageOf(error).replace(/ (?:at|on) line \d+.*$/s, '');
    return { line, problem: `is no CSV: ${reason}` };
  }
}

function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

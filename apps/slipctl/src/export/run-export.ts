import { parse } from 'csv-parse/sync';
import type { Api } from '../api.ts';
import { CliError } from '../exit.ts';
import type { Progress } from '../output/terminal.ts';
import type { ExportState, PartFile } from './part-file.ts';
import { postingLines, postingsHeader } from './postings.ts';

export const exported = ['slips', 'events', 'transactions', 'postings'] as const;
export type Exported = (typeof exported)[number];
export type Format = 'csv' | 'ndjson';

const pageSize = 1_000;
const noteEveryMs = 1_000;
const types: Readonly<Record<Format, string>> = { csv: 'text/csv', ndjson: 'application/x-ndjson' };

export interface ExportOptions {
  readonly api: Api;
  readonly what: Exported;
  readonly format: Format;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly file: PartFile;
  readonly state: ExportState;
  /** Ends it before its end. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly progress: Progress;
}

export interface Exporting {
  /** With what an earlier run of it wrote. */
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Rows that this run wrote. */
  readonly written: number;
  /** False: it was interrupted. */
  readonly done: boolean;
}

/** Writes page after page, one in memory at a time; whatever ends it, the note says how far it came. */
export async function runExport(options: ExportOptions): Promise<Exporting> {
  const { file, signal, nowMs, progress } = options;
  const begun = nowMs();
  let { state } = options;
  let notedAt = begun;
  let isLast = false;
  try {
    while (!isLast && !signal.aborted) {
      const page = await pageOf(options, state);
      await file.write(page.text);
      state = {
        ...state,
        rows: state.rows + page.rows,
        bytes: file.bytes,
        cursor: page.next,
        header: page.header,
      };
      isLast = page.next === null;
      progress.update(state.rows);
      if (isLast || nowMs() - notedAt < noteEveryMs) continue;
      notedAt = nowMs();
      await file.note(state);
    }
  } finally {
    // Of the last page there is nothing to go on with.
    if (!isLast) await (state.cursor === null ? file.discard() : file.note(state));
  }
  if (isLast) await file.finish();
  const { rows, bytes } = state;
  const written = rows - options.state.rows;
  return { rows, bytes, written, seconds: (nowMs() - begun) / 1_000, done: isLast };
}

interface RowsPage {
  readonly text: string;
  readonly rows: number;
  readonly next: string | null;
  readonly header: string | null;
}

async function pageOf(
  { api, what, format, query }: ExportOptions,
  { cursor, header }: ExportState,
): Promise<RowsPage> {
  const isOfPostings = what === 'postings';
  const asked = { ...query, page_size: [String(pageSize)], ...(cursor !== null && { cursor: [cursor] }) };
  const path = `v1/${isOfPostings ? 'transactions' : what}`;
  const { text, next } = await api.rows(path, asked, types[isOfPostings ? 'ndjson' : format]);
  const rows = isOfPostings ? ofPostings(text, format) : text;
  if (format === 'ndjson') return { text: rows, rows: countLines(rows), next, header };
  const at = rows.indexOf('\n') + 1;
  const columns = rows.slice(0, at);
  // A release that shows more columns may have taken over meanwhile.
  if (header !== null && header !== columns)
    throw new CliError('bad', 'the columns are others than when the export began: begin anew');
  const body = rows.slice(at);
  return { text: header === null ? rows : body, rows: countRows(body), next, header: columns };
}

const ofPostings = (transactions: string, format: Format): string =>
  (format === 'csv' ? postingsHeader : '') + postingLines(transactions, format);

const countLines = (text: string): number => text.split('\n').length - 1;
/** A text within a row may have lines, too. */
const countRows = (text: string): number => (parse(text) as unknown[]).length;

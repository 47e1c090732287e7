import type { CsvMapping } from '../../domain/statement/csv-mapping.ts';
import { type LineKind, type StatementPart, StatementRefused } from '../../domain/statement/statement.ts';
import { readCamt } from './camt.ts';
import { readCsv } from './csv.ts';
import { readMt940 } from './mt940.ts';
import { readNdjson } from './ndjson.ts';
import { type Encoding, encodings, linesOf, textOf } from './text.ts';

/** How the files of a source are read. */
export type FileForm =
  | { readonly format: 'csv'; readonly encoding: Encoding; readonly csv: CsvMapping }
  | {
      readonly format: 'ndjson' | 'mt940' | 'camt.053' | 'camt.054';
      readonly encoding: Encoding;
      /** What the bank's own codes mean; of MT940 and camt. */
      readonly codes?: ReadonlyMap<string, LineKind>;
    };

/**
 * The statements of a file, piece by piece: no more than one of them is in memory. A new format is one more case here.
 * @param name of the statement, where the file has none for it
 * @throws StatementRefused
 */
export function readParts(
  body: Uint8Array,
  form: FileForm,
  name: string,
): Iterable<StatementPart> | AsyncIterable<StatementPart> {
  switch (form.format) {
    case 'csv':
      return readCsv(withoutMark(textOf(body, form.encoding)), form.csv, name);
    case 'ndjson':
      return readNdjson(linesOf(withoutMark(textOf(body, form.encoding))));
    case 'mt940':
      return readMt940(linesOf(withoutMark(textOf(body, form.encoding))), form.codes);
    case 'camt.053':
    case 'camt.054':
      return readCamt(
        withoutMark(textOf(body, declaredEncoding(body) ?? form.encoding)),
        form.format,
        form.codes,
      );
    default:
      return form satisfies never;
  }
}

function* withoutMark(chunks: Iterable<string>): Generator<string> {
  let isFirst = true;
  for (const chunk of chunks) {
    yield isFirst && chunk.startsWith('\uFEFF') ? chunk.slice(1) : chunk;
    isFirst = false;
  }
}

/** By other names than ours; what is in ASCII is in UTF-8, too. */
const aliases: Readonly<Record<string, Encoding>> = {
  utf8: 'utf-8',
  ascii: 'utf-8',
  'us-ascii': 'utf-8',
  cp1252: 'windows-1252',
  latin1: 'iso-8859-1',
};

/** A byte order mark, or a `<` of two bytes. */
const utf16Starts = new Set(['fffe', 'feff', '3c00', '003c']);

/** XML says its own; what it says goes before the source. In UTF-16 its first bytes say so before any word could. */
function declaredEncoding(body: Uint8Array): Encoding | null {
  const start = Buffer.from(body.subarray(0, 2)).toString('hex');
  if (utf16Starts.has(start)) return 'utf-16';
  const head = Buffer.from(body.subarray(0, 200)).toString('latin1');
  const declared = /^(?:\u00EF\u00BB\u00BF)?<\?xml[^>]*\bencoding=["']([A-Za-z0-9._-]+)["']/
    .exec(head)?.[1]
    ?.toLowerCase();
  if (declared === undefined) return null;
  const encoding =
    encodings.find((one) => one === declared) ??
    (Object.hasOwn(aliases, declared) ? aliases[declared] : undefined);
  if (encoding === 'utf-16') throw new StatementRefused(1, 'it says that it is utf-16, and is not');
  if (encoding === undefined) throw new StatementRefused(1, `the encoding ${declared} is not read here`);
  return encoding;
}

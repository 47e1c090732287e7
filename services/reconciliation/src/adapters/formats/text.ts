import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { StatementRefused } from '../../domain/statement/statement.ts';

/** Read at a time: what lies decoded in memory stays small, however long the file. */
const chunkBytes = 64 * 1024;

export const encodings = [
  ...(['utf-8', 'utf-16', 'windows-1252', 'iso-8859-1', 'iso-8859-15', 'cp852', 'gb18030'] as const),
] as const;
export type Encoding = (typeof encodings)[number];

/** The text of a file, a piece after the other; every line ends with LF. @throws StatementRefused for bytes that are no text of the encoding */
export function* textOf(body: Uint8Array, encoding: Encoding): Generator<string> {
  if (encoding === 'utf-8') checkUtf8(body);
  yield* withPlainEnds(
    encoding === 'utf-8' ? decoded(body, encoding) : known(decoded(body, encoding), encoding),
  );
}

function* decoded(body: Uint8Array, encoding: Encoding): Generator<string> {
  const decoder = iconv.getDecoder(encoding);
  for (let at = 0; at < body.length; at += chunkBytes) {
    yield decoder.write(
      Buffer.from(body.buffer, body.byteOffset + at, Math.min(chunkBytes, body.length - at)),
    );
  }
  const rest = decoder.end();
  if (rest) yield rest;
}

/** What a code page has no sign for would be a reference that nobody gave. */
function* known(chunks: Iterable<string>, encoding: Encoding): Generator<string> {
  let line = 1;
  for (const chunk of chunks) {
    const at = chunk.indexOf('\ufffd');
    if (at >= 0) line += linesIn(chunk.slice(0, at));
    if (at >= 0) throw new StatementRefused(line, `it has bytes that are nothing in ${encoding}`);
    line += linesIn(chunk);
    yield chunk;
  }
}

const linesIn = (text: string) => text.split('\n').length - 1;

/** CRLF, and CR alone, are one line's end, within quotes, too. */
function* withPlainEnds(chunks: Iterable<string>): Generator<string> {
  let open = '';
  for (const chunk of chunks) {
    const text = open + chunk;
    open = text.endsWith('\r') ? '\r' : '';
    yield text.slice(0, text.length - open.length).replace(/\r\n?/g, '\n');
  }
  if (open !== '') yield '\n';
}

function checkUtf8(body: Uint8Array): void {
  if (isUtf8(body)) return;
  let line = 1;
  for (let from = 0; from < body.length; line++) {
    const end = body.indexOf(10, from);
    const to = end < 0 ? body.length : end + 1;
    if (!isUtf8(body.subarray(from, to))) break;
    from = to;
  }
  throw new StatementRefused(line, 'it is not UTF-8; say the encoding of the file in its source');
}

/** A line may be longer in no format that is read by lines. */
const lineLengthMax = 256 * 1024;

export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/** The lines of a text, ended by LF. */
export function* linesOf(chunks: Iterable<string>): Generator<TextLine> {
  let line = 0;
  let open = '';
  for (const chunk of chunks) {
    const parts = (open + chunk).split('\n');
    open = parts.pop()!;
    if (open.length > lineLengthMax) throw new StatementRefused(line + 1, 'the line is too long');
    for (const part of parts) yield { line: ++line, text: part };
  }
  if (open !== '') yield { line: ++line, text: open };
}

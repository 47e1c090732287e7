import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { StatementRefused } from '../../domain/statement/statement.ts';

/** Read at a time: what lies decoded in memory stays small, however long the file. */
const chunkBytes = 64 * 1024;

export const encodings = ['utf-8', 'windows-1252', 'iso-8859-1', 'iso-8859-15', 'cp852', 'gb18030'] as const;
export type Encoding = (typeof encodings)[number];

/** The text of a file, a piece after the other, without a byte order mark. @throws StatementRefused for bytes that are no UTF-8 */
export function* textOf(body: Uint8Array, encoding: Encoding): Generator<string> {
  if (encoding === 'utf-8') checkUtf8(body);
  const decoder = iconv.getDecoder(encoding);
  for (let at = 0; at < body.length; at += chunkBytes) {
    yield decoder.write(
      Buffer.from(body.buffer, body.byteOffset + at, Math.min(chunkBytes, body.length - at)),
    );
  }
  const rest = decoder.end();
  if (rest) yield rest;
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

/** The lines of a text, ended by LF or CRLF. */
export function* linesOf(chunks: Iterable<string>): Generator<TextLine> {
  let line = 0;
  let open = '';
  for (const chunk of chunks) {
    const parts = (open + chunk).split('\n');
    open = parts.pop()!;
    if (open.length > lineLengthMax) throw new StatementRefused(line + 1, 'the line is too long');
    for (const part of parts) yield { line: ++line, text: part.endsWith('\r') ? part.slice(0, -1) : part };
  }
  if (open !== '') yield { line: ++line, text: open };
}

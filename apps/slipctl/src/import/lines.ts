/** Longer lines are no rows: the file is not what it seems to be. */
export const lineLengthMax = 1024 * 1024;

/** Thrown for a line above {@link lineLengthMax}. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
  constructor(line: number) {
    super(`line ${line} is longer than ${lineLengthMax} characters`);
  }
}

/** The lines of a text, without their ends (LF, CRLF, or CR alone), in arrays as they come: one step per chunk and not per line. */
export async function* lineBatches(
  chunks: AsyncIterable<Buffer>,
  encoding = 'utf-8',
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder(encoding);
  let rest = '';
  let count = 0;
  for await (const chunk of chunks) {
    const text = rest + decoder.decode(chunk, { stream: true });
    // The other half of this end may be in the next chunk.
    const open = text.endsWith('\r') ? '\r' : '';
    const lines = withPlainEnds(open === '' ? text : text.slice(0, -1)).split('\n');
    rest = lines.pop()! + open;
    count += lines.length;
    if (rest.length > lineLengthMax) throw new LineTooLong(count + 1);
    if (lines.length > 0) yield lines;
  }
  rest = withPlainEnds(rest + decoder.decode());
  if (rest !== '') yield rest.split('\n');
}

function withPlainEnds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/** Longer lines are no rows: the file is not what it seems to be. */
export const lineLengthMax = 1024 * 1024;

/** Thrown for a line above {@link lineLengthMax}. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
  constructor(line: number) {
    super(`line ${line} is longer than ${lineLengthMax} characters`);
  }
}

/** The lines of a text, without their `\n`, in arrays as they come: one step per chunk and not per line. */
export async function* lineBatches(
  chunks: AsyncIterable<Buffer>,
  encoding = 'utf-8',
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder(encoding);
  let rest = '';
  let count = 0;
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    count += lines.length;
    if (rest.length > lineLengthMax) throw new LineTooLong(count + 1);
    if (lines.length > 0) yield lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield [rest];
}

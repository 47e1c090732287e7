import { expect, it } from '@jest/globals';
import { lineBatches } from './lines.ts';
import { collect } from './spec-support.ts';

async function* cut(text: string, length: number) {
  for (let at = 0; at < text.length; at += length) yield Buffer.from(text.slice(at, at + length));
}

it.each([1, 2, 3, 4, 99])('lines end with LF, CRLF or CR, wherever a chunk of %i ends', async (length) => {
  const lines = async (text: string) => (await collect(lineBatches(cut(text, length)))).flat();
  for (const end of ['\n', '\r\n', '\r']) {
    const text = ['a', '', 'bc', 'd'].join(end);
    expect(await lines(text)).toEqual(['a', '', 'bc', 'd']);
    expect((await lines(text + end)).slice(0, 4)).toEqual(['a', '', 'bc', 'd']);
  }
});

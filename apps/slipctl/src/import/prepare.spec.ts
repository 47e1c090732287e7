import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Terminal } from '../output/terminal.ts';
import { parseMapping } from './mapping.ts';
import { compareRows, readFile } from './prepare.ts';
import type { Row } from './rows.ts';
import { ExternalSort } from './sort.ts';
import { collect } from './spec-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'prepare-spec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const mappingText = `layout: wide
reference: ref
account: customer
counterparty: { value: shop }
submitted: sent
returned: [{ column: done, outcome: succeeded }]
deadline: { after: 1d }
`;
const good = 'ref,customer,sent,done\n';

async function read(content: string | Buffer, strict = false) {
  const file = join(folder, 'in.csv');
  writeFileSync(file, content);
  const told: string[] = [];
  const terminal = new Terminal({ write: (text) => told.push(text.replace(`${folder}/`, '')) }, () => 0);
  const sort = new ExternalSort<Row>({ compare: compareRows, runItemsMax: 2 });
  try {
    const mapping = parseMapping(mappingText, 'm.yaml');
    const input = await readFile({ file, mapping, mappingText, strict, terminal, sort });
    return { input, told, references: (await collect(input.rows())).map((row) => row.reference) };
  } finally {
    sort.dispose();
  }
}

describe('reading a file', () => {
  const mixed =
    `${good}b,c,2018-01-01 00:00:00,\na,c,2018-01-02 00:00:00,\n\nc,c,nonsense,\nb,c,2018-01-01 00:00:00,\n` +
    'd,c\nb,c,2018-01-01 00:00:00,2018-01-01 10:00:00\n';

  it('skips bad rows with their line, counts repeated ones, and gives each reference once', async () => {
    const { input, told, references } = await read(mixed);
    expect(references).toEqual(['a', 'b']);
    expect(input.counts).toMatchObject({ rows: 6, skipped: 3, duplicates: 1 });
    expect(told).toEqual([
      'in.csv:5: sent: "nonsense" is no time of the form yyyy-MM-dd HH:mm:ss; the row is skipped\n',
      'in.csv:7: has 2 fields where the header has 4; the row is skipped\n',
      'in.csv:8: reference b stands on line 2 with other content; the row is skipped\n',
    ]);
  });

  it('stops at the first bad row when it has to be strict', async () => {
    await expect(read(mixed, true)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/in\.csv:5: sent: .*\nnothing was sent/),
    });
    await expect(read(`${good}a,c,2018-01-02 00:00:00,\n`, true)).resolves.toMatchObject({
      references: ['a'],
    });
  });

  it.each([
    ['', /is empty/],
    [Buffer.from(`\uFEFF${good}`, 'utf16le'), /is UTF-16/],
    ['"ref,customer\n', /in\.csv:1: the header a quote is opened here/],
    [`${good}${'x'.repeat(2 ** 20 + 1)}`, /line 2 is longer than/],
  ])('refuses what is no CSV (%#)', async (content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  it('names the clock after the bytes of file and mapping', async () => {
    const clock = async (content: string) => (await read(content)).input.clock;
    expect(await clock(good)).toBe(await clock(good));
    expect(await clock(good)).not.toBe(await clock(mixed));
  });
});

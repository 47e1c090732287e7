import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Terminal } from '../output/terminal.ts';
import { compareEntries, type Entry } from './entries.ts';
import { parseMapping } from './mapping.ts';
import { readFile } from './prepare.ts';

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

async function read(content: string | Buffer, strict = false, more = '', runItemsMax = 2) {
  const yaml = `${mappingText}${more}`;
  const file = join(folder, 'in.csv');
  writeFileSync(file, content);
  const told: string[] = [];
  const terminal = new Terminal({ write: (text) => told.push(text.replace(`${folder}/`, '')) }, () => 0);
  const sort = new ExternalSort<Entry>({ compare: compareEntries, runItemsMax });
  try {
    const mapping = parseMapping(yaml, 'm.yaml');
    const input = await readFile({ file, mapping, mappingText: yaml, strict, terminal, sort });
    const references = (await collect(input.rows())).map((row) => row.reference);
    return { input, told, references, slips: await collect(input.slips()) };
  } finally {
    sort.dispose();
  }
}

describe('reading a file', () => {
  const mixed =
    `${good}b,c,2018-01-01 00:00:00,\na,c,2018-01-02 00:00:00,\n\nc,c,nonsense,\nb,c,2018-01-01 00:00:00,\n` +
    'd,c\nb,c,2018-01-01 00:00:00,2018-01-01 10:00:00\n';

  it('skips bad rows with their line, and gives nothing of a reference whose rows contradict each other', async () => {
    const { input, told, references, slips } = await read(mixed);
    expect(references).toEqual(['a']);
    expect(input.counts).toMatchObject({ rows: 6, skipped: 2, skippedOfSlips: 2 });
    const detail = 'stands on line 2 and with other content on line 8';
    expect(input.counts.undetermined).toEqual({ count: 1, first: [{ reference: 'b', detail }] });
    expect(slips.map(({ reference, isDetermined }) => [reference, isDetermined])).toEqual([
      ['a', true],
      ['b', false],
    ]);
    expect(told).toEqual([
      'in.csv:5: sent: "nonsense" is no time of the form yyyy-MM-dd HH:mm:ss; the row is skipped\n',
      'in.csv:7: has 2 fields where the header has 4; the row is skipped\n',
      'in.csv:2: reference b stands on line 2 and with other content on line 8; nothing of it is imported\n',
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

  it('counts what is said twice, and takes it once', async () => {
    const { input, references } = await read(`${good}a,c,2018-01-02 00:00:00,\na,c,2018-01-02 00:00:00,\n`);
    expect(references).toEqual(['a']);
    expect(input.counts).toMatchObject({ rows: 2, skipped: 0, duplicates: 1, undetermined: { count: 0 } });
  });

  it('takes no word of a slip of which another row cannot be read', async () => {
    const { input, references } = await read(
      `${good}a,c,2018-01-02 00:00:00,\na,c,2018-01-02 00:00:00,soon\n`,
    );
    expect(references).toEqual([]);
    expect(input.counts).toMatchObject({ skippedOfSlips: 1, undetermined: { count: 1 } });
  });

  it('does not call a total at the end a slip', async () => {
    const { input } = await read(`${good}a,c,2018-01-02 00:00:00,\n,total,,\n`);
    expect(input.counts).toMatchObject({ skipped: 1, skippedOfSlips: 0 });
  });

  it('calls a slip what has a reference that cannot be used', async () => {
    const { input } = await read(`${good}${'x'.repeat(129)},c,2018-01-02 00:00:00,\n`);
    expect(input.counts).toMatchObject({ skipped: 1, skippedOfSlips: 1 });
  });

  it('takes no column for a reference that is the same in far too many rows', async () => {
    const row = 'a,c,2018-01-02 00:00:00,\n';
    const most = await read(`${good}${row.repeat(10_000)}`, false, '', 50_000);
    expect([most.references, most.input.counts.skippedOfSlips]).toEqual([['a'], 0]);
    const { input, references, told } = await read(`${good}${row.repeat(10_002)}`, false, '', 50_000);
    expect(references).toEqual([]);
    expect(input.counts).toMatchObject({ skipped: 10_002, skippedOfSlips: 10_002 });
    expect(told).toEqual(['in.csv:2: reference a has more than 10000 rows; its 10002 rows are skipped\n']);
  });

  it.each([
    [
      'lines that end with CR alone',
      Buffer.from(`${good}a,c,2018-01-02 00:00:00,\n`.replaceAll('\n', '\r')),
      '',
    ],
    [
      'lines that end with CRLF',
      Buffer.from(`${good}a,c,2018-01-02 00:00:00,\n`.replaceAll('\n', '\r\n')),
      '',
    ],
    ['semicolons', Buffer.from('ref;customer;sent;done\na;c;2018-01-02 00:00:00;\n'), 'delimiter: ";"'],
    ['tabs', Buffer.from('ref\tcustomer\tsent\tdone\na\tc\t2018-01-02 00:00:00\t\n'), 'delimiter: "\\t"'],
    [
      'declared words in empty cells',
      Buffer.from(`${good}a,c,2018-01-02 00:00:00,0000-00-00 00:00:00\n`),
      'empty: ["NULL", "0000-00-00 00:00:00"]',
    ],
    // "é" of windows-1252 and "中" of GB18030: neither is UTF-8.
    [
      'windows-1252',
      Buffer.from(`${good}a,caf\xe9,2018-01-02 00:00:00,\n`, 'latin1'),
      'encoding: windows-1252',
    ],
    [
      'GB18030',
      Buffer.concat([
        Buffer.from(`${good}a,`),
        Buffer.of(0xd6, 0xd0),
        Buffer.from(',2018-01-02 00:00:00,\n'),
      ]),
      'encoding: gb18030',
    ],
    ['UTF-16', Buffer.from(`\uFEFF${good}a,c,2018-01-02 00:00:00,\n`, 'utf16le'), 'encoding: utf-16le'],
  ])('reads %s', async (_, content, more) => {
    const { references, told } = await read(content, true, `${more}\n`);
    expect([references, told]).toEqual([['a'], []]);
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

  it('has a digest of the bytes of file and mapping', async () => {
    const digest = async (content: string) => (await read(content)).input.digest;
    expect(await digest(good)).toBe(await digest(good));
    expect(await digest(good)).not.toBe(await digest(mixed));
  });
});

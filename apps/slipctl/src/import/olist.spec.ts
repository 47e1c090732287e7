import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Terminal } from '../output/terminal.ts';
import { compareEntries, type Entry } from './entries.ts';
import { parseMapping } from './mapping.ts';
import { compareMessages, type Message, messagesOf } from './messages.ts';
import { readFile } from './prepare.ts';

import type { Row } from './rows.ts';
import { ExternalSort } from './sort.ts';
import { collect, longOf } from './spec-support.ts';
import { verdictByTimes } from './verdicts.ts';

const repoRoot = join(import.meta.dirname, '..', '..', '..', '..');
const folder = join(repoRoot, '..', 'shared', 'data', 'olist');
const file = join(folder, 'orders.csv');
const until = '2019-01-01T00:00:00.000000Z';
const there = existsSync(file);
if (!there) console.warn(`skipped: the Olist sample is not at ${folder}`);

(there ? describe : describe.skip)('the Olist orders with examples/olist.yaml', () => {
  async function read(of: { file: string; mappingName: string } = { file, mappingName: 'olist.yaml' }) {
    const mappingText = readFileSync(join(repoRoot, 'examples', of.mappingName), 'utf8');
    const mapping = parseMapping(mappingText, of.mappingName);
    const sort = new ExternalSort<Entry>({ compare: compareEntries, runItemsMax: 1_000 });
    const terminal = new Terminal({ write() {} }, () => 0);
    const input = await readFile({ ...of, mapping, mappingText, strict: true, terminal, sort });
    const rows = await collect(input.rows());
    sort.dispose();
    return { input, rows, mapping };
  }

  it('are all understood, and give the expected verdicts by their times alone', async () => {
    const { input, rows } = await read();
    expect(input.counts).toEqual({
      ...{ rows: 4071, skipped: 0, skippedRows: [], skippedOfSlips: 0, duplicates: 0, withoutMoney: 0 },
      ...{ unmappedEvents: new Map(), undetermined: { count: 0, first: [] } },
      unmappedColumns: ['order_status'],
    });
    expect(input.digest).toMatch(/^[0-9a-f]{16}$/);
    const lines = rows.map(({ reference, deadline, reports }) => {
      const returned = reports.find(({ step }) => step === 'returned');
      return `${reference},${verdictByTimes(deadline, returned?.at ?? null, until)}`;
    });
    const expected = readFileSync(join(folder, 'expected.csv'), 'utf8').trim().split('\n').slice(1);
    expect(lines).toEqual(expected.toSorted());
  });

  it('become messages in the order of their times', async () => {
    const { rows, mapping } = await read();
    const messages: Message[] = rows.flatMap((row) => messagesOf(row, mapping.submittedName, until));
    const steps = Map.groupBy(messages, ({ step }) => step);
    expect(Object.fromEntries([...steps].map(([step, all]) => [step, all.length]))).toEqual({
      ...{ submitted: 4071, acknowledged: 4063, progressed: 4011, returned: 3965 },
    });
    const sorted = messages.toSorted(compareMessages);
    const submitted = new Set<string>();
    for (const { step, reference } of sorted) {
      if (step === 'submitted') submitted.add(reference);
      else expect(submitted.has(reference)).toBe(true);
    }
  });

  it('say the same with a row per event', async () => {
    const { rows: wide } = await read();
    const folder = mkdtempSync(join(tmpdir(), 'olist-spec-'));
    try {
      const long = join(folder, 'long.csv');
      writeFileSync(long, longOf(readFileSync(file, 'utf8')));
      const { input, rows } = await read({ file: long, mappingName: 'olist-events.yaml' });
      expect(input.counts).toMatchObject({ skipped: 0, undetermined: { count: 0 } });
      const said = ({ line: _, reports, ...row }: Row) => ({
        ...row,
        reports: reports
          .map(({ column: __, ...report }) => report)
          .toSorted((a, b) => (a.step < b.step ? -1 : 1)),
      });
      expect(rows.map(said)).toEqual(wide.map(said));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Terminal } from '../output/terminal.ts';
import { parseMapping } from './mapping.ts';
import { compareMessages, type Message, messagesOf } from './messages.ts';
import { compareRows, readFile } from './prepare.ts';
import type { Row } from './rows.ts';
import { ExternalSort } from './sort.ts';
import { collect } from './spec-support.ts';
import { verdictByTimes } from './verdicts.ts';

const repoRoot = join(import.meta.dirname, '..', '..', '..', '..');
const folder = join(repoRoot, '..', 'shared', 'data', 'olist');
const file = join(folder, 'orders.csv');
const until = '2019-01-01T00:00:00.000000Z';
const there = existsSync(file);
if (!there) console.warn(`skipped: the Olist sample is not at ${folder}`);

(there ? describe : describe.skip)('the Olist orders with examples/olist.yaml', () => {
  async function read() {
    const mappingText = readFileSync(join(repoRoot, 'examples', 'olist.yaml'), 'utf8');
    const mapping = parseMapping(mappingText, 'olist.yaml');
    const sort = new ExternalSort<Row>({ compare: compareRows, runItemsMax: 1_000 });
    const terminal = new Terminal({ write() {} }, () => 0);
    const input = await readFile({ file, mapping, mappingText, strict: true, terminal, sort });
    const rows = await collect(input.rows());
    sort.dispose();
    return { input, rows, mapping };
  }

  it('are all understood, and give the expected verdicts by their times alone', async () => {
    const { input, rows } = await read();
    expect(input.counts).toEqual({
      ...{ rows: 4071, skipped: 0, skippedRows: [], duplicates: 0 },
      unmappedColumns: ['order_status'],
    });
    expect(input.clock).toMatch(/^import-[0-9a-f]{16}$/);
    const lines = rows.map(({ reference, deadline, reports }) => {
      const returned = reports.find(({ step }) => step === 'returned');
      return `${reference},${verdictByTimes(deadline, returned?.at ?? null, until)}`;
    });
    const expected = readFileSync(join(folder, 'expected.csv'), 'utf8').trim().split('\n').slice(1);
    expect(lines).toEqual(expected.toSorted());
  });

  it('become messages in the order of their times', async () => {
    const { rows, mapping } = await read();
    const messages: Message[] = rows.flatMap((row) => messagesOf(row, mapping.submitted, until));
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
});

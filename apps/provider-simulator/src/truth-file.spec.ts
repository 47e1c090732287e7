import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { TruthStore } from './truth.ts';
import { loadTruth, saveTruth } from './truth-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'simulator-truth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the providers know after a restart what they knew before', () => {
  const before = new TruthStore(10, 10);
  const record = before.open({
    slipId: 's1',
    reference: 'r1',
    provider: 'acme',
    receivedAtMs: 5,
    amount: null,
  });
  before.answer(record, 'callback', 'succeeded', 7).deliveredAtMs = 9;
  const file = join(folder, 'truth.jsonl');
  saveTruth(before, file);
  const after = new TruthStore(10, 10);
  loadTruth(after, file);
  expect([...after.records()]).toEqual([...before.records()]);
});

test('a file of many pieces is read as it was written, whatever characters lie where they meet', () => {
  const before = new TruthStore(20_000, 10);
  for (let index = 0; index < 20_000; index += 1) {
    const reference = `${'é€😀'.repeat(1 + (index % 20))}${index}`;
    before.open({ slipId: `s${index}`, reference, provider: 'acme', receivedAtMs: index, amount: null });
  }
  const file = join(folder, 'many.jsonl');
  saveTruth(before, file);
  expect(statSync(file).size).toBeGreaterThan(2 * 1_048_576);
  const after = new TruthStore(20_000, 10);
  loadTruth(after, file);
  expect([...after.records()]).toEqual([...before.records()]);
});

test('no file is no knowledge, and a broken one is named with its line', () => {
  const store = new TruthStore(10, 10);
  loadTruth(store, join(folder, 'none.jsonl'));
  expect(store.size).toBe(0);
  const file = join(folder, 'broken.jsonl');
  writeFileSync(file, '{"slipId":"s"}\n{oops\n');
  expect(() => loadTruth(store, file)).toThrow(`${file}:2`);
});

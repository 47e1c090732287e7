import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { SlipRecord, TruthStore } from './truth.ts';

/**
 * Takes up what the providers knew when they were last stopped: a real provider does not forget its slips over a
 * restart. Callbacks that were still to be sent are not sent any more; inquiries tell.
 * @throws Error naming the file when it is no truth file
 */
export function loadTruth(store: TruthStore, file: string): void {
  if (!existsSync(file)) return;
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  for (const [index, line] of lines.entries()) {
    try {
      store.take(JSON.parse(line) as SlipRecord);
    } catch (cause) {
      throw new Error(`${file}:${index + 1}: no slip record`, { cause });
    }
  }
}

/** Written whole or not at all: one slip a line. */
export function saveTruth(store: TruthStore, file: string): void {
  const lines = [...store.records()].map((record) => `${JSON.stringify(record)}\n`);
  writeFileSync(`${file}.new`, lines.join(''));
  renameSync(`${file}.new`, file);
}

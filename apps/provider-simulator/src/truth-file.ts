import { closeSync, existsSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import type { SlipRecord, TruthStore } from './truth.ts';

/** Files are written and read in pieces: one string cannot hold more than 512 MiB. */
const pieceBytes = 1_048_576;
const newline = 0x0a;

/**
 * Takes up what the providers knew when they were last stopped: a real provider does not forget its slips over a
 * restart. Callbacks that were still to be sent are not sent any more; inquiries tell.
 * @throws Error naming the file when it is no truth file
 */
export function loadTruth(store: TruthStore, file: string): void {
  if (!existsSync(file)) return;
  let number = 0;
  for (const line of lines(file)) {
    number += 1;
    if (line === '') continue;
    try {
      store.take(JSON.parse(line) as SlipRecord);
    } catch (cause) {
      throw new Error(`${file}:${number}: no slip record`, { cause });
    }
  }
}

/** Written whole or not at all: one slip a line. */
export function saveTruth(store: TruthStore, file: string): void {
  const opened = openSync(`${file}.new`, 'w');
  try {
    let piece = '';
    for (const record of store.records()) {
      piece += `${JSON.stringify(record)}\n`;
      if (piece.length < pieceBytes) continue;
      writeAll(opened, piece);
      piece = '';
    }
    writeAll(opened, piece);
  } finally {
    closeSync(opened);
  }
  renameSync(`${file}.new`, file);
}

function writeAll(file: number, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(file, bytes));
}

/** The lines of a file, a piece of it in memory at a time. Split as bytes, so that no character is. */
function* lines(file: string): Generator<string> {
  const opened = openSync(file, 'r');
  try {
    let rest = Buffer.alloc(0);
    for (;;) {
      const piece = Buffer.alloc(pieceBytes);
      const read = readSync(opened, piece);
      if (read === 0) break;
      let bytes = Buffer.concat([rest, piece.subarray(0, read)]);
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline)) {
        yield bytes.toString('utf8', 0, end);
        bytes = bytes.subarray(end + 1);
      }
      rest = bytes;
    }
    if (rest.length > 0) yield rest.toString('utf8');
  } finally {
    closeSync(opened);
  }
}

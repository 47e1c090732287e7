import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { CliError, messageOf } from './exit.ts';

/** How far something has come that can be interrupted, so that it goes on without a gap or a repeat. */
export interface Note {
  /** Digest of all that says what is done: another thing does not go on from here. */
  readonly of: string;
}

export const digestOf = (meant: object): string =>
  createHash('sha256').update(JSON.stringify(meant)).digest('hex');

/** @throws CliError (usage) when there is none, it is none, or it is of another one */
export function readNote<One extends Note>(file: string, meant: object, what: string): One {
  let note: One;
  try {
    note = JSON.parse(readFileSync(file, 'utf8')) as One;
  } catch (error) {
    throw new CliError('usage', `there is no ${what} to go on with: ${file}: ${messageOf(error)}`);
  }
  if (typeof note?.of !== 'string') throw new CliError('usage', `${file} is no state of a ${what}`);
  if (note.of !== digestOf(meant))
    throw new CliError('usage', `${file} is of another ${what}: give the options that it began with`);
  return note;
}

/** A note replaces what stands there: a device or a link would be gone. @throws CliError (usage) */
export function requirePlainFile(file: string, what: string): void {
  if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw new CliError('usage', `${file} is no plain file: the state of the ${what} cannot be kept there`);
}

/** All of it or, whatever happens, what stood there before. */
export function writeNote(file: string, note: Note, what: string): void {
  const fresh = `${file}.new`;
  try {
    const handle = openSync(fresh, 'w', 0o600);
    try {
      writeSync(handle, `${JSON.stringify(note)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new CliError('usage', `the state of the ${what} cannot be kept: ${messageOf(error)}`);
  }
}

/** Writes all of the bytes there, however many calls that takes. @throws CliError (bad) */
export function writeAt(path: string, handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  return asWritten(path, async () => {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  });
}

/** What was written lasts. @throws CliError (bad) */
export const makeLast = (path: string, handle: FileHandle): Promise<void> =>
  asWritten(path, () => handle.datasync());

/** Of a file that was begun. @throws CliError (bad) */
export async function asWritten(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new CliError('bad', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

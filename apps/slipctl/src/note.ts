import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CliError, messageOf } from './exit.ts';
import { remove, removeAtExit } from './output/temp-files.ts';

/** How far something has come that can be interrupted, so that it goes on without a gap or a repeat. */
export interface Note {
  /** All that says what is done, by option: another thing does not go on from here. */
  readonly of: object;
}

/** @throws CliError (usage) when there is none, it is none, or it is of another one */
export function readNote<One extends Note>(file: string, meant: object, what: string): One {
  let note: One;
  try {
    note = JSON.parse(readFileSync(file, 'utf8')) as One;
  } catch (error) {
    throw new CliError('usage', `there is no ${what} to go on with: ${file}: ${messageOf(error)}`);
  }
  if (typeof note?.of !== 'object' || note.of === null) throw noState(file, what);
  const other = differenceOf(note.of, meant);
  if (other !== null)
    throw new CliError(
      'usage',
      `${file} is of another ${what}: give the options that it began with, ${other}`,
    );
  return note;
}

export const noState = (file: string, what: string): CliError =>
  new CliError('usage', `${file} is no state of ${what === 'export' ? 'an' : 'a'} ${what}`);

/** A number of things, or a place among them. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** The first option that it began with otherwise: `from=…`, so that a time said as `1h` can be said again; null: it is the same. */
function differenceOf(begun: object, meant: object): string | null {
  const [was, is] = [new Map(Object.entries(begun)), new Map(Object.entries(meant))];
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const value: unknown = was.get(name);
    if (JSON.stringify(value) === JSON.stringify(is.get(name))) continue;
    if (value === undefined) return `without ${name}`;
    const texts = [value].flat();
    const isText = texts.every((one) => typeof one === 'string');
    return `${name}=${isText ? texts.join(',') : JSON.stringify(value)}`;
  }
  return null;
}

/**
 * Until this program ends nobody else goes on from the note, or both would write the same. Each lays a file with its process id beside
 * it, and looks for others: of two at once none might be let in, and never both.
 * @returns lets go of it
 * @throws CliError (usage) where another one is at it
 */
export function holdNote(note: string, what: string): () => void {
  const mine = `${note}.${process.pid}.held`;
  removeAtExit(mine);
  try {
    writeFileSync(mine, '');
    const start = `${basename(note)}.`;
    for (const name of readdirSync(dirname(note))) {
      const [, pid] = (name.startsWith(start) && /^(\d+)\.held$/.exec(name.slice(start.length))) || [];
      if (pid === undefined || Number(pid) === process.pid) continue;
      const other = join(dirname(note), name);
      if (isRunning(Number(pid)))
        throw new CliError(
          'usage',
          `process ${pid} is at the ${what} of ${note} now: let it end (if that is no slipctl, remove ${other})`,
        );
      // It was killed.
      rmSync(other, { force: true });
    }
  } catch (error) {
    remove(mine);
    if (error instanceof CliError) throw error;
    throw new CliError('usage', `the state of the ${what} cannot be kept: ${messageOf(error)}`);
  }
  return () => remove(mine);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It runs, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
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

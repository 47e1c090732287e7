import { createWriteStream, lstatSync, rmSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CliError, messageOf } from '../exit.ts';
import { keep, remove, removeAtExit } from './temp-files.ts';

/**
 * Asked before work that may take hours: what it finds is not to be lost because a file cannot be written. A file that is there
 * stays as it is.
 * @param outputs by the option that names it
 * @param inputs files that are read
 * @throws CliError (usage) where one cannot be written, two are one place, or one of them is read
 */
export async function requireOutputs(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly string[] = [],
): Promise<void> {
  const taken = new Map(inputs.map((file) => [resolve(file), 'what is read']));
  for (const [option, file] of Object.entries(outputs)) {
    if (file === undefined) continue;
    if (file === '') throw new CliError('usage', `${option} names no file`);
    const place = resolve(file);
    const other = taken.get(place);
    if (other !== undefined) throw new CliError('usage', `${option} is the same file as ${other}: ${file}`);
    taken.set(place, option);
    await asOutput(file, () => tryWriting(file));
  }
}

/** A file appears when it is whole: until then it lies beside its place. @throws CliError (usage) when it cannot be written */
export function writeWhole(file: string, parts: Iterable<string> | AsyncIterable<string>): Promise<void> {
  return asOutput(file, async () => {
    if (isWrittenInto(file)) return write(file, parts);
    const half = partOf(file);
    removeAtExit(half);
    try {
      await write(half, parts);
      await rename(half, file);
      keep(half);
    } catch (error) {
      remove(half);
      throw error;
    }
  });
}

/** The same, and never over what is there. */
export function writeNew(file: string, text: string): Promise<void> {
  return asOutput(file, async () => {
    await writeFile(file, '', { flag: 'wx' });
    try {
      await writeFile(file, text);
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
  });
}

/** /dev/stdout, a pipe, a link: what stands there is to be written into, not to be replaced. A folder is neither. */
function isWrittenInto(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === false;
}

async function tryWriting(file: string): Promise<void> {
  // What is opened to be written into is not closed unwritten: a reader of the pipe would take that for the end.
  if (isWrittenInto(file)) {
    if (lstatSync(file).isDirectory()) throw Object.assign(new Error('it is a folder'), { syscall: 'open' });
    return;
  }
  const half = partOf(file);
  removeAtExit(half);
  try {
    await writeFile(half, '', { flag: 'wx' });
  } finally {
    remove(half);
  }
}

const partOf = (file: string): string => `${file}.part-${process.pid}`;

function write(path: string, parts: Iterable<string> | AsyncIterable<string>): Promise<void> {
  return pipeline(Readable.from(parts), createWriteStream(path));
}

async function asOutput(file: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).syscall) throw error;
    throw new CliError('usage', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

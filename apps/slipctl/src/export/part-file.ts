import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { CliError, messageOf } from '../exit.ts';
import {
  asWritten,
  holdNote,
  isCount,
  makeLast,
  type Note,
  noState,
  readNote,
  writeAt,
  writeNote,
} from '../note.ts';

/** How far an export has come, so that it can go on without a gap or a repeat. */
export interface ExportState extends Note {
  /** Of the page to go on with; null: the first. */
  readonly cursor: string | null;
  readonly rows: number;
  /** Of the file, as they were made to last. */
  readonly bytes: number;
  /** The first line of a CSV file. */
  readonly header: string | null;
}

/**
 * A file that is there whole or not at all: until then it lies beside its place as `FILE.part`, and how far it came as `FILE.export`.
 * What stands in it behind that is cut off when it goes on.
 */
export class PartFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #letGo: () => void;
  #bytes: number;

  private constructor(path: string, handle: FileHandle, begun: { bytes: number; letGo: () => void }) {
    this.#path = path;
    this.#handle = handle;
    this.#bytes = begun.bytes;
    this.#letGo = begun.letGo;
  }

  /**
   * @param meant all that says which rows, and in which form
   * @throws CliError (usage) when the file is there, or an export of it was interrupted and is not to go on, or the other way round
   */
  static async open(
    path: string,
    meant: object,
    isResumed: boolean,
  ): Promise<{ file: PartFile; state: ExportState }> {
    if (existsSync(path))
      throw new CliError('usage', `${path} is there already: remove it, or name another file`);
    if (!isResumed && existsSync(noteOf(path)))
      throw new CliError(
        'usage',
        `${noteOf(path)} is of an export that was interrupted: --resume goes on, or remove it`,
      );
    const letGo = holdNote(noteOf(path), 'export');
    const state = isResumed
      ? readState(noteOf(path), meant)
      : { of: meant, cursor: null, rows: 0, bytes: 0, header: null };
    const handle = await opened(partOf(path), isResumed ? 'r+' : 'wx');
    try {
      if ((await handle.stat()).size < state.bytes)
        throw new CliError('usage', `${partOf(path)} is shorter than the export left it`);
      await handle.truncate(state.bytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { file: new PartFile(path, handle, { bytes: state.bytes, letGo }), state };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there is something to go on with. */
  get isBegun(): boolean {
    return existsSync(noteOf(this.#path));
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await writeAt(partOf(this.#path), this.#handle, bytes, this.#bytes);
    this.#bytes += bytes.length;
  }

  /** Makes what was written last, and then says so. */
  async note(state: ExportState): Promise<void> {
    await makeLast(partOf(this.#path), this.#handle);
    writeNote(noteOf(this.#path), state, 'export');
  }

  /** The file takes its place. */
  async finish(): Promise<void> {
    await makeLast(partOf(this.#path), this.#handle);
    await asWritten(this.#path, () => rename(partOf(this.#path), this.#path));
    await rm(noteOf(this.#path), { force: true });
  }

  /** Nothing came of it. */
  async discard(): Promise<void> {
    await rm(partOf(this.#path), { force: true });
  }

  async close(): Promise<void> {
    await this.#handle.close();
    this.#letGo();
  }
}

function readState(file: string, meant: object): ExportState {
  const state = readNote<ExportState>(file, meant, 'export');
  const { cursor, rows, bytes, header } = state;
  const areTexts = [cursor, header].every((text) => text === null || typeof text === 'string');
  if (!areTexts || !isCount(rows) || !isCount(bytes)) throw noState(file, 'export');
  return state;
}

const partOf = (path: string): string => `${path}.part`;
const noteOf = (path: string): string => `${path}.export`;

async function opened(path: string, how: 'r+' | 'wx'): Promise<FileHandle> {
  try {
    return await open(path, how);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliError(
        'usage',
        `${path} is of an export that runs, or was killed when it began: remove it, or name another file`,
      );
    throw new CliError('usage', `${path} cannot be written: ${messageOf(error)}`);
  }
}

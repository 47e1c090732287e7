import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempFolder, remove } from '../output/temp-files.ts';
import { lineBatches } from './lines.ts';

export interface SortOptions<T> {
  compare(a: T, b: T): number;
  /** Items held in memory; more are spilled to files, sorted. */
  readonly runItemsMax?: number;
  /** Files read at once; more of them are merged in rounds. */
  readonly fanInMax?: number;
}

const runItemsMaxDefault = 20_000;
const fanInMaxDefault = 64;
const itemsPerWrite = 1_000;

/**
 * Sorts any number of items in bounded memory: sorted runs in a folder of its own, merged k ways. Items are plain
 * JSON. Stable; call {@link dispose} when done (the folder also goes when the program ends in any other way).
 */
export class ExternalSort<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #runItemsMax: number;
  readonly #fanInMax: number;
  #folder: string | null = null;
  #files: string[] = [];
  #fileCount = 0;
  #buffer: T[] = [];
  #sorted = true;

  constructor({ compare, runItemsMax, fanInMax }: SortOptions<T>) {
    this.#compare = compare;
    this.#runItemsMax = runItemsMax ?? runItemsMaxDefault;
    this.#fanInMax = fanInMax ?? fanInMaxDefault;
  }

  /** Runs on disk; for tests of the bound. */
  get runs(): number {
    return this.#files.length;
  }

  async add(item: T): Promise<void> {
    this.#buffer.push(item);
    this.#sorted = false;
    if (this.#buffer.length >= this.#runItemsMax) await this.#spill();
  }

  /** Everything added so far, in order; may be read several times. */
  async *sorted(): AsyncGenerator<T> {
    this.#sortBuffer();
    while (this.#files.length > this.#fanInMax) await this.#mergeRound();
    yield* merge([...this.#files.map((file) => readRun<T>(file)), [this.#buffer]], this.#compare);
  }

  dispose(): void {
    if (this.#folder) remove(this.#folder);
    this.#folder = null;
    this.#files = [];
    this.#buffer = [];
  }

  #sortBuffer(): void {
    if (!this.#sorted) this.#buffer.sort(this.#compare);
    this.#sorted = true;
  }

  async #spill(): Promise<void> {
    this.#sortBuffer();
    const buffer = this.#buffer;
    this.#buffer = [];
    this.#files.push(await this.#write(buffer));
  }

  /** Merges the oldest runs into one, which stays in front: equal items keep their order. */
  async #mergeRound(): Promise<void> {
    const merged = this.#files.slice(0, this.#fanInMax);
    const file = await this.#write(
      merge(
        merged.map((one) => readRun<T>(one)),
        this.#compare,
      ),
    );
    this.#files = [file, ...this.#files.slice(this.#fanInMax)];
    merged.forEach(remove);
  }

  async #write(items: Iterable<T> | AsyncIterable<T>): Promise<string> {
    this.#folder ??= makeTempFolder();
    const file = join(this.#folder, `run-${this.#fileCount++}`);
    await writeFile(file, jsonLines(items));
    return file;
  }
}

async function* jsonLines<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<string> {
  let lines: string[] = [];
  for await (const item of items) {
    lines.push(`${JSON.stringify(item)}\n`);
    if (lines.length < itemsPerWrite) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
}

/** A run in pieces. */
type Run<T> = Iterable<readonly T[]> | AsyncIterable<readonly T[]>;

async function* readRun<T>(file: string): AsyncGenerator<readonly T[]> {
  for await (const lines of lineBatches(createReadStream(file))) {
    yield lines.map((line) => JSON.parse(line) as T);
  }
}

/** A place in a run; `next` only waits where a piece ends. */
interface Cursor<T> {
  readonly pieces: AsyncIterator<readonly T[]>;
  piece: readonly T[];
  at: number;
}

async function* merge<T>(runs: readonly Run<T>[], compare: (a: T, b: T) => number): AsyncGenerator<T> {
  const cursors: Cursor<T>[] = [];
  try {
    for (const run of runs) {
      const cursor = { pieces: pieces(run), piece: [], at: 0 };
      cursors.push(cursor);
      if (!(await refill(cursor))) cursors.pop();
    }
    while (cursors.length > 0) {
      const least = leastOf(cursors, compare);
      const cursor = cursors[least]!;
      yield cursor.piece[cursor.at]!;
      cursor.at++;
      if (cursor.at >= cursor.piece.length && !(await refill(cursor))) cursors.splice(least, 1);
    }
  } finally {
    await Promise.all(cursors.map(({ pieces }) => pieces.return?.()));
  }
}

async function* pieces<T>(run: Run<T>): AsyncGenerator<readonly T[]> {
  yield* run;
}

async function refill<T>(cursor: Cursor<T>): Promise<boolean> {
  do {
    const { done, value } = await cursor.pieces.next();
    if (done) return false;
    cursor.piece = value;
    cursor.at = 0;
  } while (cursor.piece.length === 0);
  return true;
}

/** The runs are few, so looking at each is as good as a heap; the first of equals wins. */
function leastOf<T>(cursors: readonly Cursor<T>[], compare: (a: T, b: T) => number): number {
  let least = 0;
  for (let index = 1; index < cursors.length; index++) {
    const [a, b] = [cursors[index]!, cursors[least]!];
    if (compare(a.piece[a.at]!, b.piece[b.at]!) < 0) least = index;
  }
  return least;
}

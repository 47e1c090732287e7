import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '@slipstream/kernel';
import { GroupCommit } from '@slipstream/postgres';
import type { Unwritten } from '@slipstream/runtime';

export interface RecorderOptions<Item> {
  /** Writes items in one transaction. */
  readonly write: (items: readonly Item[]) => Promise<void>;
  /** Whether the same write may go well later, because the database is away or in trouble. */
  readonly mayPass: (error: unknown) => boolean;
  readonly onError: (error: unknown) => void;
  /** Told of what cannot be written for no fault of its own, under this name. */
  readonly unwritten: Unwritten;
  readonly way: string;
  /** Shortest and longest pause between the tries. */
  readonly delayMsMin?: number;
  readonly delayMsMax?: number;
}

const batchSizeMax = 200;
const waitingMax = 10_000;
/** Answers come close together when calls began together. */
const pauseMs = 10;
/** Tries that an item gets whose failure is not one that passes: about half a minute. */
const refusalsMax = 12;

/**
 * Writes what providers answered, and keeps it until it is written or the process ends: it exists nowhere else. Who
 * gave it in holds its slot meanwhile, so no more is kept than there are slots; while anything waits here, nothing new
 * should be started. What the database refuses for its own content is given up, and left to the attempt's lease.
 */
export class Recorder<Item> {
  readonly #options: RecorderOptions<Item>;
  readonly #group: GroupCommit<Item, void>;
  readonly #end = new AbortController();
  #waiting = 0;

  constructor(options: RecorderOptions<Item>) {
    this.#options = options;
    this.#group = new GroupCommit<Item, void>(
      async (items) => {
        await options.write(items);
        options.unwritten.written(options.way);
        return items.map(() => undefined);
      },
      {
        ...{ batchSizeMax, waitingMax, pauseMs },
        onFull: () => new Error(`more than ${waitingMax} answers wait to be written`),
      },
    );
  }

  /** Something could not be written at once, and is kept. */
  get behind(): boolean {
    return this.#waiting > 0;
  }

  /** Resolves when the item is written, given up, or the process ends. Never rejects. */
  async record(item: Item): Promise<void> {
    try {
      await this.#group.submit(item);
    } catch (error) {
      this.#options.onError(error);
      await this.retry(item, error);
    }
  }

  /**
   * Keeps what could not be written elsewhere, because of `error`, until it is written or given up. Never rejects.
   */
  async retry(item: Item, error: unknown): Promise<void> {
    const { unwritten, way, mayPass } = this.#options;
    if (mayPass(error)) unwritten.failed(way);
    this.#waiting += 1;
    await this.#keep(item).finally(() => {
      this.#waiting -= 1;
      if (this.#waiting === 0) unwritten.done(way);
    });
  }

  /** The process ends: what is still kept is lost now, and told as not recorded by whoever finds the attempt. */
  end(): void {
    this.#end.abort();
  }

  /** Alone: another item of the batch may be what was refused. */
  async #keep(item: Item): Promise<void> {
    const { delayMsMin: minMs = 100, delayMsMax: maxMs = 5_000 } = this.#options;
    let refusals = 0;
    for (let failures = 1; ; failures++) {
      const delayMs = backoffMs(failures, { minMs, maxMs }, Math.random());
      const ended = await sleep(delayMs, false, { signal: this.#end.signal }).catch(() => true);
      if (ended) return;
      try {
        await this.#options.write([item]);
        return;
      } catch (error) {
        this.#options.onError(error);
        if (!this.#options.mayPass(error)) refusals += 1;
        if (refusals >= refusalsMax) return;
      }
    }
  }
}

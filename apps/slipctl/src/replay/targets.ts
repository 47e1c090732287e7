import { type FileHandle, open, rm } from 'node:fs/promises';
import { type KafkaClient, readLogBounds, readTail } from '@slipstream/kafka';
import { CliError, messageOf } from '../exit.ts';
import { kafkaError } from '../kafka.ts';
import { asWritten, makeLast, writeAt } from '../note.ts';
import { GuardedBus } from './guarded-bus.ts';
import { jsonLine } from './json-line.ts';
import type { LoggedRecord } from './records.ts';
import type { Standing } from './state-file.ts';

/** Where a replay goes. */
export interface Target {
  /** In this order; resolves when it is there. */
  write(records: readonly LoggedRecord[]): Promise<void>;
  /** Makes it last, and says how far that is. */
  standing(): Promise<Standing>;
  /** What was written behind a standing all the same: by partition the first offset that was not. */
  writtenBehind(standing: Standing): Promise<ReadonlyMap<number, number>>;
  /** Nothing came of it: it is as if it had not been opened. */
  discard(): Promise<void>;
  close(): Promise<void>;
}

const nothing: ReadonlyMap<number, number> = new Map();
const linesOf = (records: readonly LoggedRecord[]) =>
  Buffer.from(records.map((record) => `${jsonLine(record)}\n`).join(''));

/** Standard output: what was written there stays there. */
export function outputTarget(write: (bytes: Uint8Array) => Promise<void>): Target {
  return {
    write: (records) => write(linesOf(records)),
    standing: async () => ({}),
    writtenBehind: async () => nothing,
    discard: async () => {},
    close: async () => {},
  };
}

/** A file of lines; what stands in it behind a standing is cut off. */
export class FileTarget implements Target {
  readonly #path: string;
  readonly #handle: FileHandle;
  #bytes = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** @throws CliError (usage) when it is there and should not be, or the other way round */
  static async open(path: string, isResumed: boolean): Promise<FileTarget> {
    try {
      return new FileTarget(path, await open(path, isResumed ? 'r+' : 'wx'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST')
        throw new CliError('usage', `${path} is there already: --resume goes on, or name another file`);
      throw new CliError('usage', `${path} cannot be written: ${messageOf(error)}`);
    }
  }

  async write(records: readonly LoggedRecord[]): Promise<void> {
    const bytes = linesOf(records);
    await writeAt(this.#path, this.#handle, bytes, this.#bytes);
    this.#bytes += bytes.length;
  }

  async standing(): Promise<Standing> {
    await makeLast(this.#path, this.#handle);
    return { bytes: this.#bytes };
  }

  async writtenBehind({ bytes = 0 }: Standing): Promise<ReadonlyMap<number, number>> {
    const { size } = await this.#handle.stat();
    if (size < bytes) throw new CliError('usage', `${this.#path} is shorter than the replay left it`);
    await asWritten(this.#path, () => this.#handle.truncate(bytes));
    this.#bytes = bytes;
    return nothing;
  }

  async discard(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Names the replay and the place that a record was replayed from. */
const replayedHeader = 'slipstream-replayed';

/** A topic for replays, partition for partition. */
export class TopicTarget implements Target {
  readonly #kafka: KafkaClient;
  readonly #topic: string;
  readonly #id: string;
  readonly #bus: GuardedBus;
  #offsets: ReadonlyMap<number, number>;

  private constructor(
    kafka: KafkaClient,
    topic: string,
    id: string,
    parts: { bus: GuardedBus; offsets: ReadonlyMap<number, number> },
  ) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#id = id;
    this.#bus = parts.bus;
    this.#offsets = parts.offsets;
  }

  /** @throws CliError as {@link GuardedBus.open}, and unreachable */
  static async open(
    kafka: KafkaClient,
    topic: string,
    { id, partitions }: { id: string; partitions: number },
  ): Promise<TopicTarget> {
    try {
      const bus = await GuardedBus.open(kafka, topic, partitions);
      return new TopicTarget(kafka, topic, id, { bus, offsets: await endsOf(kafka, topic) });
    } catch (error) {
      throw kafkaError(error, `${topic} cannot be written`);
    }
  }

  async write(records: readonly LoggedRecord[]): Promise<void> {
    const out = records.map(({ partition, offset, key, value, headers }) => ({
      ...{ partition, key, value },
      headers: { ...headers, [replayedHeader]: `${this.#id}:${partition}:${offset}` },
    }));
    try {
      this.#offsets = new Map([...this.#offsets, ...(await this.#bus.send(out))]);
    } catch (error) {
      throw new CliError(
        'unreachable',
        `${this.#topic} cannot be written: ${messageOf(error)}; --resume goes on`,
      );
    }
  }

  async standing(): Promise<Standing> {
    return { offsets: Object.fromEntries(this.#offsets) };
  }

  /** What was sent when nobody could note it any more: the topic itself tells. */
  async writtenBehind({ offsets = {} }: Standing): Promise<ReadonlyMap<number, number>> {
    const from = new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), offset]));
    const next = new Map<number, number>();
    const start = `${this.#id}:`;
    await readTail(this.#kafka, this.#topic, from, (_, walk) => {
      const said = String(walk.record().headers[replayedHeader] ?? '');
      if (!said.startsWith(start)) return;
      const [partition, offset] = said.slice(start.length).split(':').map(Number);
      next.set(partition!, offset! + 1);
    });
    this.#offsets = from;
    return next;
  }

  /** It was made to be replayed into. */
  async discard(): Promise<void> {}

  close(): Promise<void> {
    return this.#bus.stop();
  }
}

async function endsOf(kafka: KafkaClient, topic: string): Promise<ReadonlyMap<number, number>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const bounds = await readLogBounds(admin, topic);
    return new Map([...bounds].map(([partition, { end }]) => [partition, end]));
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

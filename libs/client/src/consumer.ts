import { topics } from '@slipstream/contracts';
import { jsonLog, type KafkaClient, type Log, RecordStream, type StreamRecord } from '@slipstream/kafka';
import { nameProblem, SlipstreamError } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import { type ConnectionOptions, connectionOf } from './connection.ts';
import { decodeEvents, readRecords } from './read-events.ts';
import { ResendFilter } from './resend-filter.ts';
import { type StreamStart, startAtOf } from './stream-start.ts';

export interface EventBatch {
  readonly partition: number;
  /** In log order; all events of one slip lie in one partition. */
  readonly events: readonly RecordedEvent[];
  /** The offset behind them. Kept with what the events did, and given as `from: { offsets }`, it is where to go on. */
  readonly next: number;
}

export interface ConsumerOptions extends ConnectionOptions {
  /** Members of one group share the partitions and go on where the group stopped; without it, every event comes here. */
  readonly group?: string;
  /** A group begins there the first time, at `beginning` or `now`; later it goes on where it stopped. */
  readonly from: StreamStart;
  /** Called batch by batch; a rejected batch is repeated until it resolves. */
  readonly onBatch: (batch: EventBatch) => Promise<void> | void;
  /** The stream has died and will deliver nothing more. Default: an error in the log. */
  readonly onFatal?: (error: Error) => void;
}

/** Follows `slips.events.v1`: typed events, at least once, in order per slip, resends removed while the process lives. */
export class SlipstreamConsumer {
  readonly #onBatch: ConsumerOptions['onBatch'];
  readonly #log: Log;
  readonly #filter = new ResendFilter();
  /** Types that the log was told of: a release that is newer says them again and again. */
  readonly #newTypes = new Set<string>();
  readonly #stream: RecordStream;
  #isOver = false;

  /**
   * `connect` is for specs.
   * @throws SlipstreamError validation_failed for a start that is none, a caller or a group that is no name, or nobody to take batches
   */
  constructor(options: ConsumerOptions, connect: (options: ConnectionOptions) => KafkaClient = connectionOf) {
    const { group, from, onBatch, onFatal, log = jsonLog } = options;
    requireSound(options);
    this.#onBatch = onBatch;
    this.#log = log;
    this.#stream = new RecordStream({
      kafka: connect(options),
      topic: topics.events.name,
      group,
      fromBeginning: from !== 'now',
      startAt: startAtOf(from, group),
      log,
      onFatal: onFatal ?? ((error) => log.error('the event stream has died', { error: error.message })),
      onAssigned: () => this.#filter.assigned(),
      onBatch: (records) => this.#take(records),
    });
  }

  /**
   * Waits for brokers, and resolves when the stream has begun. A consumer is started once.
   * @throws StreamBroken when the place to begin at is no more, or not yet; ReadRefused for a wrong login or no right;
   * SlipstreamError conflict where it was started, or stopped, before
   */
  async start(): Promise<void> {
    if (this.#isOver) throw new SlipstreamError('conflict', 'a consumer is started once: make another');
    this.#isOver = true;
    try {
      await this.#stream.start();
    } catch (error) {
      // What it had already connected would be kept open by nobody's stream.
      await this.#stream.stop();
      throw error;
    }
  }

  /** Resolves when the batch in hand has ended, its place is kept and the connections are closed. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#stream.stop();
  }

  async #take(records: readonly StreamRecord[]): Promise<void> {
    const partition = records[0]!.partition;
    const fresh = this.#filter.fresh(partition, readRecords(records, this.#log));
    const events = decodeEvents(fresh, this.#log, this.#newTypes);
    const next = records.at(-1)!.offset + 1;
    if (events.length > 0) await this.#onBatch({ partition, events, next });
    this.#filter.delivered(partition, fresh);
  }
}

/** Programs in plain JavaScript hand over anything; what is wrong would come to light with the first event, or never. */
function requireSound({ group, onBatch }: ConsumerOptions): void {
  const problem = group === undefined ? null : nameProblem(group);
  if (problem !== null) refuse('/group', `the group ${problem}`);
  if (typeof onBatch !== 'function') refuse('/onBatch', 'onBatch must be a function');
}

function refuse(pointer: string, detail: string): never {
  throw new SlipstreamError('validation_failed', detail, { errors: [{ pointer, detail }] });
}

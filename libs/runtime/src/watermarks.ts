import { type RouteWait, type Source, sources, type Topic, tickKey, topics } from '@slipstream/contracts';
import { type KafkaClient, SerialProducer, TickReader } from '@slipstream/kafka';
import type { Instant } from '@slipstream/kernel';
import { type ClockBound, type UnitOfWork, WatermarkClock } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import { EndOffsets } from './end-offsets.ts';
import type { Health } from './health.ts';
import { InboundBarrier } from './inbound-barrier.ts';
import type { Part } from './lifecycle.ts';
import { Ticker } from './ticker.ts';
import type { Unwritten } from './unwritten.ts';

export interface WatermarkOptions {
  /** What limits each clock beside the outbox; asked before the watermark's clock is read. */
  bounds(): Promise<readonly ClockBound[]>;
  /** Whether somebody may be waiting for a verdict; asked while the reconciler does not say what it waits for. */
  open(): Promise<boolean>;
  /** The earliest time that this service itself waits to see vouched for by the others; null: none. */
  awaits?(): Promise<Instant | null>;
  /** How long slips stand in line here, by route; asked once a second at most. */
  waits?(): Promise<readonly RouteWait[]>;
  /** The last word about these clocks was said: what is kept of them is not needed any more. */
  onClosed?(clocks: readonly string[]): Promise<void>;
}

export interface WatermarksOptions {
  readonly name: string;
  readonly source: Source;
  readonly kafka: KafkaClient;
  readonly unitOfWork: UnitOfWork;
  /** Whether this instance is the one that speaks, and knows what the service has said. */
  readonly leads: () => boolean;
  /** What was read and cannot be written: nothing is vouched for meanwhile. */
  readonly unwritten: Unwritten;
  /** How long the slips' events lay before they were handled here. */
  readonly behindMs: () => number;
  readonly onSkipped: () => void;
  readonly onFatal: (error: unknown) => void;
  readonly onError: (error: unknown) => void;
}

/** A service's watermarks, its own and those of the others (rule 6). */
export class Watermarks {
  readonly ticks: TickReader;
  readonly #options: WatermarksOptions;
  readonly #producer: SerialProducer;
  readonly #endOffsets: EndOffsets;
  #published: WatermarkOptions | null = null;
  #own: Ticker | null = null;

  constructor(options: WatermarksOptions) {
    const { kafka, name, onFatal, onSkipped } = options;
    this.#options = options;
    this.#producer = new SerialProducer(kafka);
    this.#endOffsets = new EndOffsets(kafka);
    this.ticks = new TickReader({ kafka, name: `slipstream-${name}`, onFatal, onSkipped });
  }

  publish(options: WatermarkOptions): void {
    this.#published = options;
  }

  /** Something was committed or handled here that the watermarks may have to tell of. */
  happened(): void {
    this.#own?.happened();
  }

  async forget(clock: string): Promise<void> {
    const { name: topic } = topics.watermarks;
    const gone = (source: Source) => ({ topic, partition: 0, key: tickKey(source, clock), value: null });
    await this.#producer.sendBatch(Object.values(sources).map(gone));
  }

  barrier(topic: Topic, group: string): InboundBarrier {
    const ports = {
      ends: () => this.#endOffsets.of(topic.name),
      query: <Row>(sql: string, parameters?: unknown[]) =>
        this.#options.unitOfWork.query<Row>(sql, parameters),
    };
    return new InboundBarrier(ports, { topic: topic.name, group });
  }

  /** What reads: started before anything that rests on it. */
  readers(): Part[] {
    const { ticks } = this;
    const ends = this.#endOffsets;
    return [
      { name: 'end offsets', start: () => ends.start(), stop: () => ends.stop() },
      { name: 'ticks', start: () => ticks.start(), stop: () => ticks.stop() },
    ];
  }

  /** What says this service's own, where it has any to say: started last. */
  speakers(): Part[] {
    if (!this.#published) return [];
    const ticker = this.#ticker(this.#published);
    this.#own = ticker;
    this.ticks.onTick(({ source, clock }) => {
      if (source === this.#options.source) return;
      if (clock !== wallClock) ticker.happened();
      else if (source === sources.reconciliation) ticker.awaitedChanged();
    });
    return [
      {
        name: ticker.name,
        health: () => heldBack(this.#options.unwritten.holding()),
        start: async () => {
          await this.#producer.start();
          await ticker.start();
        },
        stop: async () => {
          await ticker.stop();
          await this.#producer.stop();
        },
      },
    ];
  }

  #ticker({ bounds, open, awaits, waits, onClosed }: WatermarkOptions): Ticker {
    const { source, unitOfWork, leads, unwritten, behindMs, onError } = this.#options;
    return new Ticker({
      ...{ source, leads, open, awaits, waits, behindMs, onClosed, onError },
      isHeldBack: () => unwritten.holding().length > 0,
      clock: new WatermarkClock(unitOfWork, topics.events.name, bounds),
      send: (records) => this.#producer.sendBatch(records),
      awaited: () => awaitedBy(this.ticks),
      spoken: () => this.ticks.latest(source, wallClock)?.reading ?? null,
    });
  }
}

/** It takes what comes meanwhile, as far as it can, so it is ready; what it does not do is said. */
function heldBack(ways: readonly string[]): Health {
  return ways.length === 0
    ? { ok: true }
    : { ok: true, detail: `held back: what was read cannot be written: ${ways.join(', ')}` };
}

/** A reconciler silent for longer is not known to wait for anything, nor for nothing. */
const reconcilerSilentMsMax = 15_000;

/** What the reconciler waits for; undefined while it is not heard, or does not say (a release before this one). */
function awaitedBy(ticks: TickReader): Instant | null | undefined {
  const tick = ticks.latest(sources.reconciliation, wallClock);
  if (!tick || tick.reading === null) return undefined;
  return ticks.ageMs(sources.reconciliation, wallClock) > reconcilerSilentMsMax ? undefined : tick.awaits;
}

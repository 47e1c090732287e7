import { encodeTick, type Source, tickKey, topics } from '@slipstream/contracts';
import { earlier, type Instant } from '@slipstream/kernel';
import type { Watermark, WatermarkReading } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type { Part } from './lifecycle.ts';
import { heartbeatMs, nextTick, startPace } from './tick-pace.ts';

export interface TickRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
}

export interface TickerOptions {
  readonly source: Source;
  readonly clock: {
    read(): Promise<WatermarkReading | null>;
    said(watermarks: readonly Watermark[]): void;
  };
  /** Only the one instance that sends partition 0 speaks for the service. */
  readonly leads: () => boolean;
  readonly send: (records: readonly TickRecord[]) => Promise<unknown>;
  /** What the others wait for; undefined: nobody says. */
  readonly awaited: () => Instant | null | undefined;
  /** What this service itself waits for; told in its ticks. */
  readonly awaits?: (() => Promise<Instant | null>) | undefined;
  /** Whether something is open; asked at most twice a second, and only where nobody says what he waits for. */
  readonly open: () => Promise<boolean>;
  /** Called when the last word about closed clocks was sent. */
  readonly onClosed?: ((clocks: readonly string[]) => Promise<void>) | undefined;
  readonly onError: (error: unknown) => void;
  readonly monotonicMs?: () => number;
}

const openAskedMs = 500;

/** Publishes this service's watermarks: often while somebody waits for them, else as a sign of life. */
export class Ticker implements Part {
  readonly name = 'watermarks';
  readonly #options: TickerOptions;
  readonly #monotonicMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #isOpen = true;
  #askOpenAtMs = 0;
  #pace = startPace;
  #sentInMs = 0;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  async start(): Promise<void> {
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      const startedMs = this.#monotonicMs();
      this.#running = this.tick()
        .catch((error) => {
          this.#options.onError(error);
          return heartbeatMs;
        })
        .then((inMs) => this.#schedule(Math.max(5, inMs - (this.#monotonicMs() - startedMs))));
    }, delayMs);
  }

  /** Reads the clock, says what can be vouched for, and gives the milliseconds until the next time. */
  async tick(): Promise<number> {
    const { clock, leads } = this.#options;
    if (!leads()) return heartbeatMs;
    await this.#askOpen();
    const read = await clock.read();
    if (read === null) return heartbeatMs;
    const readAtMs = this.#monotonicMs();
    const awaits = (await this.#options.awaits?.()) ?? null;
    await this.#say(read, awaits);
    this.#sentInMs = Math.round(this.#monotonicMs() - readAtMs);
    return this.#nextInMs(read);
  }

  async #say({ reading, watermarks }: WatermarkReading, awaits: Instant | null): Promise<void> {
    const { source, clock, send, onClosed } = this.#options;
    if (watermarks.length === 0) return;
    await send(
      watermarks.map((watermark) => ({
        topic: topics.watermarks.name,
        partition: 0,
        key: tickKey(source, watermark.clock),
        value: Buffer.from(
          encodeTick({
            ...{ source, ...watermark },
            ...(watermark.clock === wallClock ? { reading, awaits, sentInMs: this.#sentInMs } : {}),
          }),
        ),
      })),
    );
    clock.said(watermarks);
    const closed = watermarks.filter((watermark) => watermark.closed).map((watermark) => watermark.clock);
    if (closed.length > 0) await onClosed?.(closed);
  }

  #nextInMs({ reading, watermarks }: WatermarkReading): number {
    const wall = watermarks.find((watermark) => watermark.clock === wallClock);
    const { pace, inMs } = nextTick(this.#pace, {
      awaited: this.#options.awaited(),
      open: this.#isOpen,
      importing: watermarks.length > (wall ? 1 : 0),
      vouched: wall && wall.marks.length > 0 ? wall.marks.map(({ time }) => time).reduce(earlier) : null,
      now: reading,
      monotonicMs: this.#monotonicMs(),
    });
    this.#pace = pace;
    return inMs;
  }

  async #askOpen(): Promise<void> {
    if (this.#options.awaited() !== undefined || this.#monotonicMs() < this.#askOpenAtMs) return;
    this.#askOpenAtMs = this.#monotonicMs() + openAskedMs;
    this.#isOpen = await this.#options.open();
  }
}

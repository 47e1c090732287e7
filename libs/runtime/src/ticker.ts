import { encodeTick, type RouteWait, type Source, tickKey, topics } from '@slipstream/contracts';
import { addMs, earlier, type Instant } from '@slipstream/kernel';
import type { Watermark, WatermarkReading } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type { Part } from './lifecycle.ts';
import {
  busyMs,
  heartbeatMs,
  lineTickMs,
  nextTick,
  type PaceInput,
  silentMs,
  startPace,
  type ToldTick,
} from './tick-pace.ts';

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
  /** Something that was read cannot be written: a service that goes on only in part is told as one that stands still. */
  readonly isHeldBack: () => boolean;
  readonly send: (records: readonly TickRecord[]) => Promise<unknown>;
  /** What the others wait for; undefined: nobody says. */
  readonly awaited: () => Instant | null | undefined;
  /** What this service itself waits for; told in its ticks. */
  readonly awaits?: (() => Promise<Instant | null>) | undefined;
  /** How long slips stand in line here, by route; told in its ticks, which come more often while any do. */
  readonly waits?: (() => Promise<readonly RouteWait[]>) | undefined;
  /** The reading of this service's last tick that was heard, of whichever instance; null: none was. */
  readonly spoken?: (() => Instant | null) | undefined;
  /** How far behind this service is in what it reads; told in its ticks. */
  readonly behindMs: () => number;
  /** Whether something is open; asked at most twice a second, and only where nobody says what he waits for. */
  readonly open: () => Promise<boolean>;
  /** Called when the last word about closed clocks was sent. */
  readonly onClosed?: ((clocks: readonly string[]) => Promise<void>) | undefined;
  readonly onError: (error: unknown) => void;
  readonly monotonicMs?: () => number;
}

const openAskedMs = 500;
/** Between two ticks, however often one is wanted. */
const pauseMs = 5;

/**
 * Publishes this service's watermarks: often while somebody waits for them, soon after something happened, else as a sign
 * of life.
 */
export class Ticker implements Part {
  readonly name = 'watermarks';
  readonly #options: TickerOptions;
  readonly #monotonicMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** When the next tick comes; infinite while one runs. */
  #dueAtMs = Number.POSITIVE_INFINITY;
  /** Wanted at the latest, by what came while one ran. */
  #wantedAtMs = Number.POSITIVE_INFINITY;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #lastInput: PaceInput | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #isOpen = true;
  #askOpenAtMs = 0;
  #waits: readonly RouteWait[] = [];
  #waitsAskedAtMs = 0;
  #askWaitsAtMs = 0;
  #pace = startPace;
  #sentInMs = 0;
  #told: ToldTick | null = null;

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

  /** Something was committed, handled or heard that a tick may have to tell of: at once, but once in `busyMs`. */
  readonly happened = (): void => this.#noLaterThan(this.#lastAtMs + busyMs);

  /** The others may wait for another time than they did. */
  readonly awaitedChanged = (): void => {
    if (!this.#lastInput) return;
    const monotonicMs = this.#monotonicMs();
    const now = addMs(this.#lastInput.now, Math.floor(monotonicMs - this.#lastInput.monotonicMs));
    const awaited = this.#options.awaited();
    const { inMs } = nextTick(this.#pace, { ...this.#lastInput, now, monotonicMs, awaited });
    this.#noLaterThan(monotonicMs + inMs);
  };

  #noLaterThan(atMs: number): void {
    this.#wantedAtMs = Math.min(this.#wantedAtMs, atMs);
    if (this.#dueAtMs <= atMs || this.#dueAtMs === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    this.#schedule(this.#dueAtMs - this.#monotonicMs());
  }

  /** The next tick in `delayMs`, or as soon as it is wanted. */
  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const nowMs = this.#monotonicMs();
    this.#dueAtMs = Math.max(nowMs + pauseMs, Math.min(nowMs + delayMs, this.#wantedAtMs));
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, this.#dueAtMs - nowMs);
  }

  async #run(): Promise<void> {
    this.#dueAtMs = this.#wantedAtMs = Number.POSITIVE_INFINITY;
    this.#lastAtMs = this.#monotonicMs();
    let inMs = busyMs;
    try {
      inMs = await this.tick();
    } catch (error) {
      this.#options.onError(error);
    }
    this.#schedule(inMs - (this.#monotonicMs() - this.#lastAtMs));
  }

  /** Reads the clock, says what can be vouched for, and gives the milliseconds until the next time. */
  async tick(): Promise<number> {
    const { clock, leads, isHeldBack } = this.#options;
    if (!leads() || isHeldBack()) return busyMs;
    await this.#askOpen();
    const read = await clock.read();
    if (read === null) return busyMs;
    const readAtMs = this.#monotonicMs();
    const awaits = (await this.#options.awaits?.()) ?? null;
    await this.#askWaits();
    await this.#say(read, awaits);
    this.#sentInMs = Math.round(this.#monotonicMs() - readAtMs);
    const nextInMs = this.#nextInMs(read);
    this.#told = { reading: read.reading, nextInMs };
    return nextInMs;
  }

  async #say({ reading, watermarks }: WatermarkReading, awaits: Instant | null): Promise<void> {
    const { source, clock, send, behindMs, onClosed } = this.#options;
    const measured = {
      ...{ awaits, sentInMs: this.#sentInMs, behindMs: behindMs(), waits: this.#lines() },
      silentMs: this.#silentMs(reading),
    };
    if (watermarks.length === 0) return;
    await send(
      watermarks.map((watermark) => ({
        topic: topics.watermarks.name,
        partition: 0,
        key: tickKey(source, watermark.clock),
        value: Buffer.from(
          encodeTick({
            ...{ source, ...watermark },
            ...(watermark.clock === wallClock ? { reading, ...measured } : {}),
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
    this.#lastInput = {
      awaited: this.#options.awaited(),
      open: this.#isOpen,
      importing: watermarks.length > (wall ? 1 : 0),
      vouched: wall && wall.marks.length > 0 ? wall.marks.map(({ time }) => time).reduce(earlier) : null,
      now: reading,
      monotonicMs: this.#monotonicMs(),
    };
    const { pace, inMs } = nextTick(this.#pace, this.#lastInput);
    this.#pace = pace;
    return this.#waits.length > 0 ? Math.min(inMs, lineTickMs) : inMs;
  }

  /** Since this service last spoke: another instance may have, or this one before it was started again. */
  #silentMs(reading: Instant): number {
    const spoken = this.#options.spoken?.() ?? null;
    if (this.#told !== null && (spoken === null || spoken <= this.#told.reading))
      return silentMs(this.#told, reading);
    return spoken === null ? 0 : silentMs({ reading: spoken, nextInMs: heartbeatMs }, reading);
  }

  async #askOpen(): Promise<void> {
    if (this.#options.awaited() !== undefined || this.#monotonicMs() < this.#askOpenAtMs) return;
    this.#isOpen = await this.#options.open();
    // Only an answer is good for so long: who could not be asked is asked again with the next tick.
    this.#askOpenAtMs = this.#monotonicMs() + openAskedMs;
  }

  async #askWaits(): Promise<void> {
    const { waits } = this.#options;
    if (!waits || this.#monotonicMs() < this.#askWaitsAtMs) return;
    const askedAtMs = this.#monotonicMs();
    this.#waits = await waits();
    this.#waitsAskedAtMs = askedAtMs;
    this.#askWaitsAtMs = this.#waitsAskedAtMs + (this.#waits.length > 0 ? lineTickMs : busyMs);
  }

  /** Since they were looked at nobody has seen their heads move on: so they have stood so much longer. */
  #lines(): readonly RouteWait[] {
    const agedMs = Math.round(this.#monotonicMs() - this.#waitsAskedAtMs);
    return this.#waits.map(({ route, waitMs }) => ({ route, waitMs: waitMs + agedMs }));
  }
}

import { PassThrough } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { SlipstreamError } from '@slipstream/kernel';
import type { FastifyRequest } from 'fastify';
import type { JsonValue } from './json.ts';
import type { ListReply } from './lists.ts';

/** An event of a stream, and the place behind it. */
export interface StreamedEvent {
  readonly type: string;
  readonly data: JsonValue;
  readonly key: readonly string[];
}

/** What a stream is made of. */
export interface EventSource {
  isKey(key: readonly string[]): boolean;
  /** Where a stream begins that goes on from nothing. */
  start(): Promise<readonly string[]>;
  /** A bounded number of events behind a place, and the place behind them; none: nothing more is there yet. */
  read(
    key: readonly string[],
  ): Promise<{ readonly events: readonly StreamedEvent[]; readonly key: readonly string[] }>;
  /** Resolves when there may be more, and after `timeoutMs` or an abort all the same. */
  moved(key: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export const streamType = 'text/event-stream';

export interface StreamLimits {
  /** Streams that one process keeps open. */
  readonly streamsMax: number;
  /** Between two signs of life; each names the place, so that a filter that seldom fits costs nothing to resume. */
  readonly heartbeatMs: number;
  /** What lies between us and a caller that does not read; when it has been full for `unreadMsMax` the stream ends. */
  readonly unreadBytesMax: number;
  readonly unreadMsMax: number;
  /** Then it ends, and who goes on shows its token again. */
  readonly lifeMsMax: number;
  /** What callers are told to wait before they go on. */
  readonly retryMs: number;
}

export const streamLimits: StreamLimits = {
  streamsMax: 64,
  heartbeatMs: 15_000,
  unreadBytesMax: 256 * 1_024,
  unreadMsMax: 30_000,
  lifeMsMax: 900_000,
  retryMs: 1_000,
};

/**
 * Answers with server-sent events (WHATWG HTML, section 9.2). Each names its place as a sealed id: `Last-Event-ID` goes on
 * behind it, at any instance, without a gap and without a repeat. A caller that does not read is told so (`too_slow`) and cut off.
 */
export class EventStreams {
  readonly #limits: StreamLimits;
  readonly #warn: (error: unknown) => void;
  #open = 0;

  constructor(limits: StreamLimits, warn: (error: unknown) => void) {
    this.#limits = limits;
    this.#warn = warn;
  }

  /** @throws SlipstreamError cursor_invalid, overloaded */
  async answer(
    request: Pick<FastifyRequest, 'url' | 'query' | 'headers' | 'server' | 'method'>,
    reply: ListReply,
    source: EventSource,
  ): Promise<StreamableFile | string> {
    const { cursorSeal, draining } = request.server;
    const last = request.headers['last-event-id'];
    const from = last === undefined ? null : cursorSeal.open(request, String(last));
    if (from !== null && !source.isKey(from))
      throw new SlipstreamError('cursor_invalid', 'This stream has no such place.');
    if (this.#open >= this.#limits.streamsMax) {
      throw new SlipstreamError('overloaded', 'Too many streams are open.', { retryAfterS: 5 });
    }
    reply
      .header('content-type', streamType)
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no');
    if (request.method === 'HEAD') return '';
    const stream = new Stream(this.#limits, draining, (key) => cursorSeal.seal(request, key));
    this.#open += 1;
    stream.out.once('close', () => {
      this.#open -= 1;
    });
    stream.run(source, from).catch((error: unknown) => {
      if (!stream.out.destroyed) this.#warn(error);
      // Cut off and not ended: the caller goes on from where it is.
      stream.out.destroy();
    });
    return new StreamableFile(stream.out);
  }
}

class Stream {
  readonly out: PassThrough;
  readonly #limits: StreamLimits;
  readonly #draining: AbortSignal;
  readonly #idOf: (key: readonly string[]) => string;
  readonly #ends = new AbortController();

  constructor(limits: StreamLimits, draining: AbortSignal, idOf: (key: readonly string[]) => string) {
    this.#limits = limits;
    this.#draining = draining;
    this.#idOf = idOf;
    this.out = new PassThrough({ highWaterMark: limits.unreadBytesMax });
    const end = () => this.#ends.abort();
    const life = setTimeout(end, limits.lifeMsMax);
    draining.addEventListener('abort', end);
    this.out.once('close', () => {
      clearTimeout(life);
      draining.removeEventListener('abort', end);
      end();
    });
    if (draining.aborted) end();
  }

  async run(source: EventSource, from: readonly string[] | null): Promise<void> {
    let key = from ?? (await source.start());
    await this.#write(`retry: ${this.#limits.retryMs}\n${this.#idLine(key)}\n`);
    while (!this.#isOver) {
      const found = await source.read(key);
      for (const event of found.events) {
        if (this.#isOver) break;
        await this.#write(
          `${this.#idLine(event.key)}event: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`,
        );
        key = event.key;
      }
      if (this.#isOver) break;
      const hasMoved = found.key.some((part, n) => part !== key[n]) || found.events.length > 0;
      key = found.key;
      if (hasMoved) continue;
      await source.moved(key, this.#limits.heartbeatMs, this.#ends.signal);
      if (!this.#isOver) await this.#write(`: here\n${this.#idLine(key)}\n`);
    }
    if (this.out.writable) this.out.end(this.#draining.aborted ? ': the service is stopping\n\n' : undefined);
  }

  /** A line without an event moves the place that the caller goes on from. */
  #idLine(key: readonly string[]): string {
    return `id: ${this.#idOf(key)}\n`;
  }

  get #isOver(): boolean {
    return this.#ends.signal.aborted || !this.out.writable;
  }

  async #write(text: string): Promise<void> {
    if (this.#isOver || this.out.write(text)) return;
    const drained = new Promise<void>((resolve) => this.out.once('drain', resolve));
    const timer = setTimeout(() => this.#tooSlow(), this.#limits.unreadMsMax);
    await this.#orEnd(drained);
    clearTimeout(timer);
  }

  #tooSlow(): void {
    this.out.end('event: too_slow\ndata: {"detail":"You read too slowly; go on from the last id."}\n\n');
    this.#ends.abort();
  }

  async #orEnd(done: Promise<unknown>): Promise<void> {
    const { signal } = this.#ends;
    if (signal.aborted) return;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
      signal.addEventListener('abort', end, { once: true });
    });
    await Promise.race([done, ended]);
    signal.removeEventListener('abort', end);
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type OutRecord, SendFailed } from '@slipstream/kafka';
import { resend } from './resend.ts';

export interface SendQueueOptions {
  /** Resolves when the records are durable; `untilMs` by the clock of `performance.now`. */
  readonly sendBatch: (records: readonly OutRecord[], untilMs: number) => Promise<unknown>;
  /** How long the oldest call may wait without a request of the queue being acknowledged; what was called without a pause counts from its end. */
  readonly timeoutMs: number;
  /** Records that wait; a call that comes then is refused. */
  readonly waitingMax?: number;
  readonly retryLimits?: { readonly minMs: number; readonly maxMs: number };
}

/** One call of `send`. */
interface Call {
  readonly records: readonly OutRecord[];
  /** So many of them are durable. */
  sent: number;
  readonly sinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What one request takes of a call. */
interface Part {
  readonly call: Call;
  readonly records: readonly OutRecord[];
}

const requestSizeMax = 1_000;
const waitingMaxDefault = 100_000;

/**
 * Sends in the order in which it was called, also what is called at once and what must be repeated: one request is in
 * flight, and what waits meanwhile goes together in the next. A call that fails is over, and those behind it go on.
 */
export class SendQueue {
  readonly #options: SendQueueOptions;
  readonly #waitingMax: number;
  /** In the order of the calls; those of one request are the first of them. */
  readonly #calls = new Set<Call>();
  #waiting = 0;
  /** When a request was last acknowledged, or the first was begun. */
  #movedMs = 0;
  /** So many calls go each by itself: one of them cannot be sent, and the others are not to fail with it. */
  #alone = 0;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(options: SendQueueOptions) {
    this.#options = options;
    this.#waitingMax = options.waitingMax ?? waitingMaxDefault;
  }

  /** @throws SendFailed when not all became durable */
  async send(records: readonly OutRecord[]): Promise<void> {
    if (this.#isStopped) throw new SendFailed('the publisher is stopped', false);
    if (this.#waiting >= this.#waitingMax)
      throw new SendFailed(`${this.#waiting} commands are waiting already`, true);
    if (records.length === 0) return;
    this.#waiting += records.length;
    const ended = new Promise<void>((resolve, reject) => {
      this.#calls.add({ records, sent: 0, sinceMs: performance.now(), resolve, reject });
    });
    this.#running ??= this.#run();
    return ended;
  }

  /** Refuses new calls, and resolves when those accepted have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // What its process calls without a pause goes together, and while that lasts no broker can answer.
    await nextTurn();
    this.#movedMs = performance.now();
    while (this.#calls.size > 0) await this.#request();
    this.#running = null;
  }

  async #request(): Promise<void> {
    const parts = this.#next();
    const { timeoutMs, retryLimits, sendBatch } = this.#options;
    const sinceMs = Math.max(parts[0]!.call.sinceMs, this.#movedMs);
    const records = parts.flatMap((part) => part.records);
    try {
      await resend((untilMs) => sendBatch(records, untilMs), { sinceMs, timeoutMs, limits: retryLimits });
      for (const part of parts) this.#acknowledged(part);
      this.#movedMs = performance.now();
    } catch (error) {
      if (parts.length > 1 && error instanceof SendFailed && !error.retryable) this.#alone = parts.length;
      else for (const { call } of parts) this.#end(call, error);
    }
  }

  #next(): Part[] {
    const isAlone = this.#alone > 0;
    if (isAlone) this.#alone--;
    const parts: Part[] = [];
    let room = requestSizeMax;
    for (const call of this.#calls) {
      const records = call.records.slice(call.sent, call.sent + room);
      parts.push({ call, records });
      room -= records.length;
      if (isAlone || room === 0) break;
    }
    return parts;
  }

  #acknowledged({ call, records }: Part): void {
    call.sent += records.length;
    if (call.sent === call.records.length) this.#end(call, null);
  }

  #end(call: Call, error: unknown): void {
    this.#waiting -= call.records.length;
    this.#calls.delete(call);
    if (error === null) call.resolve();
    else call.reject(error);
  }
}

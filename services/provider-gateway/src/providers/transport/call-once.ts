import type { IncomingHttpHeaders } from 'node:http';
import { storableText } from '@slipstream/kernel';
import type { Dispatcher } from 'undici';

/** One HTTP call that is made at most once and never followed elsewhere. */
export interface OnceCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | null;
  /** On the monotonic clock: after it nothing is written to the network. */
  readonly startBeforeMs: number;
  /** From the write to the last byte of the answer. */
  readonly answerTimeoutMs: number;
  /** Of the answer's body; 64 KiB where it is not given. */
  readonly bytesMax?: number;
}

export type OnceResult =
  /** Provably nothing was written to a connection. */
  | { readonly kind: 'not_sent'; readonly reason: string; readonly detail: string }
  | {
      readonly kind: 'lost';
      readonly reason: 'timeout' | 'connection_lost' | 'too_large';
      readonly detail: string;
    }
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    };

/** The status of an answer, where one came. */
export function httpStatusOf(result: OnceResult): { readonly httpStatus?: number } {
  return result.kind === 'response' ? { httpStatus: result.status } : {};
}

export interface MadeCall {
  readonly result: Promise<OnceResult>;
  /** Resolves when undici has let go of the request: one that was given up stays queued until a connection takes it. */
  readonly released: Promise<void>;
}

export const responseBytesMax = 65_536;

/** A timer that fires so late tells of this process alone. */
const stoodStillMs = 1_000;

/**
 * Makes the call. undici calls `onRequestStart` on a connected socket, in the turn in which it writes the request to it
 * (lib/dispatcher/client-h1.js, writeH1): that is the last moment at which a call can be taken back, and there the
 * time is checked on the monotonic clock. HTTP/2 must be off. Nothing rejects.
 */
export function callOnce(dispatcher: Dispatcher, call: OnceCall, monotonicMs: () => number): MadeCall {
  const result = Promise.withResolvers<OnceResult>();
  const released = Promise.withResolvers<void>();
  const handler = new OnceHandler(call, monotonicMs, result.resolve, released.resolve);
  try {
    dispatcher.dispatch(
      {
        method: call.method,
        path: call.path,
        headers: call.headers,
        body: call.body,
        // The handler keeps the time of the whole call: undici's own limits start anew with every byte.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      handler,
    );
  } catch (error) {
    handler.onResponseError(null, error as Error);
  }
  return { result: result.promise, released: released.promise };
}

class OnceHandler implements Dispatcher.DispatchHandler {
  readonly #call: OnceCall;
  readonly #monotonicMs: () => number;
  readonly #resolve: (result: OnceResult) => void;
  readonly #release: () => void;
  #controller: Dispatcher.DispatchController | null = null;
  #sent = false;
  #done = false;
  #timer: NodeJS.Timeout;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    call: OnceCall,
    monotonicMs: () => number,
    resolve: (result: OnceResult) => void,
    release: () => void,
  ) {
    this.#call = call;
    this.#monotonicMs = monotonicMs;
    this.#resolve = resolve;
    this.#release = release;
    const waitMs = Math.max(0, call.startBeforeMs - monotonicMs());
    this.#timer = setTimeout(() => this.#noConnection(), waitMs);
  }

  /** A process that stood still knows nothing of the provider: it was not there to connect. */
  #noConnection(): void {
    const lateMs = Math.round(this.#monotonicMs() - this.#call.startBeforeMs);
    if (lateMs < stoodStillMs) this.#tooLate('connect_timeout', 'no connection in time');
    else this.#tooLate('too_late', `this process stood still until ${lateMs} ms after the time to send`);
  }

  /** The request is about to be written. Once refused, or once begun, it never is again. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#done || this.#sent) {
      controller.abort(new Error('the call was given up'));
      this.#release();
      if (this.#sent) this.#lost('connection_lost', 'the connection ended before the answer');
      return;
    }
    if (this.#monotonicMs() >= this.#call.startBeforeMs) {
      const lateMs = Math.round(this.#monotonicMs() - this.#call.startBeforeMs);
      this.#tooLate('too_late', `the time to send had passed ${lateMs} ms ago`);
      controller.abort(new Error('the time to send had passed'));
      this.#release();
      return;
    }
    this.#sent = true;
    this.#controller = controller;
    clearTimeout(this.#timer);
    const { answerTimeoutMs } = this.#call;
    this.#timer = setTimeout(
      () => this.#lost('timeout', `no whole answer within ${answerTimeoutMs} ms`),
      answerTimeoutMs,
    );
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { bytesMax = responseBytesMax } = this.#call;
    if (this.#bytes > bytesMax) {
      this.#lost('too_large', `the answer has more than ${bytesMax} bytes`);
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#release();
    this.#end({
      kind: 'response',
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks),
    });
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.#release();
    if (this.#sent) {
      this.#end({ kind: 'lost', reason: 'connection_lost', detail: describe(error) });
      return;
    }
    this.#end({ kind: 'not_sent', reason: notSentReason(error), detail: describe(error) });
  }

  #tooLate(reason: string, detail: string): void {
    this.#end({ kind: 'not_sent', reason, detail });
  }

  #lost(reason: 'timeout' | 'connection_lost' | 'too_large', detail: string): void {
    this.#end({ kind: 'lost', reason, detail });
    this.#controller?.abort(new Error(detail));
    this.#release();
  }

  #end(result: OnceResult): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    this.#chunks = [];
    this.#resolve(result);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection_refused',
  ENOTFOUND: 'name_not_found',
  // Nobody could say: that is no word about the name.
  EAI_AGAIN: 'name_server_failed',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
};

function notSentReason(error: Error): string {
  return reasons[codeOf(error)] ?? 'connection_failed';
}

/** For people, and bounded: an error of the network may quote what the other side sent. */
function describe(error: Error): string {
  const code = codeOf(error);
  return storableText(`${code === '' ? '' : `${code}: `}${error.message}`.slice(0, 200));
}

function codeOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  return String((inner as { code?: unknown })?.code ?? '');
}

import { Pool } from 'undici';
import { callOnce, type MadeCall, type OnceCall } from './call-once.ts';

const headerBytesMax = 16_384;
const keepAliveMs = 4_000;

export interface TransportOptions {
  readonly baseUrl: string;
  /** Calls that may be on the network at once; one more waits for a connection. */
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly monotonicMs: () => number;
}

/** The way to one provider: every protocol over HTTP makes its calls through it. */
export interface Transport {
  /** Makes one call at most once; its path is below the provider's base URL. Never throws. */
  call(call: OnceCall): MadeCall;
  /** Ends every call and closes the connections. */
  close(): Promise<void>;
}

export function httpTransport(options: TransportOptions): Transport {
  const base = new URL(options.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const pool = new Pool(base.origin, {
    connections: options.connectionsMax,
    // One call at a time on a connection: a call that is lost takes no other with it.
    pipelining: 1,
    // callOnce relies on the HTTP/1.1 client's order of steps.
    allowH2: false,
    connect: { timeout: options.connectTimeoutMs, allowH2: false },
    keepAliveTimeout: keepAliveMs,
    // Whatever the provider offers: a call on a connection it is just closing would be lost.
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: headerBytesMax,
  });
  return {
    call: (call) => callOnce(pool, { ...call, path: `${prefix}${call.path}` }, options.monotonicMs),
    close: () => pool.destroy(),
  };
}

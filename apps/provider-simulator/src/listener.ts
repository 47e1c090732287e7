import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const KEEP_ALIVE_MS = 65_000;
const IDLE_CHECK_MS = 20;

/** A listening port that can be closed and opened again: Fastify itself can't listen twice. */
export class Listener {
  readonly #handler: RequestListener;
  readonly #host: string;
  #port: number;
  #server: Server | null = null;

  constructor(handler: RequestListener, host: string, port: number) {
    this.#handler = handler;
    this.#host = host;
    this.#port = port;
  }

  get listening(): boolean {
    return this.#server !== null;
  }

  /** The real port once it listened for the first time; it stays the same after. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.#host === '0.0.0.0' ? '127.0.0.1' : this.#host}:${this.#port}`;
  }

  /** @throws when the port is taken */
  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, this.#handler);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => console.error(`listener on port ${this.#port}: ${error.message}`));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Stops listening and destroys every connection. */
  async refuse(): Promise<void> {
    await this.close(0);
  }

  /** Stops listening, lets requests in flight finish for at most `drainMsMax`, then destroys the rest. */
  async close(drainMsMax: number): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    if (drainMsMax === 0) server.closeAllConnections();
    else server.closeIdleConnections();
    // A kept-alive connection becomes idle only after its last reply, and Node doesn't close it then by itself.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    const timer = setTimeout(() => server.closeAllConnections(), drainMsMax);
    await closed;
    clearInterval(idle);
    clearTimeout(timer);
  }
}

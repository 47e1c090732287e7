import type { Socket } from 'node:net';
import pg from 'pg';
import { CopyIn } from './copy-rows.ts';

type Query = typeof pg.Client.prototype.query;
type Live = InstanceType<ReturnType<typeof impatientClients>>;

/** What pg's types keep to themselves. */
interface Connected {
  readonly connection: { readonly stream: Pick<Socket, 'cork' | 'uncork' | 'destroy'> };
}

/**
 * The clients of one pool. A server (or the way to it) that vanishes without a word leaves connections that take
 * queries and answer none. pg's query timeout gives up the query, but the pool would hand the connection out again and
 * again. So a client whose query timed out destroys its connection; and so do its idle neighbours that were not heard
 * of since that query was sent: each would cost its next user another timeout.
 */
export function impatientClients() {
  const live = new Set<Live>();
  return class ImpatientClient extends pg.Client {
    #running = 0;
    #heardAtMs = performance.now();
    #isCorked = false;

    constructor(config?: pg.ClientConfig) {
      super(config);
      live.add(this);
      this.once('end', () => live.delete(this));
      // Pool and query runner listen by turns. A connection that ends between two turns would end the process; whoever
      // uses it next is told by his query.
      this.on('error', () => {});
    }

    override query: Query = ((...args: Parameters<Query>) => {
      const startedMs = performance.now();
      this.#running++;
      this.#cork();
      const answer = (super.query as (...args: unknown[]) => unknown)(...args);
      // A caller with a callback gets no promise; the pool and TypeORM have none.
      const ended = (answer instanceof CopyIn ? answer.ended : answer) as Promise<unknown> | undefined;
      void ended?.then?.(
        () => this.#heard(),
        (error: unknown) => this.#failed(error, startedMs),
      );
      return answer;
    }) as Query;

    /** What is asked without waiting for an answer goes to the server in one piece, and wakes it once. */
    #cork(): void {
      if (this.#isCorked) return;
      this.#isCorked = true;
      const { stream } = (this as unknown as Connected).connection;
      stream.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        stream.uncork();
      });
    }

    /** Destroys the connection unless a query runs on it or it was heard of since. */
    giveUpIfIdle(error: Error, sinceMs: number): void {
      if (this.#running === 0 && this.#heardAtMs < sinceMs) this.#giveUp(error);
    }

    #heard(): void {
      this.#running--;
      this.#heardAtMs = performance.now();
    }

    #failed(error: unknown, startedMs: number): void {
      // Any other error is an answer, or the end of this connection.
      if (!isReadTimeout(error)) {
        this.#heard();
        return;
      }
      this.#running--;
      this.#giveUp(error);
      for (const other of live) other.giveUpIfIdle(error, startedMs);
    }

    #giveUp(error: Error): void {
      live.delete(this);
      // Whoever holds the client gives it back as broken now; when the socket's own end is seen is too late for that.
      this.emit('error', error);
      (this as unknown as Connected).connection.stream.destroy();
    }
  };
}

function isReadTimeout(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/** One POST; nothing of it is shared with another. */
export interface Post {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** What came of many posts: all were answered by 202, or the run has failed. */
export interface Load {
  readonly seconds: number;
  /** Of each post, in milliseconds, ascending. */
  readonly latenciesMs: Float64Array;
  readonly bodies: readonly string[];
  /** When each post was due (open loop) or begun (closed loop), on `performance`'s clock, in the order of the posts. */
  readonly begunMs: Float64Array;
}

const connections = 64;

/** A client with 64 kept connections, one request in flight on each. */
export class LoadClient {
  readonly #pool: Pool;
  readonly #path: string;

  constructor(origin: string, path: string) {
    this.#pool = new Pool(origin, {
      connections,
      pipelining: 1,
      headersTimeout: 60_000,
      bodyTimeout: 60_000,
    });
    this.#path = path;
  }

  /** Closed loop: every connection sends its next post when it has the answer to the last. @throws Error at an answer but 202 */
  async closed(posts: readonly Post[]): Promise<Load> {
    const latenciesMs = new Float64Array(posts.length);
    const begunMs = new Float64Array(posts.length);
    const bodies: string[] = new Array(posts.length);
    const started = performance.now();
    let next = 0;
    const sender = async () => {
      while (next < posts.length) {
        const index = next++;
        begunMs[index] = performance.now();
        bodies[index] = await this.#post(posts[index]!);
        latenciesMs[index] = performance.now() - begunMs[index];
      }
    };
    await Promise.all(Array.from({ length: connections }, sender));
    const seconds = (performance.now() - started) / 1000;
    return { seconds, latenciesMs: latenciesMs.sort(), bodies, begunMs };
  }

  /** Open loop: a post is due every so often, whatever became of those before, and waits from then on. @throws as closed */
  async open(posts: readonly Post[], perSecond: number): Promise<Load> {
    const latenciesMs = new Float64Array(posts.length);
    const begunMs = new Float64Array(posts.length);
    const bodies: string[] = new Array(posts.length);
    const answers: Promise<void>[] = [];
    const started = performance.now();
    for (let index = 0; index < posts.length; ) {
      const due = Math.min(posts.length, Math.floor(((performance.now() - started) / 1000) * perSecond) + 1);
      for (; index < due; index++) {
        const place = index;
        const dueMs = started + (place / perSecond) * 1000;
        begunMs[place] = dueMs;
        answers.push(
          this.#post(posts[place]!).then((body) => {
            latenciesMs[place] = performance.now() - dueMs;
            bodies[place] = body;
          }),
        );
      }
      await sleep(1);
    }
    await Promise.all(answers);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, latenciesMs: latenciesMs.sort(), bodies, begunMs };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #post({ headers, body }: Post): Promise<string> {
    return new Promise((resolve, reject) => {
      let status = 0;
      let text = '';
      this.#pool.dispatch(
        { path: this.#path, method: 'POST', headers, body },
        {
          onRequestStart: () => {},
          onResponseStart: (_, statusCode) => {
            status = statusCode;
          },
          onResponseData: (_, chunk) => {
            text += chunk.toString('latin1');
          },
          onResponseEnd: () => {
            if (status === 202) resolve(text);
            else reject(new Error(`answered ${status}: ${text}`));
          },
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  }
}

/** The value below which so many of a hundred lie. */
export function percentile(ascending: Float64Array, hundredths: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * hundredths) / 100))]!;
}

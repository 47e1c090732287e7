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
  /** How often one was told to come again later, and did. */
  readonly putOff: number;
}

/** What was answered to one post. */
export interface Answered {
  readonly status: number;
  /** As the header says it; null: there is none. */
  readonly retryAfter: string | null;
  readonly body: string;
  /** From when it was due. */
  readonly latencyMs: number;
}

const connectionsDefault = 64;

/** A client with kept connections, one request in flight on each. */
export class LoadClient {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #connections: number;
  readonly #isPatient: boolean;
  #putOff = 0;

  /** `isPatient`: who is told to come later (503 with Retry-After) comes again then, which is in its latency. */
  constructor(origin: string, path: string, connections = connectionsDefault, isPatient = false) {
    this.#connections = connections;
    this.#isPatient = isPatient;
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
    const putOff = this.#putOff;
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
    await Promise.all(Array.from({ length: this.#connections }, sender));
    const seconds = (performance.now() - started) / 1000;
    return { seconds, latenciesMs: latenciesMs.sort(), bodies, begunMs, putOff: this.#putOff - putOff };
  }

  /** Open loop: a post is due every so often, whatever became of those before, and waits from then on. @throws as closed */
  async open(posts: readonly Post[], perSecond: number): Promise<Load> {
    const begunMs = new Float64Array(posts.length);
    const putOff = this.#putOff;
    const { seconds, answers } = await this.#paced(posts, perSecond, async (post, place, dueMs) => {
      begunMs[place] = dueMs;
      const body = await this.#post(post);
      return { body, latencyMs: performance.now() - dueMs };
    });
    const latenciesMs = Float64Array.from(answers, ({ latencyMs }) => latencyMs).sort();
    const bodies = answers.map(({ body }) => body);
    return { seconds, latenciesMs, bodies, begunMs, putOff: this.#putOff - putOff };
  }

  /** As {@link open}, whatever the answers are. */
  async flood(posts: readonly Post[], perSecond: number): Promise<Answered[]> {
    const { answers } = await this.#paced(posts, perSecond, async (post, _, dueMs) => {
      const answer = await this.#send(post);
      return { ...answer, latencyMs: performance.now() - dueMs };
    });
    return answers;
  }

  async #paced<Answer>(
    posts: readonly Post[],
    perSecond: number,
    send: (post: Post, place: number, dueMs: number) => Promise<Answer>,
  ): Promise<{ seconds: number; answers: Answer[] }> {
    const answers: Promise<Answer>[] = [];
    const started = performance.now();
    for (let index = 0; index < posts.length; ) {
      const due = Math.min(posts.length, Math.floor(((performance.now() - started) / 1000) * perSecond) + 1);
      for (; index < due; index++)
        answers.push(send(posts[index]!, index, started + (index / perSecond) * 1000));
      await sleep(1);
    }
    const all = await Promise.all(answers);
    return { seconds: (performance.now() - started) / 1000, answers: all };
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #post(post: Post): Promise<string> {
    for (;;) {
      const { status, body, retryAfter } = await this.#send(post);
      if (status === 202) return body;
      if (!this.#isPatient || status !== 503 || retryAfter === null)
        throw new Error(`answered ${status}: ${body}`);
      this.#putOff += 1;
      await sleep(Number(retryAfter) * 1_000);
    }
  }

  #send({ headers, body }: Post): Promise<Omit<Answered, 'latencyMs'>> {
    return new Promise((resolve, reject) => {
      let [status, text] = [0, ''];
      let retryAfter: string | null = null;
      this.#pool.dispatch(
        { path: this.#path, method: 'POST', headers, body },
        {
          onRequestStart: () => {},
          onResponseStart: (_, statusCode, received) => {
            status = statusCode;
            retryAfter = received['retry-after']?.toString() ?? null;
          },
          onResponseData: (_, chunk) => {
            text += chunk.toString('latin1');
          },
          onResponseEnd: () => resolve({ status, retryAfter, body: text }),
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

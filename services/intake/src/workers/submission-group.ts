import { setTimeout as sleep } from 'node:timers/promises';
import { isSlipstreamError, SlipstreamError } from '@slipstream/kernel';
import { GroupCommit, isTransient } from '@slipstream/postgres';
import { HeldElsewhere } from '../application/ports.ts';
import type { SubmitOutcome, SubmitRequest, Unsettled } from '../application/submit-requests.ts';
import type { UseCases } from '../application/use-cases.ts';

type SubmitAll = UseCases['submitRequests'];

export interface SubmissionGroupOptions {
  /** Requests of one transaction. */
  readonly batchSizeMax?: number;
  /** Requests that may wait for their transaction; one more is refused. */
  readonly waitingMax?: number;
  /** How long a request may be expected to wait for its transaction; one that would wait longer is refused at once. */
  readonly waitMsMax?: number;
  /** Longest wait for an outcome; after it, nobody knows yet whether the slip was made. */
  readonly timeoutMs?: number;
  /** How long a transaction waits for what another one holds, before its requests are put into smaller ones. */
  readonly lockWaitMsMax?: number;
  /** How long a request waits for what another transaction holds, before it is told that one like it is in flight. */
  readonly heldMsMax?: number;
  /** Between two tries of what is held elsewhere. */
  readonly retryMs?: number;
}

/** `held`: its key, its reference or its account is in the hands of another transaction. */
type Tried = SubmitOutcome | Unsettled;

/** Between the beginnings of two transactions; the first after a pause is at once. */
const pauseMs = 20;

/**
 * Lets requests that come together share one transaction, and so one fsync. One whose key another instance holds on to
 * leaves its batch and is tried again beside it, with others of that sort, so that nobody else waits for it.
 */
export class SubmissionGroup {
  readonly #submitAll: SubmitAll;
  readonly #options: Required<SubmissionGroupOptions>;
  readonly #group: GroupCommit<SubmitRequest, Tried>;
  readonly #heldGroup: GroupCommit<SubmitRequest, Tried>;
  /** How many requests wait under a key that is held: a further one waits with them, and not in a batch of others. */
  readonly #heldKeys = new Map<string, number>();

  constructor(submitAll: SubmitAll, options: SubmissionGroupOptions = {}) {
    const { batchSizeMax = 200, waitingMax = 2_000, waitMsMax = 1_000, timeoutMs = 12_000 } = options;
    const { lockWaitMsMax = 100, heldMsMax = 10_000, retryMs = 200 } = options;
    this.#submitAll = submitAll;
    this.#options = { batchSizeMax, waitingMax, waitMsMax, timeoutMs, lockWaitMsMax, heldMsMax, retryMs };
    const onFull = () => overloaded(undefined);
    const flush = (requests: readonly SubmitRequest[]) => this.#flush(requests);
    this.#group = new GroupCommit(flush, { batchSizeMax, waitingMax, pauseMs, onFull });
    this.#heldGroup = new GroupCommit(flush, { batchSizeMax, waitingMax, onFull });
  }

  /** Seconds after which a request may come again that would wait too long now; null: it would not. */
  get shedS(): number | null {
    const waitMs = this.#group.expectedWaitMs;
    return waitMs > this.#options.waitMsMax ? Math.ceil(waitMs / 1_000) : null;
  }

  /** @throws SlipstreamError overloaded; unavailable, when the database cannot say in time what became of it */
  async submit(request: SubmitRequest): Promise<SubmitOutcome> {
    const { shedS } = this;
    if (shedS !== null) throw overloaded(shedS);
    try {
      return await within(this.#options.timeoutMs, this.#submit(request));
    } catch (cause) {
      if (isSlipstreamError(cause) || !isTransient(cause)) throw cause;
      throw unknownOutcome(cause);
    }
  }

  async #submit(request: SubmitRequest): Promise<SubmitOutcome> {
    if (!this.#heldKeys.has(keyOf(request))) {
      const tried = orThrow(await this.#group.submit(request));
      if (tried.type !== 'held') return tried;
    }
    return this.#waitUntilFree(request);
  }

  async #waitUntilFree(request: SubmitRequest): Promise<SubmitOutcome> {
    const { heldMsMax, retryMs } = this.#options;
    const key = keyOf(request);
    const giveUpMs = performance.now() + heldMsMax;
    this.#heldKeys.set(key, (this.#heldKeys.get(key) ?? 0) + 1);
    try {
      while (performance.now() < giveUpMs) {
        const tried = orThrow(await this.#heldGroup.submit(request));
        if (tried.type !== 'held') return tried;
        await sleep(retryMs);
      }
      return { type: 'in_flight' };
    } finally {
      const waiting = this.#heldKeys.get(key)! - 1;
      if (waiting === 0) this.#heldKeys.delete(key);
      else this.#heldKeys.set(key, waiting);
    }
  }

  /** The database does not say which of the requests waits for another transaction: halving the batch finds it. */
  async #flush(requests: readonly SubmitRequest[]): Promise<readonly Tried[]> {
    try {
      return await this.#submitAll(requests, { lockWaitMsMax: this.#options.lockWaitMsMax });
    } catch (error) {
      if (!(error instanceof HeldElsewhere)) throw error;
      if (requests.length === 1) return [{ type: 'held' }];
    }
    const half = requests.length >> 1;
    return [...(await this.#part(requests.slice(0, half))), ...(await this.#part(requests.slice(half)))];
  }

  /** A part that fails takes nothing from another one, which may be committed. */
  async #part(requests: readonly SubmitRequest[]): Promise<readonly Tried[]> {
    try {
      return await this.#flush(requests);
    } catch (cause) {
      return requests.map(() => ({ type: 'failed', cause }));
    }
  }
}

function orThrow(tried: Tried): Exclude<Tried, { readonly type: 'failed' }> {
  if (tried.type === 'failed') throw tried.cause;
  return tried;
}

/** Neither a caller nor a key has a line break in it. */
function keyOf({ submission: { caller }, key }: SubmitRequest): string {
  return `${caller}\n${key}`;
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unknownOutcome(undefined)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function overloaded(retryAfterS: number | undefined): SlipstreamError {
  const options = retryAfterS === undefined ? {} : { retryAfterS };
  return new SlipstreamError('overloaded', 'Too many requests are waiting; try again soon.', options);
}

function unknownOutcome(cause: unknown): SlipstreamError {
  return new SlipstreamError(
    'unavailable',
    'Nobody can say now whether the slip was made; repeat the request with the same Idempotency-Key.',
    { cause },
  );
}

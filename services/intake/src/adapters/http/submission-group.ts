import { isSlipstreamError, SlipstreamError } from '@slipstream/kernel';
import { GroupCommit, isTransient } from '@slipstream/postgres';
import type { SubmitOutcome, SubmitRequest } from '../../application/submit-requests.ts';

type SubmitAll = (requests: readonly SubmitRequest[]) => Promise<readonly SubmitOutcome[]>;

export interface SubmissionGroupOptions {
  /** Requests of one transaction. */
  readonly batchSizeMax?: number;
  /** Requests that may wait for their transaction; one more is refused. */
  readonly waitingMax?: number;
  /** Longest wait for an outcome; after it, nobody knows yet whether the slip was made. */
  readonly timeoutMs?: number;
}

/** Lets requests that come together share one transaction, and so one fsync. */
export class SubmissionGroup {
  readonly #submitAll: SubmitAll;
  readonly #group: GroupCommit<SubmitRequest, SubmitOutcome>;
  readonly #timeoutMs: number;

  constructor(submitAll: SubmitAll, options: SubmissionGroupOptions = {}) {
    const { batchSizeMax = 200, waitingMax = 2_000, timeoutMs = 12_000 } = options;
    this.#submitAll = submitAll;
    this.#timeoutMs = timeoutMs;
    this.#group = new GroupCommit((requests) => this.#flush(requests), {
      batchSizeMax,
      waitingMax,
      onFull: () => new SlipstreamError('overloaded', 'Too many requests are waiting; try again soon.'),
    });
  }

  /** @throws SlipstreamError overloaded; unavailable, when the database cannot say in time what became of it */
  async submit(request: SubmitRequest): Promise<SubmitOutcome> {
    try {
      return await within(this.#timeoutMs, this.#group.submit(request));
    } catch (cause) {
      if (isSlipstreamError(cause) || !isTransient(cause)) throw cause;
      throw unknownOutcome(cause);
    }
  }

  /** A key that another instance holds on to must not cost the others their answer: then each goes alone. */
  async #flush(requests: readonly SubmitRequest[]): Promise<readonly SubmitOutcome[]> {
    try {
      return await this.#submitAll(requests);
    } catch (error) {
      if (!isSlipstreamError(error) || error.code !== 'idempotency_in_flight') throw error;
      if (requests.length === 1) return [{ type: 'in_flight' }];
    }
    const outcomes: SubmitOutcome[] = [];
    for (const request of requests) outcomes.push(...(await this.#flush([request])));
    return outcomes;
  }
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

function unknownOutcome(cause: unknown): SlipstreamError {
  return new SlipstreamError(
    'unavailable',
    'Nobody can say now whether the slip was made; repeat the request with the same Idempotency-Key.',
    { cause },
  );
}

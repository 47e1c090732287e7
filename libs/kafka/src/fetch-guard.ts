/** One answer of the broker. */
export interface FetchAnswer {
  /** The offset that was asked for. */
  readonly fetchedOffset: number;
  readonly lastOffset: number;
  readonly highWatermark: number;
}

export type FetchVerdict =
  | { readonly kind: 'handle' }
  | { readonly kind: 'seek'; readonly offset: number }
  | { readonly kind: 'lost'; readonly why: string };

const handle: FetchVerdict = { kind: 'handle' };

/**
 * Kafka clients reset an out-of-range offset without a word (K3), and after a rebalance they start from the group's
 * stale offset. So an answer is taken only when it continues what is stored; else the stored offset is asked for
 * once more, and a second wrong answer means that records are gone.
 */
export class FetchGuard {
  #reached: number;
  #asked = false;

  /** `nextOffset`: the stored offset, -1 when nothing was ever handled. */
  constructor(nextOffset: number) {
    this.#reached = nextOffset;
  }

  /** The stored offset, or past it what the client filtered out since; -1 when nothing is known. */
  get reached(): number {
    return this.#reached;
  }

  advanced(nextOffset: number): void {
    if (nextOffset > this.#reached) this.#reached = nextOffset;
  }

  /** The client saw only control records or aborted transactions and moved past them. */
  filtered(firstOffset: number, lastOffset: number): void {
    if (firstOffset <= Math.max(this.#reached, 0)) this.advanced(lastOffset + 1);
  }

  /** `logStart` gives the first offset the log still has; it is asked only by a group that has no stored offset. */
  async check(
    answer: FetchAnswer,
    nextOffset: number,
    logStart: () => Promise<number>,
  ): Promise<FetchVerdict> {
    if (nextOffset < 0) return this.#checkStart(answer.fetchedOffset, logStart);
    const verdict = this.#checkContinues(answer, nextOffset);
    this.#asked = verdict.kind === 'seek';
    return verdict;
  }

  /** Nothing but the beginning, whatever offset Kafka has for the group. */
  async #checkStart(fetchedOffset: number, logStart: () => Promise<number>): Promise<FetchVerdict> {
    if (fetchedOffset <= Math.max(this.#reached, 0)) return handle;
    const start = await logStart();
    if (fetchedOffset <= start) return handle;
    this.advanced(start);
    return { kind: 'seek', offset: start };
  }

  #checkContinues(
    { fetchedOffset, lastOffset, highWatermark }: FetchAnswer,
    nextOffset: number,
  ): FetchVerdict {
    const seek: FetchVerdict = { kind: 'seek', offset: nextOffset };
    if (fetchedOffset > this.#reached) {
      if (!this.#asked) return seek;
      const why = `offsets ${this.#reached} to ${fetchedOffset - 1} are gone, the log begins at ${fetchedOffset}`;
      return { kind: 'lost', why };
    }
    if (lastOffset >= nextOffset) return handle;
    if (!this.#asked || highWatermark >= nextOffset) return seek;
    return { kind: 'lost', why: logTooShort(highWatermark, nextOffset) };
  }
}

export function logTooShort(end: number, nextOffset: number): string {
  return `the log ends at ${end}, before the stored offset ${nextOffset}: the topic was made anew or restored`;
}

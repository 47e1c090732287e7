const recentMs = 30_000;

/**
 * Whether records came within the last 30 s: where nobody says which times he waits for, ticks are prompt as long as
 * something changes (rule 6), and once a second after that.
 */
export class RecentBatches {
  #lastBatchMs = Number.NEGATIVE_INFINITY;

  readonly sawBatch = (): void => {
    this.#lastBatchMs = performance.now();
  };

  readonly any = async (): Promise<boolean> => performance.now() - this.#lastBatchMs < recentMs;
}

/** A partition of which nothing was handled for longer has nothing waiting, or stands still, which others tell of. */
const rememberedMs = 2_000;

/** What a tick can tell, 24 days. */
const behindMsMax = 2_147_483_647;

/** How long records lay on their topic before they were handled here. */
export class Behind {
  readonly #clocks: { readonly nowMs: () => number; readonly monotonicMs: () => number };
  readonly #last = new Map<number, { readonly behindMs: number; readonly atMs: number }>();

  /** `nowMs`: the wall clock, as the broker's. */
  constructor(clocks = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }) {
    this.#clocks = clocks;
  }

  /** Records of a partition, the first of them appended at `appendedMs`, were handled. */
  handled(partition: number, appendedMs: number): void {
    const { nowMs, monotonicMs } = this.#clocks;
    this.#last.set(partition, { behindMs: Math.max(0, nowMs() - appendedMs), atMs: monotonicMs() });
  }

  /** The longest of late, of all partitions that this instance owns. */
  get ms(): number {
    const since = this.#clocks.monotonicMs() - rememberedMs;
    let longest = 0;
    for (const { behindMs, atMs } of this.#last.values())
      if (atMs >= since) longest = Math.max(longest, behindMs);
    return Math.min(behindMsMax, Math.round(longest));
  }
}

/** How one call ended. */
export interface EndedCallSign {
  readonly atMs: number;
  readonly tookMs: number;
  readonly isFailure: boolean;
  readonly isTimeout: boolean;
}

const callsMax = 200;
const ageMsMax = 60_000;

/** The latest calls to one provider, at most 200 of the last minute. */
export class CallWindow {
  #calls: EndedCallSign[] = [];

  note(call: EndedCallSign): void {
    this.#calls.push(call);
    if (this.#calls.length > 2 * callsMax) this.#calls = this.#calls.slice(-callsMax);
  }

  /** What they came to, at this time of the monotonic clock. */
  summary(nowMs: number) {
    const calls = this.#calls.slice(-callsMax).filter(({ atMs }) => nowMs - atMs <= ageMsMax);
    const tookMs = calls.map((call) => call.tookMs).sort((a, b) => a - b);
    // The nearest rank: the least that so many calls did not exceed.
    const percentile = (share: number) =>
      tookMs.length === 0 ? null : Math.round(tookMs[Math.ceil(share * tookMs.length) - 1]!);
    return {
      calls: calls.length,
      failures: calls.filter((call) => call.isFailure).length,
      timeouts: calls.filter((call) => call.isTimeout).length,
      p50Ms: percentile(0.5),
      p95Ms: percentile(0.95),
      p99Ms: percentile(0.99),
    };
  }
}

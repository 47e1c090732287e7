/** Of what came from outside. By then people have been told, and it may be the trouble of one row: it holds nothing back any more. */
export const answerHoldsMsMax = 600_000;
/** Of a partition of ours: nobody outside waits for it, and its slips tell by themselves that they were not passed on. */
export const partitionHoldsMsMax = 60_000;

/**
 * What this service has read and cannot write. Whoever goes on speaking meanwhile makes its own delay look like that of whoever
 * gave the answer: as long as there is any no watermark is told (rule 6), so that the service is silent and told to be to blame.
 */
export class Unwritten {
  readonly #monotonicMs: () => number;
  /** By way in: until when it holds watermarks back, in monotonic milliseconds. */
  readonly #untilMs = new Map<string, number>();

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** Something that was read on this way could not be written, and will be tried again; counted from the first time. */
  failed(way: string, holdsMsMax = answerHoldsMsMax): void {
    if (!this.#untilMs.has(way)) this.#untilMs.set(way, this.#monotonicMs() + holdsMsMax);
  }

  /** Something else of this way was written: what still cannot be is in a trouble of its own. */
  written(way: string): void {
    if (this.#untilMs.has(way)) this.#untilMs.set(way, Number.NEGATIVE_INFINITY);
  }

  /** Nothing waits on this way any more. */
  done(way: string): void {
    this.#untilMs.delete(way);
  }

  /** The ways in for whose sake no watermark is told. */
  holding(): readonly string[] {
    const nowMs = this.#monotonicMs();
    return [...this.#untilMs].flatMap(([way, untilMs]) => (untilMs > nowMs ? [way] : []));
  }
}

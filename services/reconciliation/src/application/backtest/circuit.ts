/** How a dispatch call ended, as a circuit counts it; `untold`: it was never heard of. */
export type CallEnd = 'answered' | 'failed' | 'refused' | 'untold';

/** One dispatch call, as the log tells of it. `refused`: the circuit that it met was open, and it was never made. */
export interface LoggedCall {
  readonly startMs: number;
  readonly endMs: number;
  readonly end: CallEnd;
}

/** When a circuit opens: more than this share of the last calls failed, of so many at least. */
export interface CircuitWindow {
  readonly failedShare: number;
  readonly calls: number;
  readonly callsMin: number;
}

export interface CircuitCourse {
  readonly opened: number;
  /** How long it was not closed, in all. */
  readonly openMs: number;
  /** Calls of the log that it would have kept from being made. */
  readonly refused: number;
  /** Of those: calls that were made. */
  readonly refusedMade: number;
  /** Calls that were never made, and that it would have let through: they are taken to end as the last one that was made. */
  readonly assumed: number;
}

type State =
  | { readonly is: 'closed' }
  | { readonly is: 'open'; readonly untilMs: number }
  | { readonly is: 'half_open'; readonly trial: Passed };

/** A call that was let through, and whether the circuit was closed then. */
interface Passed {
  readonly endMs: number;
  readonly failed: boolean | null;
  readonly isTrial: boolean;
}

/**
 * What one circuit does with the calls of a provider. It is the gateway's own (cockatiel's CountBreaker, half-open by one call), as a
 * function of the log: test/simulation/circuit.spec.ts holds it to that one. Between two calls of the log nothing is tried.
 * @param calls by their start
 * @param openMs how long it stays open before a call tries it again
 */
export function circuitOver(
  calls: Iterable<LoggedCall>,
  window: CircuitWindow,
  openMs: number,
  endsAtMs: number,
): CircuitCourse {
  const circuit = new Circuit(window, openMs);
  for (const call of calls) circuit.call(call);
  return circuit.ended(endsAtMs);
}

class Circuit {
  readonly #window: CircuitWindow;
  readonly #openMs: number;
  /** Of the last calls, whether each failed. */
  #ends: boolean[] = [];
  #state: State = { is: 'closed' };
  #notClosedSinceMs = 0;
  /** Of the latest call that was really made and has ended. */
  #lastFailed = false;
  /** By their end. */
  readonly #underWay: Passed[] = [];
  readonly #sums = { opened: 0, openMs: 0, refused: 0, refusedMade: 0, assumed: 0 };

  constructor(window: CircuitWindow, openMs: number) {
    this.#window = window;
    this.#openMs = openMs;
  }

  call({ startMs, endMs, end }: LoggedCall): void {
    this.#endThrough(startMs);
    const isMade = end !== 'refused';
    if (!this.#lets(startMs)) {
      this.#sums.refused += 1;
      if (isMade) this.#sums.refusedMade += 1;
      return;
    }
    if (!isMade) this.#sums.assumed += 1;
    const failed = { answered: false, failed: true, untold: null, refused: this.#lastFailed }[end];
    const isTrial = this.#state.is === 'open';
    const passed = { endMs, failed, isTrial };
    if (isTrial) this.#state = { is: 'half_open', trial: passed };
    const at = this.#underWay.findLastIndex((other) => other.endMs <= endMs);
    this.#underWay.splice(at + 1, 0, passed);
  }

  ended(atMs: number): CircuitCourse {
    this.#endThrough(atMs);
    const openMs = this.#state.is === 'closed' ? 0 : Math.max(0, atMs - this.#notClosedSinceMs);
    return { ...this.#sums, openMs: this.#sums.openMs + openMs };
  }

  #lets(atMs: number): boolean {
    return this.#state.is === 'closed' || (this.#state.is === 'open' && atMs >= this.#state.untilMs);
  }

  #endThrough(atMs: number): void {
    while (this.#underWay.length > 0 && this.#underWay[0]!.endMs <= atMs) this.#end(this.#underWay.shift()!);
  }

  #end(passed: Passed): void {
    const { endMs, failed, isTrial } = passed;
    if (failed !== null) this.#lastFailed = failed;
    if (isTrial) {
      // It was opened again meanwhile, by a call from before.
      if (this.#state.is !== 'half_open' || this.#state.trial !== passed) return;
      // One that was never heard of says nothing, and nobody else may try: the process that made it is gone, and its circuit with it.
      if (failed === false || failed === null) this.#close(endMs);
      else {
        this.#count(true);
        this.#open(endMs);
      }
      return;
    }
    if (failed === null) return;
    this.#count(failed);
    if (failed && this.#state.is !== 'open' && this.#isTooMany()) this.#open(endMs);
  }

  #count(failed: boolean): void {
    this.#ends.push(failed);
    if (this.#ends.length > this.#window.calls) this.#ends.shift();
  }

  #isTooMany(): boolean {
    const failures = this.#ends.filter((failed) => failed).length;
    const { callsMin, failedShare } = this.#window;
    return this.#ends.length >= callsMin && failures > failedShare * this.#ends.length;
  }

  #open(atMs: number): void {
    if (this.#state.is === 'closed') this.#notClosedSinceMs = atMs;
    this.#sums.opened += 1;
    this.#state = { is: 'open', untilMs: atMs + this.#openMs };
  }

  /** The call that closed it is the first of a new window. */
  #close(atMs: number): void {
    this.#sums.openMs += atMs - this.#notClosedSinceMs;
    this.#ends = [false];
    this.#state = { is: 'closed' };
  }
}

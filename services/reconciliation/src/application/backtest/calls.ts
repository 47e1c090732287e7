import { instantToMs } from '@slipstream/kernel';
import type { RecordedEvent } from '@slipstream/slip';
import {
  type CallEnd,
  type CircuitCourse,
  type CircuitWindow,
  circuitOver,
  type LoggedCall,
} from './circuit.ts';

/** What a provider's circuit did, and what it would have done. */
export interface CircuitReport {
  readonly provider: string;
  /** Dispatch calls that were made, and those of them that a circuit counts as failed. */
  readonly calls: number;
  readonly failed: number;
  /** How long it stays open. */
  readonly wasOpenMs: number;
  readonly wouldOpenMs: number;
  readonly was: CircuitSums;
  readonly would: CircuitSums;
  /** Calls that were made although one circuit for all instances had been open: each instance has its own. */
  readonly madeWhileOpen: number;
  /** As {@link CircuitCourse.assumed}. */
  readonly assumed: number;
}

export interface CircuitSums {
  readonly opened: number;
  readonly openMs: number;
  /** Calls that were not made, for it was open. */
  readonly refused: number;
}

/** The dispatch calls of the log, by provider: two times and an end each, however many slips there are. */
export class Calls {
  readonly #byProvider = new Map<string, CallsOfProvider>();

  add(events: readonly RecordedEvent[]): void {
    for (const { provider, ...call } of callsOf(events)) {
      const calls = this.#byProvider.get(provider) ?? new CallsOfProvider();
      this.#byProvider.set(provider, calls);
      calls.add(call);
    }
  }

  /** @param untilMs where the log ends */
  report(
    window: CircuitWindow,
    openMs: (provider: string) => { readonly was: number; readonly would: number } | null,
    untilMs: number,
  ): CircuitReport[] {
    const providers = [...this.#byProvider.keys()].sort();
    return providers.flatMap((provider) => {
      const terms = openMs(provider);
      if (terms === null) return [];
      const calls = this.#byProvider.get(provider)!;
      const over = (ms: number) => circuitOver(calls.byStart(), window, ms, untilMs);
      const was = over(terms.was);
      const would = terms.would === terms.was ? was : over(terms.would);
      const { made, failed, refused } = calls.counts();
      // What really was refused is in the log; the same rules refuse the same.
      const sumsOf = ({ opened, openMs }: CircuitCourse, more: number) => ({ opened, openMs, refused: more });
      return {
        ...{ provider, calls: made, failed, wasOpenMs: terms.was, wouldOpenMs: terms.would },
        was: sumsOf(was, refused),
        would: sumsOf(would, would === was ? refused : would.refused),
        ...{ madeWhileOpen: was.refusedMade, assumed: would === was ? 0 : would.assumed },
      };
    });
  }
}

const ends: readonly CallEnd[] = ['answered', 'failed', 'refused', 'untold'];

class CallsOfProvider {
  #starts = new Float64Array(1_024);
  #tooks = new Float64Array(1_024);
  #ends = new Uint8Array(1_024);
  #count = 0;

  add({ startMs, endMs, end }: LoggedCall): void {
    if (this.#count === this.#ends.length) this.#grow();
    this.#starts[this.#count] = startMs;
    this.#tooks[this.#count] = endMs - startMs;
    this.#ends[this.#count] = ends.indexOf(end);
    this.#count += 1;
  }

  *byStart(): Generator<LoggedCall> {
    const starts = this.#starts;
    const order = Uint32Array.from({ length: this.#count }, (_, at) => at);
    order.sort((a, b) => starts[a]! - starts[b]! || a - b);
    for (const at of order) {
      const startMs = starts[at]!;
      yield { startMs, endMs: startMs + this.#tooks[at]!, end: ends[this.#ends[at]!]! };
    }
  }

  counts(): { readonly made: number; readonly failed: number; readonly refused: number } {
    const of = (end: CallEnd) => {
      const n = ends.indexOf(end);
      return this.#ends.subarray(0, this.#count).reduce((sum, one) => (one === n ? sum + 1 : sum), 0);
    };
    const refused = of('refused');
    return { made: this.#count - refused, failed: of('failed'), refused };
  }

  #grow(): void {
    const length = this.#count + (this.#count >> 1);
    const [starts, tooks, ends] = [
      new Float64Array(length),
      new Float64Array(length),
      new Uint8Array(length),
    ];
    starts.set(this.#starts);
    tooks.set(this.#tooks);
    ends.set(this.#ends);
    [this.#starts, this.#tooks, this.#ends] = [starts, tooks, ends];
  }
}

type CallOfSlip = LoggedCall & { readonly provider: string };

/** From the intent to what came of it; one whose end the log does not have yet is left out. */
function* callsOf(events: readonly RecordedEvent[]): Generator<CallOfSlip> {
  let open: { readonly provider: string; readonly startMs: number } | null = null;
  for (const { event, time } of events) {
    if (event.type === 'DispatchIntended') {
      open = { provider: event.data.provider, startMs: instantToMs(time) };
      continue;
    }
    const end = open && endBy(event, open.provider);
    if (open === null || end === null) continue;
    yield { ...open, endMs: instantToMs(time), end };
    open = null;
  }
}

/** As the gateway's circuit counts it: that we were too late ourselves is no word about the provider. */
function endBy(event: RecordedEvent['event'], provider: string): CallEnd | null {
  switch (event.type) {
    case 'DispatchNotSent':
      if (event.data.reason === 'circuit_open') return 'refused';
      return event.data.reason === 'too_late' ? 'answered' : 'failed';
    case 'DispatchUnanswered':
      return takenOver.has(event.data.reason) ? 'untold' : 'failed';
    case 'SlipAcknowledged':
    case 'SlipProgressed':
    case 'SlipReturned':
    case 'AnswerDoubted':
      return event.data.provider === provider ? 'answered' : null;
    default:
      return null;
  }
}

/** What became of it was never heard by whoever made it. */
const takenOver: ReadonlySet<string> = new Set(['restart', 'not_recorded']);

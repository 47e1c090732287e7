import { decodeTick, type PartitionMark, type Tick, tickKey } from '@slipstream/contracts';

interface Entry {
  readonly tick: Tick;
  readonly arrivedMs: number;
  /** How old the record was when it arrived. */
  readonly ageMs: number;
}

/** The latest tick of each source and clock, in memory. A mark never goes back, whatever is read again. */
export class TickBook {
  readonly #entries = new Map<string, Entry>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Takes one record of the watermark topic: a tick, or with a null value the end of its key. Gives the merged tick
   * when it says something not older than what is known, else null. @throws `undecodable_record`
   */
  apply(key: string, value: Buffer | null, ageMs: number): Tick | null {
    if (value === null) {
      this.#entries.delete(key);
      return null;
    }
    const tick = decodeTick(value);
    const known = this.#entries.get(tickKey(tick.source, tick.clock))?.tick;
    const merged = known ? merge(known, tick) : tick;
    if (merged === null) return null;
    const entry = { tick: merged, arrivedMs: this.#monotonicMs(), ageMs: Math.max(0, ageMs) };
    this.#entries.set(tickKey(tick.source, tick.clock), entry);
    return merged;
  }

  latest(source: string, clock: string): Tick | undefined {
    return this.#entries.get(tickKey(source, clock))?.tick;
  }

  /** Every clock that some source has spoken of. */
  clocks(): string[] {
    return [...new Set([...this.#entries.values()].map(({ tick }) => tick.clock))];
  }

  /** Milliseconds since the source last spoke; Infinity when it never did. */
  ageMs(source: string, clock: string): number {
    const entry = this.#entries.get(tickKey(source, clock));
    return entry ? entry.ageMs + this.#monotonicMs() - entry.arrivedMs : Number.POSITIVE_INFINITY;
  }
}

/** Per partition the later mark; null when all that `next` says is older than what is known. */
function merge(known: Tick, next: Tick): Tick | null {
  const marks = new Map<number, PartitionMark>(known.marks.map((mark) => [mark.partition, mark]));
  let news = next.closed && !known.closed;
  for (const mark of next.marks) {
    const before = marks.get(mark.partition);
    if (before && isOlder(mark, before)) continue;
    marks.set(mark.partition, mark);
    news = true;
  }
  return news ? { ...next, marks: [...marks.values()], closed: known.closed || next.closed } : null;
}

function isOlder(mark: PartitionMark, than: PartitionMark): boolean {
  return mark.time < than.time || (mark.time === than.time && mark.offset < than.offset);
}

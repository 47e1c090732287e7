import { decodeTick, isOwnSource, type PartitionMark, type Tick, tickKey } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import { delayMsOf, type SkewSample, skewMsOf, steppedBackMs, wasSetBack, withSample } from './clock-skew.ts';

interface Entry {
  readonly tick: Tick;
  readonly arrivedMs: number;
  /** How old the record was when it arrived. */
  readonly ageMs: number;
  readonly samples: readonly SkewSample[];
  /** When its record was appended, by the broker's clock. */
  readonly appendedMs: number;
  /** When the first tick came that was read behind the one before it; null: none did. */
  readonly setBackAtMs: number | null;
}

/** What the ticks of one source say about its database's clock. */
export interface SourceClock {
  /** Ahead of the broker's clock (negative: behind), in milliseconds; null: it does not say. */
  readonly skewMs: number | null;
  /** It stepped back this far behind what was vouched for by it. */
  readonly steppedBackMs: number;
}

const staleMs = 60_000;

/** The latest tick of each source and clock, in memory. A mark never goes back, whatever is read again. */
export class TickBook {
  readonly #entries = new Map<string, Entry>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Takes one record of the watermark topic: a tick, or with a null value the end of its key. Gives the merged tick
   * when its marks say something not older than what is known, else null. `appendedMs`: the record's timestamp.
   * @throws `undecodable_record`
   */
  apply(
    key: string,
    value: Buffer | null,
    { appendedMs, nowMs }: { appendedMs: number; nowMs: number },
  ): Tick | null {
    if (value === null) {
      this.#entries.delete(key);
      return null;
    }
    const tick = decodeTick(value);
    // Strangers' ticks would be kept for ever, each with a clock that everybody waits for (rule 5).
    if (!isOwnSource(tick.source) || tickKey(tick.source, tick.clock) !== key) {
      throw new SlipstreamError('undecodable_record', `no tick of ${tick.source.slice(0, 200)} has this key`);
    }
    const known = this.#entries.get(tickKey(tick.source, tick.clock));
    const { merged, news } = known ? merge(known.tick, tick) : { merged: tick, news: true };
    const arrivedMs = this.#monotonicMs();
    const ageMs = Math.max(0, nowMs - appendedMs);
    const delayMs = delayMsOf(tick, appendedMs);
    const samples = known?.samples ?? [];
    // A record that is read again is no step.
    const isSetBack = known && appendedMs >= known.appendedMs && wasSetBack(known.tick, tick);
    const setBackAtMs = isSetBack ? arrivedMs - ageMs : (known?.setBackAtMs ?? null);
    this.#entries.set(tickKey(tick.source, tick.clock), {
      ...{ tick: merged, arrivedMs, ageMs, appendedMs, setBackAtMs },
      samples: delayMs === null ? samples : withSample(samples, { arrivedMs: arrivedMs - ageMs, delayMs }),
    });
    return news ? merged : null;
  }

  latest(source: string, clock: string): Tick | undefined {
    return this.#entries.get(tickKey(source, clock))?.tick;
  }

  /** Every clock that some source has spoken of. */
  clocks(): string[] {
    return [...new Set([...this.#entries.values()].map(({ tick }) => tick.clock))];
  }

  /** What is known of the clock of a source's database; of one that never spoke, nothing. */
  sourceClock(source: string, clock: string): SourceClock {
    const entry = this.#entries.get(tickKey(source, clock));
    // What was said long ago, perhaps before a clock was put right, says nothing about now.
    if (!entry || this.ageMs(source, clock) > staleMs) return { skewMs: null, steppedBackMs: 0 };
    return { skewMs: skewMsOf(entry.samples, entry.setBackAtMs), steppedBackMs: steppedBackMs(entry.tick) };
  }

  /** Milliseconds since the source last spoke; Infinity when it never did. */
  ageMs(source: string, clock: string): number {
    const entry = this.#entries.get(tickKey(source, clock));
    return entry ? entry.ageMs + this.#monotonicMs() - entry.arrivedMs : Number.POSITIVE_INFINITY;
  }
}

/** Per partition the later mark; the rest is as the source said last. No news: all its marks are older than those known. */
function merge(known: Tick, next: Tick): { readonly merged: Tick; readonly news: boolean } {
  const marks = new Map<number, PartitionMark>(known.marks.map((mark) => [mark.partition, mark]));
  let news = next.closed && !known.closed;
  for (const mark of next.marks) {
    const before = marks.get(mark.partition);
    if (before && isOlder(mark, before)) continue;
    marks.set(mark.partition, mark);
    news = true;
  }
  return { merged: { ...next, marks: [...marks.values()], closed: known.closed || next.closed }, news };
}

function isOlder(mark: PartitionMark, than: PartitionMark): boolean {
  return mark.time < than.time || (mark.time === than.time && mark.offset < than.offset);
}

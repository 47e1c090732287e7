import type { Instant } from '@slipstream/kernel';
import type { PendingEvent, RecordedEvent } from '@slipstream/slip';
import { MarkStore } from '../src/adapters/kafka/mark-store.ts';
import { createDetector } from '../src/application/detect.ts';
import { foldEvents } from '../src/application/fold-events.ts';
import type { OwnedPartitions } from '../src/application/ports.ts';
import { type BudgetRules, noBudget } from '../src/domain/repair/budget.ts';
import type { WatchedSlip } from '../src/domain/watch/watched-slip.ts';
import { MemoryStore } from './memory-store.ts';
import { storyMeans } from './story.ts';

/** A record of one partition: source and seq as rule 5 sees them. */
export interface LogRecord {
  readonly source: string;
  readonly seq: number;
  readonly recorded: RecordedEvent;
}

/** The application on one partition, with its slips in memory instead of PostgreSQL. */
export class MemoryReconciliation {
  readonly marks = new MarkStore();
  readonly #store = new MemoryStore('2026-11-22T10:00:00.000000Z');
  readonly #seqs = new Map<string, number>();
  #nextOffset = 0;
  readonly #detect: () => Promise<void>;

  readonly #budget: BudgetRules;

  constructor(budget = noBudget) {
    this.#budget = budget;
    let ms = 0;
    this.#detect = createDetector({
      ...{ marks: this.marks, means: () => storyMeans, owned: this.#owned(), lookout: this.#store.lookout() },
      budget: this.#budget,
      clocks: () => ({ trouble: null, spreadMs: 0 }),
      monotonicMs: () => (ms += 400),
    });
  }

  get now(): Instant {
    return this.#store.now;
  }

  set now(now: Instant) {
    this.#store.now = now;
  }

  get decided(): readonly PendingEvent[] {
    return this.#store.published;
  }

  /** Reads records from `offset`: those seen before are passed over by their seq (rule 5). */
  async read(records: readonly LogRecord[], offset: number): Promise<void> {
    const fresh: RecordedEvent[] = [];
    for (const { source, seq, recorded } of records) {
      if (seq <= (this.#seqs.get(source) ?? 0)) continue;
      this.#seqs.set(source, seq);
      fresh.push(recorded);
    }
    await foldEvents(this.#store.unit(), 0, fresh, storyMeans, this.#budget);
    this.#nextOffset = Math.max(this.#nextOffset, offset + records.length);
  }

  detect(): Promise<void> {
    return this.#detect();
  }

  slip(slipId: string): WatchedSlip | undefined {
    return this.#store.slip(slipId);
  }

  #owned(): OwnedPartitions {
    return {
      nextOffsets: () => new Map([[0, this.#nextOffset]]),
      inPartition: async (_, work) => {
        await work(this.#store.unit());
        return true;
      },
    };
  }
}

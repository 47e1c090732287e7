import {
  bucketOf,
  type DelayCount,
  type DelayKind,
  type DelaySummary,
  delayKinds,
  type ObservedDelay,
  summarize,
} from '../domain/provider/delays.ts';
import type { Store } from './ports.ts';

/** Collects observed delays, so that none costs a statement: {@link keep} writes them from time to time. */
export class DelayLog {
  readonly #counts = new Map<string, DelayCount>();

  note(observed: Iterable<ObservedDelay>): void {
    for (const { provider, kind, ms } of observed) this.#add({ provider, kind, bucket: bucketOf(ms), n: 1 });
  }

  /** Writes what was collected; what could not be written is collected still. @returns how many counts were written */
  async keep(store: Store): Promise<number> {
    const counts = [...this.#counts.values()];
    if (counts.length === 0) return 0;
    this.#counts.clear();
    try {
      await store.run((tx) => tx.delays.add(counts));
    } catch (error) {
      for (const count of counts) this.#add(count);
      throw error;
    }
    return counts.length;
  }

  #add(count: DelayCount): void {
    const key = `${count.provider} ${count.kind} ${count.bucket}`;
    this.#counts.set(key, { ...count, n: count.n + (this.#counts.get(key)?.n ?? 0) });
  }
}

export type ObservedDelays = Readonly<Record<DelayKind, DelaySummary>>;

/** What was observed of one provider, of its counts. */
export function observedDelays(counts: readonly DelayCount[]): ObservedDelays {
  const of = (kind: DelayKind) =>
    summarize(new Map(counts.filter((one) => one.kind === kind).map(({ bucket, n }) => [bucket, n])));
  return Object.fromEntries(delayKinds.map((kind) => [kind, of(kind)])) as Record<DelayKind, DelaySummary>;
}

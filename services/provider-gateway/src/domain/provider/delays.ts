/**
 * What is observed beside what a provider declares. `acceptance`: from the call to its word that it has the slip; from `not_after`, where
 * it denied it before. `visibility`: how long after the call it still denied a slip that it has. `callback`: from what its callback tells
 * of until it is here, by the provider's clock.
 */
export const delayKinds = ['acceptance', 'visibility', 'callback'] as const;
export type DelayKind = (typeof delayKinds)[number];

export interface ObservedDelay {
  readonly provider: string;
  readonly kind: DelayKind;
  readonly ms: number;
}

/** Delays of one provider, kind and bucket. */
export interface DelayCount {
  readonly provider: string;
  readonly kind: DelayKind;
  readonly bucket: number;
  readonly n: number;
}

/** Beyond a year, about. */
const bucketMax = 70;

/** Buckets grow by the square root of two: what is told of one is at most 42 % too long. */
export function bucketOf(ms: number): number {
  return ms <= 1 ? 0 : Math.min(bucketMax, Math.ceil(2 * Math.log2(ms)));
}

/** The longest delay of a bucket, in milliseconds. */
export function upToMs(bucket: number): number {
  return Math.round(2 ** (bucket / 2));
}

export interface DelaySummary {
  readonly count: number;
  /** So many of a hundred took no longer, in milliseconds; null: there was none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** @param counts how many delays fell into each bucket */
export function summarize(counts: ReadonlyMap<number, number>): DelaySummary {
  const buckets = [...counts].filter(([, n]) => n > 0).toSorted(([a], [b]) => a - b);
  const count = buckets.reduce((all, [, n]) => all + n, 0);
  const within = (share: number) => {
    let left = Math.ceil(share * count);
    const found = buckets.find(([, n]) => {
      left -= n;
      return left <= 0;
    });
    return found ? upToMs(found[0]) : null;
  };
  return { count, p50Ms: within(0.5), p95Ms: within(0.95), p99Ms: within(0.99), maxMs: within(1) };
}

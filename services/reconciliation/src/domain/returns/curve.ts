/** Ages fall into buckets, four to a doubling: those of a bucket differ by at most 19 %. */
const bucketsPerDoubling = 4;
const bucketCount = 128;

/** The longest age of each bucket, in milliseconds; of the last one 41 days. */
const edges = Array.from({ length: bucketCount }, (_, bucket) =>
  Math.round(2 ** (bucket / bucketsPerDoubling)),
);

/** The bucket of an age in milliseconds; what is older than the last one is in it. */
export function bucketOf(ageMs: number): number {
  let low = 0;
  let high = bucketCount - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! >= ageMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * How the outcomes of one provider on one route come back: of the slips whose age reached a bucket, how many returned in
 * it. Slips that were followed for less time count up to there alone (Kaplan and Meier, "Nonparametric estimation from
 * incomplete observations", JASA 53, 1958). Older slips count less: half after each half-life.
 */
export interface Curve {
  /** Slips learned from, by their weight. */
  readonly slips: number;
  readonly atRisk: readonly number[];
  readonly returned: readonly number[];
  /** The share that has returned by the end of each bucket. */
  readonly back: readonly number[];
  /** Milliseconds since 1970: the weights are those of that time. */
  readonly asOf: number;
}

export const emptyCurve: Curve = { slips: 0, atRisk: [], returned: [], back: [], asOf: 0 };

/** Slips dispatched together that were followed for `followedMs`, and how many of them returned, by bucket of their age. */
export interface Followed {
  readonly slips: number;
  readonly returned: Readonly<Record<number, number>>;
  readonly followedMs: number;
}

export function learn(
  curve: Curve,
  { slips, returned, followedMs }: Followed,
  at: number,
  halfLifeMs: number,
): Curve {
  const kept = keptAt(curve, at, halfLifeMs);
  const atRisk = edges.map((_, bucket) => (curve.atRisk[bucket] ?? 0) * kept);
  const came = edges.map((_, bucket) => (curve.returned[bucket] ?? 0) * kept);
  let open = slips;
  for (let bucket = 0; bucket < bucketCount && open > 0 && edges[bucket]! <= followedMs; bucket++) {
    const now = Math.min(open, returned[bucket] ?? 0);
    atRisk[bucket]! += open;
    came[bucket]! += now;
    open -= now;
  }
  const asOf = Math.max(at, curve.asOf);
  return { slips: curve.slips * kept + slips, atRisk, returned: came, back: shares(atRisk, came), asOf };
}

/** What is left of the slips learned from, by then. */
export function weightAt(curve: Curve, at: number, halfLifeMs: number): number {
  return curve.slips * keptAt(curve, at, halfLifeMs);
}

function keptAt({ asOf }: Curve, at: number, halfLifeMs: number): number {
  return 0.5 ** (Math.max(0, at - asOf) / halfLifeMs);
}

function shares(atRisk: readonly number[], returned: readonly number[]): number[] {
  let open = 1;
  return atRisk.map((slips, bucket) => {
    if (slips > 0) open *= 1 - Math.min(1, returned[bucket]! / slips);
    return 1 - open;
  });
}

/** The share that has returned by an age; within a bucket it is that of its beginning, so never too much. */
export function returnedBy(curve: Curve, ageMs: number): number {
  if (ageMs < edges[0]!) return 0;
  const bucket = bucketOf(ageMs);
  return curve.back[edges[bucket]! <= ageMs ? bucket : bucket - 1] ?? 0;
}

/** The least age by which at least that share has returned; null: so much never has. */
export function ageOf(curve: Curve, share: number): number | null {
  const bucket = curve.back.findIndex((back) => back >= share);
  return bucket < 0 ? null : edges[bucket]!;
}

/** So many of so many: slips that missed their deadlines, of those that were judged. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

export interface Difference {
  /** The second share less the first one. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Of the standard normal distribution, for a confidence of 95 %. */
const z = 1.959_963_984_540_054;
export const confidence = 0.95;

/**
 * How far two shares lie apart, with the interval in which the true difference lies in 95 of 100 cases: the hybrid score interval
 * without continuity correction (R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
 * eleven methods", Statistics in Medicine 17, 1998, method 10). Unlike the textbook's, it is right for rates near 0. Null: there is
 * nothing to share in one of them.
 */
export function differenceOf(before: Share, after: Share): Difference | null {
  if (before.of === 0 || after.of === 0) return null;
  const [p1, p2] = [before.count / before.of, after.count / after.of];
  const [one, two] = [scoreInterval(before), scoreInterval(after)];
  const value = p2 - p1;
  return {
    value,
    low: Math.max(-1, value - Math.hypot(p2 - two.low, one.high - p1)),
    high: Math.min(1, value + Math.hypot(two.high - p2, p1 - one.low)),
  };
}

/** E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927. */
function scoreInterval({ count, of }: Share): { readonly low: number; readonly high: number } {
  const centre = 2 * count + z ** 2;
  const width = z * Math.sqrt(z ** 2 + (4 * count * (of - count)) / of);
  const scale = 2 * (of + z ** 2);
  return { low: Math.max(0, (centre - width) / scale), high: Math.min(1, (centre + width) / scale) };
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A timer of Node takes no more: a longer one would end at once. */
export const timerMsMax = 2 ** 31 - 1;

/** `90s`, `10m`, `72h`, `3d` (a day is 24 hours) in milliseconds; null when it is no positive duration. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const ms = match ? Number(match[1]) * unitMs[match[2]!]! : 0;
  return ms > 0 ? ms : null;
}

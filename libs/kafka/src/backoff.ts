/** Exponential with full jitter on the upper half: 200 ms, 400 ms, … 10 s at the first, second, … failure in a row. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(delayMsMin * 2 ** Math.max(0, failures - 1), delayMsMax);
  return full / 2 + (random() * full) / 2;
}

const delayMsMin = 200;
const delayMsMax = 10_000;

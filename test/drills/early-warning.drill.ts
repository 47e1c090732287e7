import { type EarlyWarningResult, ordinaryTraffic, outage, summarize, troubleOf } from './early-warning.ts';

export interface EarlyWarningLine extends EarlyWarningResult {
  readonly ordinarySlips: number;
  readonly ordinaryDays: number;
  readonly ordinaryWarnings: number;
  readonly ok: boolean;
}

/** Warnings in time, at least. */
const inTimeShareMin = 0.95;
/** Slips of ordinary traffic that are played at once. */
const runSlips = 50_000;

/** Plays outages and ordinary traffic to the domain alone: no stack, no clock of the machine. */
export function drillEarlyWarning(
  { seed, outages, ordinarySlips }: { seed: number; outages: number; ordinarySlips: number },
  log: (line: string) => void,
): EarlyWarningLine {
  const results = Array.from({ length: outages }, (_, i) => {
    if (i % 20 === 0) log(`outage ${i} of ${outages}`);
    return outage(seed + i, troubleOf(seed + i));
  });
  for (const { seed: one, trouble, lead, missedShare } of results)
    if (lead === null)
      log(
        `seed ${one}: ${JSON.stringify(trouble)} lost ${missedShare.toFixed(2)}, and no warning before it showed`,
      );
  let slips = 0;
  let days = 0;
  let warnings = 0;
  for (let run = 0; slips < ordinarySlips; run++) {
    const one = ordinaryTraffic(seed + 10_000 + run, Math.min(runSlips, ordinarySlips));
    slips += one.slips;
    days += one.days;
    warnings += one.warnings;
    log(`ordinary traffic: ${slips} slips, ${warnings} warnings`);
  }
  const result = summarize(results);
  const ok = result.warnedInTimeShare >= inTimeShareMin && result.falseWarnings === 0 && warnings === 0;
  return { ...result, ordinarySlips: slips, ordinaryDays: Math.round(days), ordinaryWarnings: warnings, ok };
}

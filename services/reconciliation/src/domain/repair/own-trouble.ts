import { type Diagnosable, diagnose } from '../diagnosis/diagnose.ts';

/**
 * Whether we ourselves, and neither the provider nor the way to it, kept a slip from being executed: our process, database or bus
 * stood still, or we had taken more than we could send.
 */
export function isOwnTrouble(slip: Diagnosable): boolean {
  return diagnose(slip).class === 'system';
}

/** Own trouble within so long is counted together (`repair_spent` counts by the minute). */
export const bulkSpanMs = 600_000;

/**
 * Whether so many slips are one trouble of ours, about which people decide: whoever cured it may rather have them sent again than
 * given back. `slipsMax`: so many within ten minutes are everyday life; null: any number.
 * @param slips within the last ten minutes, those included that are decided about now
 */
export function isBulk(slips: number, slipsMax: number | null): boolean {
  return slipsMax !== null && slips > slipsMax;
}

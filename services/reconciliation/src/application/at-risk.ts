import { type Money, toldSums } from '@slipstream/kernel';

/** Slips without a verdict, and their money. */
export interface AtRisk {
  readonly slips: number;
  /** By currency, in its order. */
  readonly money: readonly Money[];
}

/** What several places hold. */
export function allAtRisk(parts: readonly AtRisk[]): AtRisk {
  return {
    slips: parts.reduce((sum, { slips }) => sum + slips, 0),
    money: toldSums(parts.flatMap(({ money }) => money)),
  };
}

import type { Money } from '@slipstream/kernel';

/** Slips without a verdict, and their money. */
export interface AtRisk {
  readonly slips: number;
  /** By currency, in its order. */
  readonly money: readonly Money[];
}

/** What several places hold. */
export function allAtRisk(parts: readonly AtRisk[]): AtRisk {
  const money = new Map<string, bigint>();
  for (const { amount, currency } of parts.flatMap((part) => part.money))
    money.set(currency, (money.get(currency) ?? 0n) + amount);
  return {
    slips: parts.reduce((sum, { slips }) => sum + slips, 0),
    money: [...money]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, amount]) => ({ amount, currency })),
  };
}

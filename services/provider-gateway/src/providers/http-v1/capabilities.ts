import type { ProviderRules } from '@slipstream/rules';

/** What a provider with this API can do, and the bounds that the rules declare for it. */
export interface Capabilities {
  readonly id: string;
  readonly connectTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly acceptanceDelayMaxMs: number | null;
  readonly concurrencyMax: number;
}

/** Inquiries share a provider's connections with its dispatch calls: one for each four, at least one. */
export function inquiryConcurrency(concurrencyMax: number): number {
  return Math.max(1, Math.ceil(concurrencyMax / 4));
}

export function capabilities(rules: ProviderRules): Capabilities {
  const { id, connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, concurrencyMax } = rules;
  return { id, connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, concurrencyMax };
}

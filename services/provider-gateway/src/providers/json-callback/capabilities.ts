import type { ProviderRules } from '@slipstream/rules';
import type { Capabilities } from '../../application/ports.ts';

/** What a provider of this protocol can do, and the bounds that the rules declare for it. */
export function capabilities(rules: ProviderRules): Capabilities {
  const { connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, concurrencyMax } = rules;
  const { circuitOpenMs, throttledMeansNotTaken } = rules;
  // Inquiries share a provider's connections with its dispatch calls: one for each four, at least one.
  const inquiryConcurrencyMax = Math.max(1, Math.ceil(concurrencyMax / 4));
  return {
    ...{ connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs },
    ...{ concurrencyMax, inquiryConcurrencyMax, circuitOpenMs, throttledMeansNotTaken },
  };
}

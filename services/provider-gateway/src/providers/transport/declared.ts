import type { ProviderRules } from '@slipstream/rules';
import type { Capabilities } from '../../application/ports.ts';

/** What the rules declare of a provider, whatever protocol it speaks. */
export function declared(rules: ProviderRules): Omit<Capabilities, 'words'> {
  const { connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, visibilityDelayMs, pollLadderMs } = rules;
  const { recheckLadderMs } = rules;
  const { concurrencyMax, failuresFinal, circuitOpenMs, throttledMeansNotTaken, idempotentByReference } =
    rules;
  // Inquiries share a provider's connections with its dispatch calls: one for each four, at least one.
  const inquiryConcurrencyMax = Math.max(1, Math.ceil(concurrencyMax / 4));
  return {
    ...{ connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, visibilityDelayMs, pollLadderMs },
    recheckLadderMs,
    ...{ concurrencyMax, inquiryConcurrencyMax, failuresFinal, circuitOpenMs, throttledMeansNotTaken },
    idempotentByReference,
  };
}

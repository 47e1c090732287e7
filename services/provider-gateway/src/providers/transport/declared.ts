import type { ProviderRules } from '@slipstream/rules';
import type { Capabilities } from '../../application/ports.ts';

/**
 * Connections to a provider: one for each call and each question that may be in flight, and one each for its probe and its
 * statement, so that none of them waits for another's.
 */
export function connectionsOf(
  { concurrencyMax, inquiryConcurrencyMax }: Pick<Capabilities, 'concurrencyMax' | 'inquiryConcurrencyMax'>,
  { probe, statement }: Pick<ProviderRules, 'probe' | 'statement'>,
): number {
  const others = [probe, statement].filter((one) => one !== null);
  return concurrencyMax + inquiryConcurrencyMax + others.length;
}

/** What the rules declare of a provider, whatever protocol it speaks. */
export function declared(rules: ProviderRules): Omit<Capabilities, 'words'> {
  const { connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, visibilityDelayMs, pollLadderMs } = rules;
  const { recheckLadderMs } = rules;
  const { concurrencyMax, failuresFinal, circuitOpenMs, throttledMeansNotTaken } = rules;
  const { idempotentByReference, cancelByReference } = rules;
  // Inquiries share a provider's connections with its dispatch calls: one for each four, at least one.
  const inquiryConcurrencyMax = Math.max(1, Math.ceil(concurrencyMax / 4));
  return {
    ...{ connectTimeoutMs, answerTimeoutMs, acceptanceDelayMaxMs, visibilityDelayMs, pollLadderMs },
    recheckLadderMs,
    ...{ concurrencyMax, inquiryConcurrencyMax, failuresFinal, circuitOpenMs, throttledMeansNotTaken },
    ...{ idempotentByReference, cancelByReference },
  };
}

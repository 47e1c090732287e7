import type { ProviderHealth } from '@slipstream/slip';
import type { CircuitView, Store } from './ports.ts';

export interface HealthChange {
  readonly provider: string;
  readonly previous: ProviderHealth;
  readonly health: ProviderHealth;
  /** What it rests on. */
  readonly signs: CircuitView;
}

/**
 * Tells that a provider's health is another than before, as this instance sees it.
 * @returns false when it could not be written
 */
export async function tellHealth(
  parts: {
    readonly store: Store;
    readonly instance: string;
    readonly onError: (error: unknown) => void;
  },
  { provider, previous, health, signs }: HealthChange,
): Promise<boolean> {
  const { state: _, probe, ...evidence } = signs;
  const probes = {
    ...{ probesAnswered: probe?.answered ?? 0, probesFailed: probe?.failed ?? 0 },
    probeProblem: probe?.problem ?? null,
  };
  const data = { provider, instance: parts.instance, previous, health, ...evidence, ...probes };
  try {
    await parts.store.run(async (tx) =>
      tx.tell([{ subject: provider, event: { type: 'ProviderHealthChanged', data } }]),
    );
    return true;
  } catch (error) {
    parts.onError(error);
    return false;
  }
}

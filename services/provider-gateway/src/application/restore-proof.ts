import type { Providers, Store } from './ports.ts';
import type { ProviderSwitch } from './switch-provider.ts';

/**
 * People believe a provider's NOT_FOUND again, after it broke its promise. Where it is believed already nothing changes, and
 * nothing is told.
 * @returns null for a provider that is not configured
 */
export async function restoreProof(
  { store, providers }: { readonly store: Store; readonly providers: Providers },
  { provider, reason, actor, requestId }: Omit<ProviderSwitch, 'disabled'>,
): Promise<{ readonly changed: boolean } | null> {
  if (!providers.has(provider)) return null;
  return store.run(async (tx) => {
    const before = (await tx.proofSwitches.all()).get(provider);
    if (before?.off !== true) return { changed: false };
    const changed = await tx.proofSwitches.set(provider, { off: false, reason, actor });
    const data = { provider, reason, actor, requestId };
    if (changed) tx.tell([{ subject: provider, event: { type: 'ProviderProofRestored', data } }]);
    return { changed };
  });
}

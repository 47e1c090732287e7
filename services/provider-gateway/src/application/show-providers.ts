import type { Capabilities, Provider, Providers, Store } from './ports.ts';
import type { Slots } from './slots.ts';

/** A provider as operators see it. */
export interface ProviderView {
  readonly id: string;
  readonly capabilities: Capabilities;
  /** Calls of this instance that run now. */
  readonly inFlight: { readonly dispatches: number; readonly inquiries: number };
  /** Slips without a final answer, by status. */
  readonly openSlips: Readonly<Record<string, number>>;
}

export interface ProviderViewParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly dispatchSlots: Slots;
  readonly inquirySlots: Slots;
}

export async function showProviders(parts: ProviderViewParts): Promise<readonly ProviderView[]> {
  return Promise.all([...parts.providers.values()].map((provider) => show(parts, provider)));
}

/** Null for a provider that is not configured. */
export async function showProvider(parts: ProviderViewParts, id: string): Promise<ProviderView | null> {
  const provider = parts.providers.get(id);
  return provider ? show(parts, provider) : null;
}

async function show(parts: ProviderViewParts, { id, capabilities }: Provider): Promise<ProviderView> {
  const open = await parts.store.run((tx) => tx.dispatches.countOpen(id));
  return {
    id,
    capabilities,
    inFlight: { dispatches: parts.dispatchSlots.taken(id), inquiries: parts.inquirySlots.taken(id) },
    openSlips: Object.fromEntries(open),
  };
}

import type { Instant } from '@slipstream/kernel';
import type { ProofCount, ProofState, Providers, Store } from './ports.ts';
import { disabledOf } from './reroute.ts';
import type { Routing } from './routing.ts';

export interface SwitchParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly routing: Routing;
}

/** Somebody wants a provider to be called no more, or again. */
export interface ProviderSwitch {
  readonly provider: string;
  readonly disabled: boolean;
  readonly reason: string;
  /** The subject of the token, and the request that it came with. */
  readonly actor: string;
  readonly requestId: string;
}

/**
 * Stops calls to a provider, or lets them begin again, at every instance: from the next transaction on that would intend
 * one. What is in flight comes to its end, and what was not sent goes to another provider of its route. A switch that
 * stands so already is left alone, and nothing is told of it.
 * @returns null for a provider that is not configured
 */
export async function switchProvider(
  { store, providers }: SwitchParts,
  { provider, disabled, reason, actor, requestId }: ProviderSwitch,
): Promise<{ readonly changed: boolean } | null> {
  if (!providers.has(provider)) return null;
  return store.run(async (tx) => {
    const changed = await tx.providerStates.set(provider, { disabled, reason, actor });
    const type = disabled ? 'ProviderDisabled' : 'ProviderEnabled';
    const data = { provider, reason, actor, requestId };
    if (changed) tx.tell([{ subject: provider, event: { type, data } }]);
    return { changed };
  });
}

export interface Sum {
  readonly slips: number;
  /** By currency, in minor units. */
  readonly amounts: readonly { readonly amount: string; readonly currency: string }[];
}

/** What it would mean to disable a provider now. */
export interface DisablePreview {
  readonly provider: string;
  readonly slips: Readonly<Record<ProofState, Sum>>;
  /** Of those that were never sent, what each route would do with its own; `to` is empty where it has nobody else. */
  readonly rerouted: readonly (Sum & { readonly route: string; readonly to: readonly string[] })[];
  /** When it is known of the latest unknown one at the latest whether it was executed; those in `open` left out. */
  readonly certainBy: Instant | null;
  /** Unknown ones of which nobody can say when: the provider has taken them, or declares no bound. */
  readonly open: number;
}

/** As {@link switchProvider}, and only looks. */
export async function previewDisable(
  { store, providers, routing }: SwitchParts,
  id: string,
): Promise<DisablePreview | null> {
  const provider = providers.get(id);
  if (!provider) return null;
  const { acceptanceDelayMaxMs } = provider.capabilities;
  const { counts, disabled } = await store.run(async (tx) => ({
    counts: await tx.dispatches.countByProof(
      id,
      (await tx.proofSwitches.all()).get(id)?.off ? null : acceptanceDelayMaxMs,
    ),
    disabled: await disabledOf(tx),
  }));
  const of = (state: ProofState) => counts.filter((one) => one.state === state);
  const byRoute = Map.groupBy(of('never_sent'), ({ route }) => route);
  const ends = of('unknown');
  return {
    provider: id,
    slips: {
      never_sent: sum(of('never_sent')),
      not_executed: sum(of('not_executed')),
      unknown: sum(ends),
    },
    rerouted: [...byRoute].map(([route, rows]) => {
      const to = routing.open(route, new Set([...disabled, id]));
      return { route, to, ...sum(rows) };
    }),
    certainBy:
      ends
        .map((one) => one.certainBy)
        .filter((at) => at !== null)
        .toSorted()
        .at(-1) ?? null,
    open: ends.reduce((all, { open }) => all + open, 0),
  };
}

function sum(rows: readonly ProofCount[]): Sum {
  const amounts = new Map<string, bigint>();
  for (const { currency, amount } of rows) {
    if (currency !== null) amounts.set(currency, (amounts.get(currency) ?? 0n) + amount);
  }
  return {
    slips: rows.reduce((all, { slips }) => all + slips, 0),
    amounts: [...amounts].map(([currency, amount]) => ({ amount: String(amount), currency })),
  };
}

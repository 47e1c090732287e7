import { type ObservedDelays, observedDelays } from './delays.ts';
import type {
  Capabilities,
  Circuits,
  CircuitView,
  ProofSwitch,
  Provider,
  ProviderState,
  Providers,
  StatementState,
  Store,
} from './ports.ts';
import { type Slots, shareOf } from './slots.ts';

/** A provider as operators see it. */
export interface ProviderView {
  readonly id: string;
  readonly capabilities: Capabilities;
  /** What people decided last: who, when, why; null: nothing ever. */
  readonly state: ProviderState | null;
  /** Whether its NOT_FOUND prove anything, since it broke its promise first; null: it never did. */
  readonly proof: ProofSwitch | null;
  /** How long it really takes, beside what its capabilities declare. */
  readonly observed: ObservedDelays;
  /** Of this instance's calls: `open` while none is made, `half_open` while one tries it again. */
  readonly circuit: CircuitView;
  /** Calls that may run at once over all living instances, and of those at this one. */
  readonly concurrency: { readonly max: number; readonly instances: number; readonly here: number };
  /** Calls of this instance that run now. */
  readonly inFlight: { readonly dispatches: number; readonly inquiries: number };
  /** Slips without a final answer, by status. */
  readonly openSlips: Readonly<Record<string, number>>;
  /** Its latest daily statements; null: none are read. */
  readonly statements: readonly StatementState[] | null;
}

export interface ProviderViewParts {
  readonly circuits: Pick<Circuits, 'view'>;
  readonly store: Store;
  readonly providers: Providers;
  readonly dispatchSlots: Slots;
  readonly inquirySlots: Slots;
  /** How many live, this one included. */
  readonly instances: () => number;
}

export async function showProviders(parts: ProviderViewParts): Promise<readonly ProviderView[]> {
  return Promise.all([...parts.providers.values()].map((provider) => show(parts, provider)));
}

/** Null for a provider that is not configured. */
export async function showProvider(parts: ProviderViewParts, id: string): Promise<ProviderView | null> {
  const provider = parts.providers.get(id);
  return provider ? show(parts, provider) : null;
}

const statementsMax = 7;

async function show(
  parts: ProviderViewParts,
  { id, capabilities, statements }: Provider,
): Promise<ProviderView> {
  const { open, states, switches, delays, latest } = await parts.store.run(async (tx) => ({
    open: await tx.dispatches.countOpen(id),
    states: await tx.providerStates.all(),
    switches: await tx.proofSwitches.all(),
    delays: await tx.delays.of(id),
    latest: statements && (await tx.statements.latestOf(id, statementsMax)),
  }));
  const instances = parts.instances();
  const { concurrencyMax: max } = capabilities;
  return {
    id,
    capabilities,
    state: states.get(id) ?? null,
    proof: switches.get(id) ?? null,
    observed: observedDelays(delays),
    circuit: parts.circuits.view(id),
    concurrency: { max, instances, here: shareOf(max, instances) },
    inFlight: { dispatches: parts.dispatchSlots.taken(id), inquiries: parts.inquirySlots.taken(id) },
    openSlips: Object.fromEntries(open),
    statements: latest,
  };
}

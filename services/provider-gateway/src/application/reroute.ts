import { moveTo } from '../domain/dispatch/earlier.ts';
import { Changes } from './apply.ts';
import type { Store, StoreTx } from './ports.ts';
import type { Routing } from './routing.ts';

const slipsMax = 500;

/**
 * Hands slips that wait for a provider that is disabled, or does not answer as it should, to another one of their route.
 * Only what provably was not sent, or not executed, waits so.
 * @returns how many there were
 */
export async function reroute(parts: { readonly store: Store; readonly routing: Routing }): Promise<number> {
  const { store, routing } = parts;
  if (!routing.hasChoice) return 0;
  return store.run(async (tx) => {
    const disabled = await disabledOf(tx);
    const places = routing.stuck(disabled);
    if (places.length === 0) return 0;
    const { stuck } = await tx.dispatches.lockStuck(places, slipsMax);
    const changes = new Changes();
    let moved = 0;
    for (const dispatch of stuck) {
      const chosen = routing.choose(dispatch, disabled);
      if (dispatch.sentMaybe || chosen === null || chosen.provider === dispatch.provider) continue;
      changes.add(moveTo(dispatch, chosen));
      moved += 1;
    }
    await changes.write(tx);
    return moved;
  });
}

/** The providers that people do not want to be called. */
export async function disabledOf(tx: StoreTx): Promise<ReadonlySet<string>> {
  const states = await tx.providerStates.all();
  return new Set([...states].filter(([, state]) => state.disabled).map(([id]) => id));
}

import type { RouteLine, Store } from './ports.ts';
import type { Slots } from './slots.ts';

/**
 * How long slips that are due stand in line, by route. Only providers that this instance has no room for are looked at: where
 * there is room, nobody stands in line, whichever instance makes the calls.
 */
export async function linesOfRoutes({
  store,
  dispatchSlots,
}: {
  readonly store: Pick<Store, 'run'>;
  readonly dispatchSlots: Pick<Slots, 'short'>;
}): Promise<readonly RouteLine[]> {
  const providers = dispatchSlots.short;
  return providers.length === 0 ? [] : store.run((tx) => tx.dispatches.lines(providers));
}

import { mayIntend } from '../domain/dispatch/attempt.ts';
import { Changes } from './apply.ts';
import { type CallerParts, Intents } from './intents.ts';
import type { Store } from './ports.ts';
import { capabilitiesOf } from './record-outcomes.ts';

export interface DispatcherParts extends CallerParts {
  readonly store: Store;
  /** Why the clocks cannot be trusted now: nothing is sent then; null: they can. */
  readonly clockTrouble: () => string | null;
}

/**
 * Sends the slips that are due, up to the free slots of each provider.
 * @returns how many calls were started
 */
export async function dispatchDueSlips(parts: DispatcherParts): Promise<number> {
  if (parts.clockTrouble() !== null) return 0;
  const { slots, onFree } = parts;
  const free = slots.takeFree();
  const intents = new Intents(parts);
  let found: readonly string[] = [];
  try {
    if (free.size > 0) found = await claim(parts, intents, free);
  } finally {
    slots.giveBackRest(free, intents.providers);
  }
  if (slots.looked(free, found)) onFree();
  return intents.providers.length;
}

/** @returns the provider of each slip that was found */
function claim(
  parts: DispatcherParts,
  intents: Intents,
  free: ReadonlyMap<string, number>,
): Promise<string[]> {
  return parts.store.run(async (tx) => {
    intents.follow(tx);
    const { now, due } = await tx.dispatches.lockDue(free);
    const changes = new Changes();
    for (const dispatch of due) {
      const can = capabilitiesOf(parts.providers, dispatch);
      if (mayIntend(dispatch, now, can?.idempotentByReference)) changes.apply(intents.intend(dispatch, now));
      // Nothing will be sent of it any more, and leaving it would make every round read it again. One whose deadline has
      // just passed by this reading of the clock stays on the list: it is given up on two.
      else if (now < dispatch.deadline) changes.add({ ...dispatch, nextAt: null });
    }
    await changes.write(tx);
    return due.map(({ provider }) => provider ?? '');
  });
}

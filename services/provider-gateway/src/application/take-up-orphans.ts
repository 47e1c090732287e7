import { Changes } from './apply.ts';
import type { Count, OrphanPlace, Providers, Store } from './ports.ts';
import { countHandling, handleMessage } from './receive-callbacks.ts';

const orphansMax = 500;
const start: OrphanPlace = { slipId: '', provider: '', webhookId: '' };

/** How far the look at the orphans has come; one for each worker. */
export interface OrphanSweep {
  after: OrphanPlace;
}

export function newOrphanSweep(): OrphanSweep {
  return { after: start };
}

/**
 * A callback that came before its slip was stored as an orphan, for it had nothing to be about. When the slip was given
 * to its provider after all, it is handled as if it came now, a stretch of the orphans each time.
 * @returns how many there were
 */
export async function takeUpOrphans(
  {
    store,
    providers,
    count,
  }: { readonly store: Store; readonly providers: Providers; readonly count: Count },
  sweep: OrphanSweep,
): Promise<number> {
  const handled = await store.run(async (tx) => {
    const { matched, next } = await tx.callbacks.lockMatched(sweep.after, orphansMax);
    sweep.after = next ?? start;
    if (matched.length === 0) return [];
    const { now, rows } = await tx.dispatches.lock([...new Set(matched.map(({ slipId }) => slipId))]);
    const changes = new Changes(rows);
    const results = matched.map(({ provider, webhookId, body }) => {
      const message = providers.get(provider)?.callbackReader?.understand(Buffer.from(body));
      const readable = message !== undefined && 'slipId' in message;
      const reception = readable ? handleMessage(changes, provider, message, now, providers) : 'orphan';
      return { provider, webhookId, handled: reception };
    });
    await tx.callbacks.markHandled(results);
    await changes.write(tx);
    return results.map((one) => one.handled);
  });
  for (const one of handled) countHandling(one, count);
  return handled.filter((one) => one !== 'orphan').length;
}

import type { Instant } from '@slipstream/kernel';
import { hear } from '../domain/dispatch/earlier.ts';
import type { Reception } from '../domain/dispatch/receive-answer.ts';
import { Changes } from './apply.ts';
import type { CallbackMessage, Count, Store, StoredCallback } from './ports.ts';

/** A callback whose signature is good and whose content was understood. */
export interface ReceivedCallback extends Omit<StoredCallback, 'slipId'> {
  readonly message: CallbackMessage;
}

export type CallbackHandling = Reception | 'replayed';

/**
 * Stores and handles callbacks, many in one transaction: a provider gets its 2xx only when this has committed.
 * A webhook id is handled once for ever. A callback about a slip that this provider was never given is stored as an
 * orphan, for people.
 */
export async function receiveCallbacks(
  store: Store,
  callbacks: readonly ReceivedCallback[],
  count: Count,
): Promise<readonly CallbackHandling[]> {
  const handled = await store.run(async (tx) => {
    const stored = callbacks.map((callback) => ({ ...callback, slipId: callback.message.slipId }));
    const fresh = await tx.callbacks.add(stored);
    const wanted = stored.filter((_, index) => fresh.has(index)).map((callback) => callback.slipId);
    const { now, rows } = await tx.dispatches.lock([...new Set(wanted)]);
    const changes = new Changes(rows);
    const results = callbacks.map((callback, index) =>
      fresh.has(index) ? handle(changes, callback, now) : 'replayed',
    );
    await tx.callbacks.markHandled(
      stored.flatMap((callback, index) =>
        fresh.has(index) ? [{ ...callback, handled: results[index]! }] : [],
      ),
    );
    await changes.write(tx);
    return results;
  });
  for (const one of handled) {
    if (one === 'contradiction') count('contradiction');
    if (one === 'orphan') count('orphan_callback');
    if (one === 'repeated' || one === 'replayed') count('repeated_answer');
  }
  return handled;
}

function handle(changes: Changes, callback: ReceivedCallback, now: Instant): Reception {
  const { answer, slipId } = callback.message;
  const dispatch = changes.get(slipId);
  if (dispatch?.mode !== 'dispatched') return 'orphan';
  const receipt = { answer, evidence: 'signed_callback', receivedAt: null, now } as const;
  const received = hear(dispatch, callback.provider, receipt);
  changes.apply(received);
  return received.reception;
}

import type { Instant } from '@slipstream/kernel';
import type { Evidence } from '@slipstream/slip';
import { hear } from '../domain/dispatch/earlier.ts';
import type { Reception } from '../domain/dispatch/receive-answer.ts';
import { polled } from '../domain/inquiry/poll.ts';
import { asItCounts } from '../domain/provider/finality.ts';
import { Changes } from './apply.ts';
import type {
  CallbackMessage,
  Count,
  Providers,
  Store,
  StoredCallback,
  StoreTx,
  UnreadableMessage,
} from './ports.ts';
import { capabilitiesOf } from './record-outcomes.ts';

/** A callback whose signature is good. */
export interface ReceivedCallback extends Omit<StoredCallback, 'slipId'> {
  readonly message: CallbackMessage | UnreadableMessage;
}

/** `replayed`: it was handled before. `unreadable`: nothing was learnt from it; sent again, it is read again. */
export type CallbackHandling = Reception | 'replayed' | 'unreadable';

interface CallbackParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly count: Count;
}

/**
 * Stores and handles callbacks, many in one transaction: a provider gets its 2xx only when this has committed. Each is
 * stored before anything is made of it; a webhook id is handled once for as long as its row is kept
 * (`forget-callbacks.ts`), and behind that its words are known. A callback about a slip that this provider
 * was never given is stored as an orphan, for people, and taken up should the slip come (`take-up-orphans.ts`). One that names a slip and
 * says nothing that can be read lets it be asked about at once; so does one that says something else under an id that was handled.
 */
export async function receiveCallbacks(
  { store, providers, count }: CallbackParts,
  callbacks: readonly ReceivedCallback[],
): Promise<readonly CallbackHandling[]> {
  const handled = await store.run(async (tx) => {
    const stored = callbacks.map((callback) => ({ ...callback, slipId: slipIdOf(callback) }));
    const fresh = await tx.callbacks.add(stored);
    const wanted = stored.filter(({ slipId }, index) => fresh.has(index) && slipId !== '');
    const unread = stored.flatMap(({ provider, message }, index) =>
      fresh.has(index) && 'names' in message && message.names ? { provider, slipId: message.names } : [],
    );
    const news = [...unread, ...(await changedSince(tx, stored, fresh))];
    const ids = new Set([...wanted, ...news].map(({ slipId }) => slipId));
    const { now, rows } = await tx.dispatches.lock([...ids]);
    // Its provider has news, whatever they are: it is asked.
    for (const { provider, slipId } of news) await tx.dispatches.pollNow(provider, slipId);
    const changes = new Changes(rows, now);
    const results = callbacks.map((callback, index) =>
      fresh.has(index) ? handle(changes, callback, now, providers) : 'replayed',
    );
    await tx.callbacks.markHandled(
      stored.flatMap((callback, index) =>
        fresh.has(index) ? [{ ...callback, handled: results[index]! }] : [],
      ),
    );
    await changes.write(tx);
    return results;
  });
  for (const one of handled) countHandling(one, count);
  return handled;
}

/** Those that come under an id that was handled, and are not what was handled under it. */
async function changedSince(
  tx: StoreTx,
  stored: readonly StoredCallback[],
  fresh: ReadonlySet<number>,
): Promise<readonly Pick<StoredCallback, 'provider' | 'slipId'>[]> {
  const again = stored.filter(({ slipId }, index) => !fresh.has(index) && slipId !== '');
  if (again.length === 0) return [];
  const differing = await tx.callbacks.differing(again);
  return again.filter((_, index) => differing.has(index));
}

function slipIdOf({ message }: ReceivedCallback): string {
  return 'slipId' in message ? message.slipId : '';
}

function handle(
  changes: Changes,
  { provider, message }: ReceivedCallback,
  now: Instant,
  providers: Providers,
): CallbackHandling {
  if (!('slipId' in message)) return 'unreadable';
  return handleMessage(changes, provider, message, now, providers);
}

/** Records what a provider says by itself, on whichever way. */
export function handleMessage(
  changes: Changes,
  provider: string,
  { slipId, answer: said }: CallbackMessage,
  now: Instant,
  providers: Providers,
  evidence: Evidence = 'signed_callback',
): Reception {
  const dispatch = changes.get(slipId);
  if (dispatch?.mode !== 'dispatched') return 'orphan';
  const terms = providers.get(provider)?.capabilities ?? null;
  changes.heard(slipId, provider, said, now, terms);
  const answer = asItCounts(said, dispatch, now, terms);
  const receipt = { answer, evidence, receivedAt: null, now };
  const received = hear(dispatch, provider, receipt);
  changes.apply(polled(received, now, capabilitiesOf(providers, received.dispatch)));
  if (received.reception === 'recorded' && said.providerTime !== null) {
    changes.observe({ provider, kind: 'callback', from: said.providerTime });
  }
  return received.reception;
}

export function countHandling(handling: CallbackHandling, count: Count): void {
  if (handling === 'contradiction') count('contradiction');
  if (handling === 'doubtful') count('doubtful_answer');
  if (handling === 'unreadable') count('unreadable_callback');
  if (handling === 'orphan') count('orphan_callback');
  if (handling === 'repeated' || handling === 'replayed') count('repeated_answer');
}

import type { Instant } from '@slipstream/kernel';
import { foldBack } from '../domain/dispatch/fold-back.ts';
import { newDispatch } from '../domain/dispatch/state.ts';
import type { Inquiry } from '../domain/inquiry/inquiry.ts';
import { polled } from '../domain/inquiry/poll.ts';
import { Changes } from './apply.ts';
import { type FollowedEvent, isSubmitted } from './follow-slips.ts';
import type { Count, Providers, StoreTx } from './ports.ts';

/**
 * Folds a batch of the log back into a database that is older than it: the other services' events and this service's
 * own, in log order. Decides and publishes nothing; what is left to be done is found in the rows afterwards.
 */
export async function foldBackSlips(
  tx: StoreTx,
  events: readonly FollowedEvent[],
  { providers, count }: { readonly providers: Providers; readonly count: Count },
): Promise<void> {
  if (events.length === 0) return;
  const slipIds = [...new Set(events.map((e) => e.recorded.slipId))];
  const { now, rows } = await tx.dispatches.lock(slipIds);
  const changes = new Changes(rows);
  const answered: Inquiry[] = [];
  for (const event of events) answered.push(...foldOne(changes, event, now, providers, count));
  await changes.write(tx);
  await tx.inquiries.markAnswered(answered);
}

/** @returns the question that the event answers */
function foldOne(
  changes: Changes,
  event: FollowedEvent,
  now: Instant,
  providers: Providers,
  count: Count,
): Inquiry[] {
  const { recorded } = event;
  const before = changes.get(recorded.slipId);
  if (!before) {
    if (isSubmitted(recorded)) changes.add(newDispatch(recorded, event));
    else count('unknown_slip');
    return [];
  }
  const terms = providers.get(before.provider ?? '')?.capabilities ?? null;
  const { dispatch, inquiries, answered } = foldBack(before, recorded.event, { now, terms });
  changes.apply(polled({ dispatch, inquiries, events: [] }, now, terms));
  if (answered === null) return [];
  return [{ slipId: before.slipId, n: answered, provider: before.provider ?? '' }];
}

import { earlier } from '@slipstream/kernel';
import type { DataOf, RecordedEvent, SlipEvent } from '@slipstream/slip';
import { mayIntend } from '../domain/dispatch/attempt.ts';
import { moveTo } from '../domain/dispatch/earlier.ts';
import { followEvent } from '../domain/dispatch/follow-event.ts';
import { type Dispatch, newDispatch } from '../domain/dispatch/state.ts';
import type { ProviderAnswer } from '../domain/provider/answer.ts';
import { Changes } from './apply.ts';
import { applyParked } from './apply-parked.ts';
import type { Intents } from './intents.ts';
import type { Count, Providers, StoreTx } from './ports.ts';
import { countHandling, handleMessage } from './receive-callbacks.ts';
import type { Routing } from './routing.ts';

export interface FollowedEvent {
  readonly recorded: RecordedEvent;
  readonly partition: number;
  readonly traceparent: string;
}

/** How many rows became due by what was followed, and are left to the workers. */
export interface NewlyDue {
  readonly calls: number;
  readonly inquiries: number;
}

export interface FollowerParts {
  readonly count: Count;
  readonly routing: Routing;
  readonly providers: Providers;
}

/**
 * Follows the slips' events of the other services, a batch in one transaction: remembers submitted slips, makes held
 * ones due, puts inquiries on the list, and ends dispatching where the slip has ended. With `intents`, whoever is due and finds
 * a free slot is sent as soon as this is committed: its row is written once for what would be two transactions.
 * @returns what the workers should look for at once
 */
export async function followSlips(
  tx: StoreTx,
  events: readonly FollowedEvent[],
  { count, routing, providers }: FollowerParts,
  intents: Intents | null = null,
): Promise<NewlyDue> {
  const due = { calls: 0, inquiries: 0 };
  if (events.length === 0) return due;
  intents?.follow(tx);
  const slipIds = [...new Set(events.map((e) => e.recorded.slipId))];
  const { now, rows, disabled, distrusted } = await tx.dispatches.lock(slipIds);
  const around = {
    distrusted,
    isOpen: (route: string) => routing.open(route, disabled).length > 0,
    recheckLadderMs: (id: string | null) => providers.get(id ?? '')?.capabilities.recheckLadderMs ?? [],
  };
  const changes = new Changes(rows);
  const released: Dispatch[] = [];
  const ready = new Set<string>();
  for (const event of events) {
    const { recorded } = event;
    const before = changes.get(recorded.slipId);
    if (!before) {
      if (isSubmitted(recorded)) changes.add(newDispatch(recorded, event));
      else count('unknown_slip');
      continue;
    }
    if (recorded.event.type === 'StatementLineMatched') {
      const { provider } = recorded.event.data;
      const message = { slipId: recorded.slipId, answer: answerOf(recorded.event.data) };
      countHandling(handleMessage(changes, provider, message, now, providers, 'statement_line'), count);
      continue;
    }
    // What is due at once is due from the event's time: this database's clock may have jumped ahead for a moment.
    const step = followEvent(before, recorded.event, earlier(now, recorded.time), around);
    changes.apply(step);
    if (endsWaiting(before, step.dispatch)) released.push(step.dispatch);
    due.inquiries += step.inquiries.length;
    if (step.dispatch.nextAt !== null && before.nextAt === null) ready.add(before.slipId);
  }
  await applyParked(tx, changes, released, now, count);
  for (const one of inOrder(ready, changes)) {
    const chosen = routing.choose(one, disabled);
    const dispatch = chosen === null ? one : moveTo(one, chosen);
    if (chosen !== null) changes.add(dispatch);
    const isOpen = !disabled.has(dispatch.provider ?? '');
    const step = intents && isOpen && mayIntend(dispatch, now) ? intents.intendIfFree(dispatch, now) : null;
    if (step) changes.apply(step);
    else if (dispatch.nextAt !== null) due.calls += 1;
  }
  await changes.write(tx);
  return due;
}

/** What a line of a statement says, as the provider's word; its day is no time that a delay could be told from. */
function answerOf({
  outcome,
  reason,
  amount,
  fee,
  providerReference,
  bookedOn,
  occurrence,
}: DataOf<'StatementLineMatched'>): ProviderAnswer {
  const answer = { outcome, reason, amount, providerReference, providerTime: null, bookedOn };
  return { kind: 'returned', ...answer, ...(fee && { fee }), ...(occurrence && { occurrence }) };
}

/** The nearest deadline first. */
function inOrder(slipIds: Iterable<string>, changes: Changes): Dispatch[] {
  return [...slipIds]
    .map((slipId) => changes.get(slipId)!)
    .sort((a, b) => (a.deadline < b.deadline ? -1 : Number(a.deadline > b.deadline)));
}

export type Submitted = RecordedEvent & { readonly event: Extract<SlipEvent, { type: 'SlipSubmitted' }> };

export function isSubmitted(recorded: RecordedEvent): recorded is Submitted {
  return recorded.event.type === 'SlipSubmitted';
}

function endsWaiting(before: Dispatch, after: Dispatch): boolean {
  return after.mode === 'reported' && before.status === 'submitted' && after.status !== 'submitted';
}

import { earlier } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { followEvent } from '../domain/dispatch/follow-event.ts';
import { type Dispatch, newDispatch } from '../domain/dispatch/state.ts';
import { Changes } from './apply.ts';
import { applyParked } from './apply-parked.ts';
import type { Count, StoreTx } from './ports.ts';

export interface FollowedEvent {
  readonly recorded: RecordedEvent;
  readonly partition: number;
  readonly traceparent: string;
}

/** How many rows became due by what was followed. */
export interface NewlyDue {
  readonly calls: number;
  readonly inquiries: number;
}

/**
 * Follows the slips' events of the other services, a batch in one transaction: remembers submitted slips, makes held
 * ones due, puts inquiries on the list, and ends dispatching where the slip has ended.
 * @returns what the workers should look for at once
 */
export async function followSlips(
  tx: StoreTx,
  events: readonly FollowedEvent[],
  count: Count,
): Promise<NewlyDue> {
  const due = { calls: 0, inquiries: 0 };
  if (events.length === 0) return due;
  const slipIds = [...new Set(events.map((e) => e.recorded.slipId))];
  const { now, rows } = await tx.dispatches.lock(slipIds);
  const changes = new Changes(rows);
  const released: Dispatch[] = [];
  for (const event of events) {
    const { recorded } = event;
    const before = changes.get(recorded.slipId);
    if (!before) {
      if (isSubmitted(recorded)) changes.add(newDispatch(recorded, event));
      else count('unknown_slip');
      continue;
    }
    // What is due at once is due from the event's time: this database's clock may have jumped ahead for a moment.
    const step = followEvent(before, recorded.event, earlier(now, recorded.time));
    changes.apply(step);
    if (endsWaiting(before, step.dispatch)) released.push(step.dispatch);
    due.inquiries += step.inquiries.length;
    if (step.dispatch.nextAt !== null && before.nextAt === null) due.calls += 1;
  }
  await applyParked(tx, changes, released, now, count);
  await changes.write(tx);
  return due;
}

export type Submitted = RecordedEvent & { readonly event: Extract<SlipEvent, { type: 'SlipSubmitted' }> };

export function isSubmitted(recorded: RecordedEvent): recorded is Submitted {
  return recorded.event.type === 'SlipSubmitted';
}

function endsWaiting(before: Dispatch, after: Dispatch): boolean {
  return after.mode === 'reported' && before.status === 'submitted' && after.status !== 'submitted';
}

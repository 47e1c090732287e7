import type { Instant } from '@slipstream/kernel';
import { isLive, type PendingEvent, type RecordedEvent, type SlipEvent, type Stage } from '@slipstream/slip';
import { opened } from '../domain/case/reasons.ts';
import type { Diagnosable } from '../domain/diagnosis/diagnose.ts';
import type { Stall } from '../domain/diagnosis/stalls.ts';
import { isAutomaticRefund } from '../domain/repair/budget.ts';
import { decide, type Occasion } from '../domain/repair/decide.ts';
import { isOwnTrouble } from '../domain/repair/own-trouble.ts';
import { fold, type WatchedSlip } from '../domain/watch/watched-slip.ts';
import { type Allowance, freely } from './allowance.ts';

/** Ids: those of events, and the one that a verdict has for ever (rule 6). */
export interface Ids {
  newId(): string;
  /** The same id for the same verdict. */
  overdueId(slipId: string, stage: Stage, deadline: Instant): string;
}

/** What is taken beside the slip. */
export interface Means {
  readonly ids: Ids;
  /** When our own services stood still, as far as it is known now. */
  readonly stalls: readonly Stall[];
}

/** One slip in a transaction: as it was stored, as it is now, and what was decided in between. */
export interface Change {
  /** Null when it is new. */
  readonly before: WatchedSlip | null;
  readonly slip: WatchedSlip;
  readonly events: readonly PendingEvent[];
}

export function unchanged(slip: WatchedSlip): Change {
  return { before: slip, slip, events: [] };
}

/**
 * The one place where decisions are carried out: what is decided is folded, and asked about again, until nothing more
 * follows. Our own events are therefore never folded when they are read back. `now` is on the slip's clock: the
 * database's on the wall clock, the importer's on any other.
 */
export function advance(
  change: Change,
  occasion: Occasion,
  now: Instant,
  { ids, stalls }: Means,
  allowance: Allowance = freely,
): Change {
  let { slip } = change;
  const events = [...change.events];
  const occasions: Occasion[] = [occasion];
  for (let next = occasions.shift(); next !== undefined; next = occasions.shift()) {
    const decision = decide(slip, next, now, stalls);
    slip = { ...slip, nextStep: decision.nextStep };
    for (const event of decision.events.flatMap((one) => allowed({ ...slip, stalls }, one, allowance))) {
      const pending = toPending(slip, event, now, ids);
      slip = fold(slip, toRecorded(pending, now));
      events.push(pending);
      occasions.push({ type: 'event', event });
    }
  }
  return { ...change, slip, events };
}

/** A refund that is not within the repair budget waits for people, and so does one of many that our own trouble made. */
function allowed(slip: Diagnosable, event: SlipEvent, allowance: Allowance): readonly SlipEvent[] {
  if (!isAutomaticRefund(event)) return [event];
  const { state } = slip;
  const withheld = allowance.take({ amount: state.amount, isOwnTrouble: isOwnTrouble(slip) });
  return withheld === null ? [event] : opened(state, withheld);
}

export type Identified = PendingEvent & { readonly id: string };

function toPending({ partition, state }: WatchedSlip, event: SlipEvent, now: Instant, ids: Ids): Identified {
  const { slipId, clock } = state;
  const place = { slipId, partition, clock, event };
  if (event.type === 'SlipOverdue') {
    const { stage, deadline } = event.data;
    // A verdict says nothing but what the log says, so not even when it was found.
    return { ...place, id: ids.overdueId(slipId, stage, deadline), receivedAt: deadline };
  }
  return { ...place, id: ids.newId(), receivedAt: isLive(clock) ? null : now };
}

/** As it will stand in the log, but for its number and its exact time. */
export function toRecorded(
  { id, slipId, clock, event, receivedAt }: Identified,
  now: Instant,
): RecordedEvent {
  return { id, slipId, clock, event, time: now, receivedTime: receivedAt ?? now, source: '', sequence: 0n };
}

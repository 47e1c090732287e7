import type { Instant } from '@slipstream/kernel';
import {
  decide,
  isLive,
  type PendingEvent,
  type ReconciliationCommand,
  type SlipEvent,
  type Stage,
} from '@slipstream/slip';
import { diagnose } from '../diagnosis/diagnose.ts';
import { fold, type NextStep, type WatchedSlip } from '../watch/watched-slip.ts';

/** Time and ids for one decision. */
export interface Context {
  /** Now on the slip's clock: the database's on `wall`, the importer's on any other. */
  readonly now: Instant;
  newId(): string;
  /** The same id for the same verdict, for ever (rule 6). */
  overdueId(slipId: string, stage: Stage, deadline: Instant): string;
}

/** An event of ours, with when it was decided on the slip's clock. */
export type DecidedEvent = PendingEvent & { readonly at: Instant };

/** One slip while decisions are made about it, and all they led to. */
export interface Draft {
  slip: WatchedSlip;
  /** As it was stored; null when it is new. */
  readonly before: WatchedSlip | null;
  readonly decided: DecidedEvent[];
}

export function draftOf(slip: WatchedSlip, before: WatchedSlip | null): Draft {
  return { slip, before, decided: [] };
}

/**
 * Carries out one command: what it decides is published and folded at once. False when it is not legal now or was
 * obeyed before. Our own events are therefore never folded again when they are read back.
 */
export function perform(draft: Draft, command: ReconciliationCommand, context: Context): boolean {
  const events = decide(draft.slip.state, command);
  for (const event of events) record(draft, event, context);
  return events.length > 0;
}

export function performDiagnosis(draft: Draft, context: Context): void {
  perform(draft, { type: 'diagnose', cause: diagnose(draft.slip) }, context);
}

export function setNextStep(draft: Draft, nextStep: NextStep | null): void {
  draft.slip = { ...draft.slip, nextStep };
}

function record(draft: Draft, event: SlipEvent, context: Context): void {
  const { slipId, clock } = draft.slip.state;
  const { now } = context;
  const overdue = event.type === 'SlipOverdue' ? event.data : null;
  const id = overdue ? context.overdueId(slipId, overdue.stage, overdue.deadline) : context.newId();
  // A verdict says nothing but what the log says, so not even when it was found.
  const receivedAt = overdue ? overdue.deadline : isLive(clock) ? null : now;
  draft.decided.push({ id, slipId, partition: draft.slip.partition, clock, event, at: now, receivedAt });
  const recorded = {
    ...{ id, slipId, clock, event, time: now, receivedTime: receivedAt ?? now },
    source: '',
    sequence: 0n,
  };
  draft.slip = fold(draft.slip, recorded);
}

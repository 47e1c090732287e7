import type { Instant, Money } from '@slipstream/kernel';
import { isLive } from './clock.ts';
import type { Outcome, RecordedEvent, SlipEvent, Stage } from './events.ts';
import type { SlipFacts } from './state.ts';

/** Money moved or the slip was refused: nothing more is expected of it. */
export function hasEnded(facts: Pick<SlipFacts, 'settled' | 'refunded' | 'rejection'>): boolean {
  return facts.settled || facts.refunded || facts.rejection !== null;
}

/** True when any answer said that the provider executed the slip. */
export function successReported(facts: Pick<SlipFacts, 'outcome' | 'contradictedBy'>): boolean {
  return facts.outcome === 'succeeded' || facts.contradictedBy === 'succeeded';
}

/**
 * What a success may settle by itself, in minor units of the slip's currency: what the provider says it moved, or all
 * of `asked` when it names no amount. Null when it moved more, or another currency: that settles nothing (rule 2).
 */
export function settleableAmount(asked: Money, moved: Money | null): bigint | null {
  if (moved === null) return asked.amount;
  const within = moved.currency === asked.currency && moved.amount >= 0n && moved.amount <= asked.amount;
  return within ? moved.amount : null;
}

/** The provider says that it executed the slip, but not as it was asked to: people decide what becomes of the money. */
export function successInDoubt(
  facts: Pick<SlipFacts, 'outcome' | 'returnedAmount'> & { readonly amount: Money | null },
): boolean {
  if (facts.outcome !== 'succeeded' || facts.amount === null) return false;
  return settleableAmount(facts.amount, facts.returnedAmount) === null;
}

/** Whether the provider said anything about the slip: then it has the slip, and NOT_FOUND proves nothing (rule 3). */
export function providerHasSpoken(word: {
  readonly acknowledged: boolean;
  readonly lastStep: string | null;
  readonly outcome: Outcome | null;
}): boolean {
  return word.acknowledged || word.lastStep !== null || word.outcome !== null;
}

/** Whether the event ends the stage `returned`: the provider's answer, or an end after which none is expected. */
export function endsReturned({ type }: SlipEvent): boolean {
  return outcomeEnds.has(type);
}

const outcomeEnds: ReadonlySet<SlipEvent['type']> = new Set([
  'SlipReturned',
  'HoldRefused',
  'SlipRejected',
  'SlipWithdrawn',
  'SlipDeclined',
]);

/**
 * Rule 6, the one place where it is asked: evidence is in time if and only if it was received here by the deadline,
 * that very instant included. When it was handled, published or read does not count.
 */
export function isInTime(receivedAt: Instant, deadline: Instant): boolean {
  return receivedAt <= deadline;
}

/**
 * Whether the event ends the stage `returned` by its deadline. The hold of an imported slip is answered long after its
 * time, so a refusal there is always in time: nothing was due.
 */
export function endsReturnedInTime(
  { clock, event, receivedTime }: RecordedEvent,
  deadline: Instant,
): boolean {
  if (!endsReturned(event)) return false;
  const nothingDue = !isLive(clock) && event.type !== 'SlipReturned';
  return nothingDue || isInTime(receivedTime, deadline);
}

/** When the event was received that ended the stage; null while none was. */
export function stageEndedAt(
  facts: Pick<
    SlipFacts,
    'approvedAt' | 'heldAt' | 'intendedAt' | 'acknowledgedAt' | 'returnedAt' | 'rejection' | 'resolvedAt'
  >,
  stage: Stage,
): Instant | null {
  const rejectedAt = facts.rejection === null ? null : facts.resolvedAt;
  switch (stage) {
    case 'submitted':
      return facts.heldAt ?? rejectedAt;
    case 'review':
      return facts.approvedAt ?? facts.heldAt ?? rejectedAt;
    case 'held':
      return facts.intendedAt ?? facts.acknowledgedAt ?? facts.returnedAt ?? rejectedAt;
    case 'dispatching':
      return facts.acknowledgedAt ?? facts.returnedAt ?? rejectedAt;
    case 'returned':
      return facts.returnedAt ?? rejectedAt;
    default:
      return stage satisfies never;
  }
}

import type { Instant } from '@slipstream/kernel';
import type { Stage } from './events.ts';
import type { SlipFacts } from './state.ts';

/** Money moved or the slip was refused: nothing more is expected of it. */
export function hasEnded(facts: Pick<SlipFacts, 'settled' | 'refunded' | 'rejection'>): boolean {
  return facts.settled || facts.refunded || facts.rejection !== null;
}

/** True when any answer said that the provider executed the slip. */
export function successReported(facts: Pick<SlipFacts, 'outcome' | 'contradictedBy'>): boolean {
  return facts.outcome === 'succeeded' || facts.contradictedBy === 'succeeded';
}

export function providerHasSpoken(
  facts: Pick<SlipFacts, 'outcome' | 'acknowledgedAt' | 'lastStep'>,
): boolean {
  return facts.outcome !== null || facts.acknowledgedAt !== null || facts.lastStep !== null;
}

/** When the event was received that ended the stage; null while none was. */
export function stageEndedAt(
  facts: Pick<
    SlipFacts,
    'heldAt' | 'intendedAt' | 'acknowledgedAt' | 'returnedAt' | 'rejection' | 'resolvedAt'
  >,
  stage: Stage,
): Instant | null {
  const rejectedAt = facts.rejection === null ? null : facts.resolvedAt;
  switch (stage) {
    case 'submitted':
    case 'review':
      return facts.heldAt ?? rejectedAt;
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

import type { Instant, Money } from '@slipstream/kernel';
import { stageEndedAt, successInDoubt, successReported } from './facts.ts';
import type { SlipFacts, SlipStatus } from './state.ts';

type Facts = Omit<SlipFacts, 'status'> & {
  readonly submittedAt: Instant | null;
  readonly reviewRequired: boolean | null;
  readonly amount: Money | null;
};

/**
 * The status that the facts add up to, strongest first: money, then the provider's answer, then verdicts, then steps.
 * Because it looks at facts and not at the last event, an event that arrives late never moves a slip back.
 */
export function statusOf(facts: Facts): SlipStatus {
  if (facts.refunded) return facts.settled || successReported(facts) ? 'conflicted' : 'refunded';
  // Money that came back after the settlement, or is said to: people look at it.
  if (facts.settled) return facts.compensated ? 'conflicted' : 'settled';
  if (facts.rejection !== null) return facts.endedAs ?? 'rejected';
  if (successInDoubt(facts)) return 'unknown';
  if (facts.outcome !== null) return 'returned';
  if (facts.notReturned !== null) return 'not_returned';
  if (facts.inquiries > facts.inquiriesAnswered) return 'inquiring';
  if (facts.overdueStages.some((stage) => stageEndedAt(facts, stage) === null)) return overdueStatus(facts);
  if (facts.acknowledgedAt !== null || facts.lastStep !== null) return 'acknowledged';
  // A later attempt's NotSent says nothing about an earlier one that may have left.
  if (facts.mayHaveLeft) return facts.lastAttempt?.outcome === 'open' ? 'dispatching' : 'unknown';
  if (facts.lastAttempt?.outcome === 'open') return 'dispatching';
  if (facts.held) return 'held';
  if (facts.submittedAt === null && facts.draftedAt !== null) return 'draft';
  return facts.reviewRequired && facts.approvedAt === null ? 'in_review' : 'submitted';
}

/** The ladder is climbed (`inquiring`), or exhausted without proof and left to people (`unknown`). */
function overdueStatus(facts: Facts): SlipStatus {
  if (facts.case !== null) return 'unknown';
  return facts.inquiries > 0 ? 'inquiring' : 'overdue';
}

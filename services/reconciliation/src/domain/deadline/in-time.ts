import type { Instant } from '@slipstream/kernel';
import { isLive, type RecordedEvent } from '@slipstream/slip';

/** Whether the event ends the stage `returned`: the provider's answer, or the refusal after which none is expected. */
export function endsStage({ event }: RecordedEvent): boolean {
  return event.type === 'SlipReturned' || event.type === 'HoldRefused' || event.type === 'SlipRejected';
}

/**
 * Rule 6: the stage is in time if and only if an event ending it was received here at or before the deadline. What
 * counts is when the evidence became durable, not when it was handled, published or read. The hold of an imported slip
 * is answered long after its time, so a refusal there is always in time: nothing was due.
 */
export function isInTime(recorded: RecordedEvent, deadline: Instant): boolean {
  if (!endsStage(recorded)) return false;
  if (!isLive(recorded.clock) && recorded.event.type !== 'SlipReturned') return true;
  return recorded.receivedTime <= deadline;
}

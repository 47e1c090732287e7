import type { Instant } from '@slipstream/kernel';
import type { SlipEvent } from './events.ts';

/**
 * An event on its way: decided, and published with the commit of the decision. The outbox gives it its number and its
 * time; then it is a recorded event.
 */
export interface PendingEvent {
  readonly slipId: string;
  /** The slip's partition: a consumer's output stays on its input's partition (rule 4). */
  readonly partition: number;
  readonly clock: string;
  readonly event: SlipEvent;
  /** When the evidence became durable here; null: with this very commit (rule 6). */
  readonly receivedAt: Instant | null;
  /** Where the id is known already, or must be the same again (a verdict); else the encoder gives a new one. */
  readonly id?: string | undefined;
  /** W3C trace context of what caused it; null, empty or absent: of nothing. */
  readonly traceparent?: string | null | undefined;
}

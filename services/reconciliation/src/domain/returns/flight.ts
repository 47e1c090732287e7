import { type Instant, instantToMs } from '@slipstream/kernel';
import { isLive, type RecordedEvent, type SubmittedSlip } from '@slipstream/slip';

/**
 * What an event says about the way of a slip to its provider and back. A slip is dispatched once: when it goes on to
 * another provider the first one has not returned it.
 */
export interface Flight {
  readonly kind: 'dispatched' | 'returned' | 'withdrawn';
  readonly provider: string;
  readonly route: string;
  /** Milliseconds since 1970: when this was received, when it was dispatched, and its deadline. */
  readonly at: number;
  readonly dispatchedAt: number;
  readonly due: number;
  /** Minor units, without a currency 0. */
  readonly amount: number;
  readonly currency: string | null;
}

/** Null: nothing, as of imported slips, of which nobody is called. */
export function flightOf(
  before: SubmittedSlip | null,
  after: SubmittedSlip,
  { clock, receivedTime }: Pick<RecordedEvent, 'clock' | 'receivedTime'>,
): Flight | null {
  if (!isLive(clock)) return null;
  const [was, is] = [before?.dispatchedAt ?? null, after.dispatchedAt];
  const flight = (
    kind: Flight['kind'],
    { provider, route, deadline, amount }: SubmittedSlip,
    at: Instant,
  ): Flight => ({
    ...{ kind, provider: provider ?? '', route, at: instantToMs(receivedTime) },
    ...{ dispatchedAt: instantToMs(at), due: instantToMs(deadline) },
    ...{ amount: Number(amount?.amount ?? 0n), currency: amount?.currency ?? null },
  });
  if (before !== null && was !== null && before.outcome === null) {
    if (after.outcome !== null) return flight('returned', before, was);
    return is === null ? flight('withdrawn', before, was) : null;
  }
  return was === null && is !== null && after.outcome === null ? flight('dispatched', after, is) : null;
}

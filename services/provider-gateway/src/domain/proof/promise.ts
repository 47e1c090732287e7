import type { Instant } from '@slipstream/kernel';
import { addMs, instantToMs } from '@slipstream/kernel';
import { type PendingEvent, providerHasSpoken } from '@slipstream/slip';
import type { Dispatch } from '../dispatch/state.ts';

/**
 * Who broke its promise: it speaks as one that has the slip, and had denied it later than it could still have accepted it. What
 * says that it did not execute the slip is no contradiction. Told of a slip once, by the first such word. Null: nobody.
 */
export function brokenBy(before: Dispatch, events: readonly PendingEvent[]): string | null {
  for (const { event } of events) {
    if (!tellsOfSlip(event)) continue;
    const { provider } = event.data;
    if (provider !== null && hasDenied(before, provider)) return provider;
  }
  return null;
}

type Telling = Extract<
  PendingEvent['event'],
  { type: 'SlipAcknowledged' | 'SlipProgressed' | 'SlipReturned' | 'AnswerDoubted' }
>;

function tellsOfSlip(event: PendingEvent['event']): event is Telling {
  if (event.type === 'SlipReturned') return event.data.outcome === 'succeeded';
  return ['SlipAcknowledged', 'SlipProgressed', 'AnswerDoubted'].includes(event.type);
}

function hasDenied(dispatch: Dispatch, provider: string): boolean {
  const { firstNotFoundAt, earlier } = dispatch;
  const latest = dispatch.provider === provider && firstNotFoundAt !== null && !providerHasSpoken(dispatch);
  return (
    latest ||
    earlier.some(
      (one) => one.provider === provider && one.firstNotFoundAt !== null && one.end === 'unanswered',
    )
  );
}

/** After when nothing of the latest attempt with a provider was sent; null: none was made. */
export function notAfterOf(dispatch: Dispatch, provider: string): Instant | null {
  if (dispatch.provider === provider && dispatch.notAfter !== null) return dispatch.notAfter;
  return dispatch.earlier.findLast((one) => one.provider === provider)?.notAfter ?? null;
}

/** Whether the slip was handed on because one of these providers denied it. */
export function restsOn({ earlier }: Pick<Dispatch, 'earlier'>, providers: ReadonlySet<string>): boolean {
  return earlier.some(({ end, provider }) => end === 'unanswered' && providers.has(provider));
}

/** When the provider is asked again about what it denied; null: not any more. */
export function nextRecheck(provedAt: Instant, now: Instant, ladderMs: readonly number[]): Instant | null {
  const goneMs = instantToMs(now) - instantToMs(provedAt);
  const rung = ladderMs.find((ms) => ms > goneMs);
  return rung === undefined ? null : addMs(provedAt, rung);
}

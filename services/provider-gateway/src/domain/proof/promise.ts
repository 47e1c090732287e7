import type { Instant } from '@slipstream/kernel';
import { addMs, earlier, instantToMs } from '@slipstream/kernel';
import { type PendingEvent, providerHasSpoken } from '@slipstream/slip';
import type { Dispatch } from '../dispatch/state.ts';
import type { ProviderAnswer } from '../provider/answer.ts';

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

/** So much may a provider's clock be off beside ours. */
export const providerClockMs = 1_000;

/**
 * Whether a provider took a slip later than it declares, by its own word, though nobody had got a NOT_FOUND from it that counts: it only was
 * not asked in time. Its first word tells, and it had taken the slip when that came. A time that is still to come is of a clock that says nothing.
 */
export function tookTooLate(
  before: Dispatch,
  provider: string,
  answer: ProviderAnswer,
  now: Instant,
  acceptanceDelayMaxMs: number | null,
): boolean {
  const { acceptedAt = null } = answer;
  const { notAfter, firstNotFoundAt } = before;
  if (acceptedAt === null || acceptanceDelayMaxMs === null || before.provider !== provider) return false;
  if (notAfter === null || firstNotFoundAt !== null || providerHasSpoken(before)) return false;
  if (acceptedAt > addMs(now, providerClockMs)) return false;
  // That it did not execute it is no other thing than what a proof would have said.
  if (answer.kind === 'returned' && answer.outcome !== 'succeeded') return false;
  return earlier(acceptedAt, now) > addMs(notAfter, acceptanceDelayMaxMs + providerClockMs);
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

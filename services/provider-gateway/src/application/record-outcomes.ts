import { backoffMs, type Instant } from '@slipstream/kernel';
import { type AttemptEnd, endAttempt } from '../domain/dispatch/attempt.ts';
import { moveTo, providerOf, wasGiven } from '../domain/dispatch/earlier.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import { askedAboutAfterMs, polled } from '../domain/inquiry/poll.ts';
import { restsOn } from '../domain/proof/promise.ts';
import { asDeclared, type CallOutcome } from '../domain/provider/answer.ts';
import { asItCounts } from '../domain/provider/finality.ts';
import { Changes, countOdd } from './apply.ts';
import { type EndedCall, notPublished } from './intents.ts';
import type { Capabilities, Count, Providers, Random, RetryLimits, Store, StoreTx } from './ports.ts';
import type { Routing } from './routing.ts';

export interface RecorderParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly retryLimits: RetryLimits;
  readonly random: Random;
  readonly count: Count;
  readonly routing: Routing;
}

/** Records how calls ended, many in one transaction (rule 1: exactly one end for each intent). */
export async function recordOutcomes(parts: RecorderParts, calls: readonly EndedCall[]): Promise<void> {
  await parts.store.run(async (tx) => {
    const slipIds = [...new Set(calls.map((call) => call.slipId))];
    const { now, rows, disabled, distrusted } = await tx.dispatches.lock(slipIds);
    const changes = new Changes(rows, now);
    for (const ended of calls) {
      const dispatch = changes.get(ended.slipId);
      if (!dispatch) continue;
      const provider = providerOf(dispatch, ended.attempt) ?? '';
      const can = parts.providers.get(provider)?.capabilities ?? null;
      if (ended.outcome.kind === 'answered')
        changes.heard(ended.slipId, provider, ended.outcome.answer, now, can);
      const declared = asDeclared(ended.outcome, can?.throttledMeansNotTaken === true);
      const call = { ...ended, outcome: outcomeAsItCounts(declared, dispatch, now, can) };
      const step = endAttempt(dispatch, { ...call, now, ...circumstances(parts, dispatch, distrusted) });
      const terms = asTrusted(capabilitiesOf(parts.providers, step.dispatch), step.dispatch, distrusted);
      changes.apply(polled(step, now, terms));
      const onward = handOn(parts.routing, step.dispatch, call, { now, disabled });
      if (onward !== null) changes.add(onward);
      countOdd(step, parts.count);
    }
    await changes.write(tx);
  });
}

/**
 * A slip that was provably not sent goes to another provider of its route (rule 3), at once if that one was not tried. What
 * only our own way to the topic kept from being sent stays where it is. Null: nothing changes.
 */
function handOn(
  routing: Routing,
  dispatch: Dispatch,
  { attempt, outcome }: EndedCall,
  { now, disabled }: { readonly now: Instant; readonly disabled: ReadonlySet<string> },
): Dispatch | null {
  if (outcome.kind !== 'not_sent' || outcome.reason === notPublished) return null;
  const { status, sentMaybe, closedForDispatch, deadline } = dispatch;
  if (status !== 'held' || dispatch.attempt !== attempt || sentMaybe) return null;
  if (closedForDispatch || now >= deadline) return null;
  const chosen = routing.choose(dispatch, disabled);
  if (chosen === null || chosen.provider === dispatch.provider) return null;
  const nextAt = wasGiven(dispatch, chosen.provider) ? dispatch.nextAt : now;
  return nextAt === null ? null : { ...moveTo(dispatch, chosen), nextAt };
}

function outcomeAsItCounts(
  outcome: CallOutcome,
  dispatch: Dispatch,
  now: Instant,
  terms: Capabilities | null,
): CallOutcome {
  if (outcome.kind !== 'answered') return outcome;
  return { ...outcome, answer: asItCounts(outcome.answer, dispatch, now, terms) };
}

const abandonedMax = 200;

/**
 * Ends the attempts whose sender did not say in time how they ended: they may have left, so they are asked about and
 * never sent again (rule 1). An answer that it still brings counts all the same.
 * @returns how many there were
 */
export function recoverAbandoned(parts: RecorderParts): Promise<number> {
  return endAbandoned(parts, 'not_recorded', (tx) => tx.dispatches.lockAbandoned(abandonedMax));
}

/** Ends what a process of this name left behind when it died: before this one makes any call. */
export async function recoverOwn(parts: RecorderParts, owner: string): Promise<void> {
  let ended = abandonedMax;
  while (ended === abandonedMax) {
    ended = await endAbandoned(parts, 'restart', (tx) => tx.dispatches.lockOwned(owner, abandonedMax));
  }
}

async function endAbandoned(
  parts: RecorderParts,
  reason: 'restart' | 'not_recorded',
  lock: (tx: StoreTx) => ReturnType<StoreTx['dispatches']['lockAbandoned']>,
): Promise<number> {
  const found = await parts.store.run(async (tx) => {
    const { now, abandoned, distrusted } = await lock(tx);
    const changes = new Changes(new Map(abandoned.map((dispatch) => [dispatch.slipId, dispatch])));
    for (const dispatch of abandoned) {
      const { attempt, owner } = dispatch;
      const detail = `The instance ${owner ?? 'that sent it'} did not record how the attempt ended.`;
      const outcome = { kind: 'unanswered', reason, detail } as const;
      const step = endAttempt(dispatch, {
        ...{ attempt, outcome, now },
        ...circumstances(parts, dispatch, distrusted),
      });
      const terms = asTrusted(capabilitiesOf(parts.providers, dispatch), dispatch, distrusted);
      changes.apply(polled(step, now, terms));
    }
    await changes.write(tx);
    return abandoned.length;
  });
  if (found > 0) parts.count('abandoned_attempt', found);
  return found;
}

function circumstances(
  parts: RecorderParts,
  dispatch: Dispatch,
  distrusted: ReadonlySet<string>,
): Pick<AttemptEnd, 'retryDelayMs' | 'askedAboutAfterMs' | 'idempotentByReference'> {
  const { retryInitialMs: minMs, retryMaxMs: maxMs } = parts.retryLimits(dispatch.route);
  const terms = asTrusted(capabilitiesOf(parts.providers, dispatch), dispatch, distrusted);
  return {
    retryDelayMs: Math.round(backoffMs(dispatch.attempt, { minMs, maxMs }, parts.random())),
    askedAboutAfterMs: terms && askedAboutAfterMs(terms),
    idempotentByReference: terms?.idempotentByReference === true,
  };
}

/**
 * What a provider can do, as far as it is believed: whoever broke its promise has none any more, nor has whom a slip went to
 * by the word of such a one.
 */
export function asTrusted(
  terms: Capabilities | null,
  slip: Pick<Dispatch, 'provider' | 'earlier'>,
  distrusted: ReadonlySet<string>,
): Capabilities | null {
  const isBelieved = !distrusted.has(slip.provider ?? '') && !restsOn(slip, distrusted);
  return terms && !isBelieved ? { ...terms, acceptanceDelayMaxMs: null, cancelByReference: false } : terms;
}

/** What the provider of a slip can do; null: it is not configured any more. */
export function capabilitiesOf(
  providers: Providers,
  { provider }: Pick<Dispatch, 'provider'>,
): Capabilities | null {
  return providers.get(provider ?? '')?.capabilities ?? null;
}

import { backoffMs, type Instant } from '@slipstream/kernel';
import { type AttemptEnd, endAttempt } from '../domain/dispatch/attempt.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import { Changes } from './apply.ts';
import type { EndedCall } from './intents.ts';
import type { Count, Providers, Random, RetryLimits, Store, StoreTx } from './ports.ts';

export interface RecorderParts {
  readonly store: Store;
  readonly providers: Providers;
  readonly retryLimits: RetryLimits;
  readonly random: Random;
  readonly count: Count;
}

/** Records how calls ended, many in one transaction (rule 1: exactly one end for each intent). */
export async function recordOutcomes(parts: RecorderParts, calls: readonly EndedCall[]): Promise<void> {
  await parts.store.run(async (tx) => {
    const slipIds = [...new Set(calls.map((call) => call.slipId))];
    const { now, rows } = await tx.dispatches.lock(slipIds);
    const changes = new Changes(rows);
    for (const call of calls) {
      const dispatch = changes.get(call.slipId);
      if (!dispatch) continue;
      const step = endAttempt(dispatch, { ...call, now, ...circumstances(parts, dispatch) });
      changes.apply(step);
      if ('reception' in step && step.reception === 'contradiction') parts.count('contradiction');
    }
    await changes.write(tx);
  });
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
  lock: (tx: StoreTx) => Promise<{ now: Instant; abandoned: readonly Dispatch[] }>,
): Promise<number> {
  const found = await parts.store.run(async (tx) => {
    const { now, abandoned } = await lock(tx);
    const changes = new Changes(new Map(abandoned.map((dispatch) => [dispatch.slipId, dispatch])));
    for (const dispatch of abandoned) {
      const { attempt, owner } = dispatch;
      const detail = `The instance ${owner ?? 'that sent it'} did not record how the attempt ended.`;
      const outcome = { kind: 'unanswered', reason, detail } as const;
      changes.apply(endAttempt(dispatch, { attempt, outcome, now, ...circumstances(parts, dispatch) }));
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
): Pick<AttemptEnd, 'retryDelayMs' | 'acceptanceDelayMaxMs'> {
  const { retryInitialMs: minMs, retryMaxMs: maxMs } = parts.retryLimits(dispatch.route);
  const provider = parts.providers.get(dispatch.provider ?? '');
  return {
    retryDelayMs: Math.round(backoffMs(dispatch.attempt, { minMs, maxMs }, parts.random())),
    acceptanceDelayMaxMs: provider?.capabilities.acceptanceDelayMaxMs ?? null,
  };
}

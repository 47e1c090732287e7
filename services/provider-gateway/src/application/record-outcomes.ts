import { type AttemptEnd, endAttempt } from '../domain/dispatch/attempt.ts';
import { retryDelayMs } from '../domain/dispatch/backoff.ts';
import type { Dispatch } from '../domain/dispatch/state.ts';
import { Changes } from './apply.ts';
import type { EndedCall } from './dispatch-due-slips.ts';
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
    const changes = new Changes(await tx.dispatches.lock([...new Set(calls.map((call) => call.slipId))]));
    const now = await tx.now();
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
 * Ends the attempts whose sender is gone: they may have left, so they are asked about and never sent again (rule 1).
 * @returns how many there were
 */
export async function recoverAbandoned(parts: RecorderParts): Promise<number> {
  const found = await parts.store.run((tx) => endAbandoned(tx, parts));
  if (found > 0) parts.count('abandoned_attempt', found);
  return found;
}

async function endAbandoned(tx: StoreTx, parts: RecorderParts): Promise<number> {
  const { now, abandoned } = await tx.dispatches.lockAbandoned(abandonedMax);
  const changes = new Changes(new Map(abandoned.map((dispatch) => [dispatch.slipId, dispatch])));
  for (const dispatch of abandoned) {
    const outcome = {
      kind: 'unanswered',
      reason: 'restart',
      detail: `The instance ${dispatch.owner ?? 'that sent it'} did not record how the attempt ended.`,
    } as const;
    changes.apply(
      endAttempt(dispatch, {
        attempt: dispatch.attempt,
        outcome,
        now,
        ...circumstances(parts, dispatch),
      }),
    );
  }
  await changes.write(tx);
  return abandoned.length;
}

function circumstances(
  parts: RecorderParts,
  dispatch: Dispatch,
): Pick<AttemptEnd, 'retryDelayMs' | 'acceptanceDelayMaxMs'> {
  const limits = parts.retryLimits(dispatch.route);
  const provider = parts.providers.get(dispatch.provider ?? '');
  return {
    retryDelayMs: retryDelayMs(Math.max(dispatch.attempt, 1), limits, parts.random()),
    acceptanceDelayMaxMs: provider?.capabilities.acceptanceDelayMaxMs ?? null,
  };
}

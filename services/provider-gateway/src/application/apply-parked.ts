import type { Instant } from '@slipstream/kernel';
import { isLive } from '@slipstream/slip';
import type { Dispatch } from '../domain/dispatch/state.ts';
import { byReceipt, misfit, type ReportedResult, receiveResult } from '../domain/result/reported-result.ts';
import type { Changes } from './apply.ts';
import type { Count, SlipReference, StoreTx } from './ports.ts';

/** Takes the reports that waited for these slips, and records them in the order in which they were received. */
export async function applyParked(
  tx: StoreTx,
  changes: Changes,
  dispatches: readonly Dispatch[],
  now: Instant,
  count: Count,
): Promise<void> {
  if (dispatches.length === 0) return;
  const bySlip = new Map(dispatches.map((dispatch) => [referenceKey(dispatch), dispatch.slipId]));
  const parked = await tx.parked.take(dispatches);
  const aside: ReportedResult[] = [];
  for (const { result, orphaned } of parked.toSorted((a, b) => byReceipt(a.result, b.result))) {
    const dispatch = changes.get(bySlip.get(referenceKey(result)) ?? '');
    if (dispatch && !applyResult(changes, dispatch, result, { now, orphaned }, count)) aside.push(result);
  }
  await setAside(tx, aside);
}

/** Somebody says that money moved for a slip of which we hold none: people have to see that. Of an import it is history. */
export async function setAside(tx: StoreTx, results: readonly ReportedResult[]): Promise<void> {
  const live = results.filter(({ clock }) => isLive(clock));
  if (live.length > 0) await tx.parked.setAside(live);
}

/**
 * Records one report about a slip that no longer waits for its hold.
 * @returns false: it cannot be told of the slip, which was refused or does not fit
 */
export function applyResult(
  changes: Changes,
  dispatch: Dispatch,
  result: ReportedResult,
  { now, orphaned }: { readonly now: Instant; readonly orphaned: boolean },
  count: Count,
): boolean {
  if (dispatch.status === 'refused' || misfit(dispatch, result) !== null) {
    count('dropped_result');
    return false;
  }
  // That nothing more was received by then has been vouched for (rule 6): it counts from this commit on.
  const receivedAt = orphaned && isLive(result.clock) ? null : result.receivedAt;
  const received = receiveResult(dispatch, result, { now, receivedAt });
  changes.apply(received);
  if (received.reception === 'contradiction') count('contradiction');
  if (received.reception === 'repeated') count('repeated_answer');
  return true;
}

export function referenceKey({ caller, reference }: SlipReference): string {
  return `${caller}\n${reference}`;
}

import { earlier } from '@slipstream/kernel';
import { Changes } from './apply.ts';
import { applyParked } from './apply-parked.ts';
import type { Count, Store, StoreTx } from './ports.ts';

const slipsMax = 200;

/** Intake's watermark of one clock: everything it publishes about input up to `time` lies before these offsets. */
export interface UpstreamTick {
  readonly clock: string;
  readonly marks: readonly { readonly partition: number; readonly time: string; readonly offset: bigint }[];
}

/**
 * Parked results are told when their slip's hold is read. Two transactions that run beside each other may miss each
 * other, one parking a result while the other reads the hold: this worker finds what was left behind, and marks as
 * orphans the results whose slip can no longer come (rule 6).
 * @returns how many results it moved on
 */
export async function releaseParked(
  store: Store,
  upstream: readonly UpstreamTick[],
  count: Count,
): Promise<number> {
  const waiting = await store.run((tx) => tx.parked.oldest());
  if (waiting.size === 0) return 0;
  const released = await store.run((tx) => releaseLeftBehind(tx, count));
  let orphans = 0;
  for (const tick of upstream) {
    if (tick.marks.length === 0 || !waiting.has(tick.clock)) continue;
    const upTo = tick.marks.map((mark) => mark.time).reduce(earlier);
    orphans += await store.run((tx) => tx.parked.orphan(tick.clock, upTo, tick.marks));
  }
  if (orphans > 0) count('orphan_result', orphans);
  return released + orphans;
}

async function releaseLeftBehind(tx: StoreTx, count: Count): Promise<number> {
  const references = await tx.parked.released(slipsMax);
  if (references.length === 0) return 0;
  const dispatches = await tx.dispatches.lockByReference(references);
  const changes = new Changes(new Map(dispatches.map((dispatch) => [dispatch.slipId, dispatch])));
  const ready = dispatches.filter((dispatch) => dispatch.status !== 'submitted');
  await applyParked(tx, changes, ready, await tx.now(), count);
  await changes.write(tx);
  return ready.length;
}

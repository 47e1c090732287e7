import { earlier } from '@slipstream/kernel';
import { Changes } from './apply.ts';
import { applyParked } from './apply-parked.ts';
import type { Count, SlipReference, Store } from './ports.ts';

const resultsMax = 1_000;
const failuresMax = 3;
const start: SlipReference = { caller: '', reference: '' };

/** How far the sweep over the parked results has come; one for each worker. */
export interface Sweep {
  after: SlipReference;
}

export function newSweep(): Sweep {
  return { after: start };
}

/** Intake's watermark of one clock: everything it publishes about input up to `time` lies before these offsets. */
export interface UpstreamTick {
  readonly clock: string;
  readonly marks: readonly { readonly partition: number; readonly time: string; readonly offset: bigint }[];
}

/**
 * Parked results are told when their slip's hold is read. Two transactions that run beside each other may miss each
 * other, one parking a result while the other reads the hold: this worker finds what was left behind, a stretch of the
 * parked results each time, and marks as orphans the results whose slip can no longer come (rule 6).
 * @param onUntold told of each slip whose results could not be told while others could: that fails no round
 * @returns how many results it moved on
 */
export async function releaseParked(
  store: Store,
  upstream: readonly UpstreamTick[],
  count: Count,
  onUntold: (error: unknown) => void,
  sweep: Sweep = newSweep(),
): Promise<number> {
  const waiting = await store.run((tx) => tx.parked.oldest());
  let orphans = 0;
  for (const tick of upstream) {
    if (tick.marks.length === 0 || !waiting.has(tick.clock)) continue;
    const upTo = tick.marks.map((mark) => mark.time).reduce(earlier);
    orphans += await store.run((tx) => tx.parked.orphan(tick.clock, upTo, tick.marks));
  }
  if (orphans > 0) count('orphan_result', orphans);
  return orphans + (await releaseLeftBehind(store, count, sweep, onUntold));
}

async function releaseLeftBehind(
  store: Store,
  count: Count,
  sweep: Sweep,
  onUntold: (error: unknown) => void,
): Promise<number> {
  const { released, next } = await store.run((tx) => tx.parked.released(sweep.after, resultsMax));
  sweep.after = next ?? start;
  try {
    return await release(store, released, count);
  } catch {
    return releaseOneByOne(store, released, count, sweep, onUntold);
  }
}

/** One slip whose results cannot be told holds up no other. After several it may be the database: the rest comes next. */
async function releaseOneByOne(
  store: Store,
  references: readonly SlipReference[],
  count: Count,
  sweep: Sweep,
  onUntold: (error: unknown) => void,
): Promise<number> {
  const failures: unknown[] = [];
  let done = 0;
  for (const reference of references) {
    try {
      done += await release(store, [reference], count);
    } catch (error) {
      failures.push(error);
      if (failures.length < failuresMax) continue;
      sweep.after = reference;
      throw error;
    }
  }
  for (const failure of failures) onUntold(failure);
  return done;
}

async function release(store: Store, references: readonly SlipReference[], count: Count): Promise<number> {
  if (references.length === 0) return 0;
  return store.run(async (tx) => {
    const dispatches = await tx.dispatches.lockByReference(references);
    const changes = new Changes(new Map(dispatches.map((dispatch) => [dispatch.slipId, dispatch])));
    const ready = dispatches.filter((dispatch) => dispatch.status !== 'submitted');
    await applyParked(tx, changes, ready, await tx.now(), count);
    await changes.write(tx);
    return ready.length;
  });
}

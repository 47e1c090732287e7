import type { Instant } from '@slipstream/kernel';
import { type Bound, type UpstreamMark, watermarkBounds } from '../domain/watermark/bounds.ts';
import type { StoreTx } from './ports.ts';

export interface BoundFacts {
  readonly resultsHandledTo: Instant;
  readonly partitionsOfResults: number;
  readonly upstream: ReadonlyMap<string, UpstreamMark>;
}

/** How far this service may be vouched for on each clock; asked before the sequencer's clock is read. */
export async function readBounds(tx: StoreTx, facts: BoundFacts): Promise<readonly Bound[]> {
  const marks = await tx.clocks.all();
  const oldestParked = await tx.parked.oldest();
  return watermarkBounds({ ...facts, marks, oldestParked });
}

/** Whether there is anything that watermarks are needed for. */
export async function anythingOpen(tx: StoreTx): Promise<boolean> {
  const marks = await tx.clocks.all();
  return marks.some((mark) => !mark.closed) || (await tx.dispatches.anyOpen());
}

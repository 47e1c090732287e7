import { SlipstreamError } from '@slipstream/kernel';
import { fold, type WatchedSlip, watch } from '../../domain/watch/watched-slip.ts';
import type { Unit } from '../ports.ts';
import type { Left } from './hot-partition.ts';
import type { SlipLog } from './ports.ts';

/**
 * Slips that leave memory, with all that is known of them, read from the topic again. Nothing was ever decided about them,
 * so folding their events gives what a row would hold.
 */
export async function readSlips(
  log: SlipLog,
  partition: number,
  left: ReadonlyMap<string, Left>,
): Promise<Map<string, WatchedSlip>> {
  const slips = new Map<string, WatchedSlip>();
  if (left.size === 0) return slips;
  const offsets = [...left.values()].flatMap((one) => one.offsets).sort((a, b) => a - b);
  const events = await log.events(partition, offsets);
  for (const [slipId, { offsets: own, late }] of left) {
    const [first, ...rest] = own.map((offset) => events.get(offset)!);
    let slip = watch(partition, first!);
    // Another topic of the same name, or records that are gone: nothing is concluded from those.
    if (slip === null || [first!, ...rest].some((recorded) => recorded.slipId !== slipId))
      throw new SlipstreamError('unavailable', `the events of slip ${slipId} are not where they were read`);
    for (const recorded of rest) if (slip.state.lastEventId !== recorded.id) slip = fold(slip, recorded);
    slips.set(slipId, late ? { ...slip, observations: { ...slip.observations, late } } : slip);
  }
  return slips;
}

/** A unit in which slips that leave memory are found as if they were rows already. */
export function withSlips<To extends Pick<Unit, 'byId'>>(
  unit: To,
  slips: ReadonlyMap<string, WatchedSlip>,
): To {
  if (slips.size === 0) return unit;
  return {
    ...unit,
    async byId(slipIds: readonly string[]) {
      const here = slipIds.flatMap((slipId) => slips.get(slipId) ?? []);
      const others = slipIds.filter((slipId) => !slips.has(slipId));
      return others.length === 0 ? here : [...here, ...(await unit.byId(others))];
    },
  };
}

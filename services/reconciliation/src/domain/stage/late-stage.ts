import type { Stage, StageLimits, StagePoint } from '@slipstream/slip';
import type { Owner } from '../deadline/marks.ts';

/** Which service should have ended a stage. */
export const endedBy: Readonly<Record<Stage, string>> = {
  submitted: 'ledger',
  review: 'intake',
  held: 'provider-gateway',
  dispatching: 'provider-gateway',
  returned: 'provider-gateway',
};

/** Those through which alone a stage can have gone on. */
const goesThrough: Readonly<Record<Stage, readonly Owner[]>> = {
  submitted: ['intake', 'ledger'],
  review: ['intake'],
  held: ['ledger', 'gateway'],
  dispatching: ['gateway'],
  returned: ['gateway'],
};

/** A stall of ours. Here and below times are milliseconds since 1970. */
export interface StallMs {
  readonly service: Owner;
  readonly from: number;
  readonly until: number;
}

/**
 * What a stage that began at `since` has come to at `now`, up to which all was read that ends it; null: nothing to be told. The time in which a
 * service stood still that it goes through does not count: that is told of the service, and not of each slip.
 */
export function pointPassed(
  stage: Stage,
  { warnMs, actMs }: StageLimits,
  { since, now }: { readonly since: number; readonly now: number },
  stalls: readonly StallMs[],
): StagePoint | null {
  const least = warnMs === 0 ? actMs : warnMs;
  if (least === 0 || now - since <= least) return null;
  const tookMs = now - since - lostMs(stage, since, now, stalls);
  if (actMs > 0 && tookMs > actMs) return 'act';
  return tookMs > least ? 'warn' : null;
}

/** What two services lost at once counts once; stalls come in the order of their end. */
function lostMs(stage: Stage, since: number, now: number, stalls: readonly StallMs[]): number {
  const lost = stalls
    .filter(({ service, from, until }) => goesThrough[stage].includes(service) && until > since && from < now)
    .toSorted((a, b) => a.from - b.from);
  let sum = 0;
  let through = since;
  for (const { from, until } of lost) {
    const end = Math.min(until, now);
    sum += Math.max(0, end - Math.max(from, through));
    through = Math.max(through, end);
  }
  return sum;
}

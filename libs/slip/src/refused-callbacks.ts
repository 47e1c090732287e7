import { addMs } from '@slipstream/kernel';
import type { RefusedCallbacks } from './events.ts';

/** So many callbacks must be refused for one that is accepted: who forges them does not keep the provider's own from coming. */
const refusedPerAcceptedMin = 10;
/** Of so many slips: a wrong secret refuses every callback, and one stranger knows one slip. */
const refusedSlipsMin = 2;
/** Of one slip alone they must keep coming for so long, as a provider's do that is not answered, and none be accepted meanwhile. */
const refusedForMsMin = 180_000;
const refusedOfOneMin = 3;

/** Whether hardly a callback of the provider can have been accepted. */
export function hardlyAccepts({
  refused,
  accepted,
}: Pick<RefusedCallbacks, 'refused' | 'accepted'>): boolean {
  return refused >= accepted * refusedPerAcceptedMin;
}

/** Whether what was refused shows that our secret is another than the provider's (ADR 81). */
export function secretDiffers(told: RefusedCallbacks): boolean {
  const keepComing =
    told.accepted === 0 &&
    told.refused >= refusedOfOneMin &&
    told.until >= addMs(told.since, refusedForMsMin);
  return hardlyAccepts(told) && (told.slips >= refusedSlipsMin || keepComing);
}

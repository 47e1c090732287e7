import { toldSums } from '@slipstream/kernel';
import type { Dispatch } from '../domain/dispatch/state.ts';
import type { ProofSwitch, RiskOf, StoreTx } from './ports.ts';

/** Slips of one transaction that an event names. */
const slipsMax = 100;

const nothing: RiskOf = { slips: 0, amounts: [], first: [] };

/** Why, and by whom, a provider's NOT_FOUND prove nothing from now on. */
export function brokenPromise(slips: readonly string[]): Pick<ProofSwitch, 'reason' | 'actor'> {
  const more = slips.length > 1 ? ` and ${slips.length - 1} more` : '';
  return {
    reason: `It took ${slips[0]}${more} later than it declares.`,
    actor: 'provider-gateway',
  };
}

/**
 * A provider took slips later than it declares: what it denies proves nothing from the next transaction on,
 * everywhere, and what rests on its word so far is told with the first of them.
 */
export async function tellBroken(
  tx: StoreTx,
  provider: string,
  broken: readonly Pick<Dispatch, 'slipId' | 'amount'>[],
): Promise<void> {
  const slips = broken.map(({ slipId }) => slipId);
  const switchedOff = await tx.proofSwitches.set(provider, { off: true, ...brokenPromise(slips) });
  // Counted over all that it denied: once, when its word ends.
  const risk = switchedOff ? await tx.proofs.atRisk(provider, slips) : nothing;
  const data = {
    ...{
      provider,
      slips: slips.slice(0, slipsMax),
      broken: toldSums(broken.flatMap(({ amount }) => amount ?? [])),
      switchedOff,
    },
    ...{ slipsAtRisk: risk.slips, atRisk: toldSums(risk.amounts), firstAtRisk: [...risk.first] },
  };
  tx.tell([{ subject: provider, event: { type: 'ProviderPromiseBroken', data } }]);
}

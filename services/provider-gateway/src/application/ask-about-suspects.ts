import type { CallbackTally } from './callback-tally.ts';
import type { Count, Store } from './ports.ts';

/** Questions that callbacks without a good signature may cause, per provider and second: anybody can send one. */
export const suspectsPerSecondMax = 5;

/** How many were let through of late, by provider; it lives as long as the process. */
export class SuspectLimit {
  readonly #monotonicMs: () => number;
  readonly #lately = new Map<string, number[]>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Takes one of the second's places; false: there is none. */
  take(provider: string): boolean {
    const nowMs = this.#monotonicMs();
    const lately = (this.#lately.get(provider) ?? []).filter((at) => at > nowMs - 1_000);
    const isFree = lately.length < suspectsPerSecondMax;
    this.#lately.set(provider, isFree ? [...lately, nowMs] : lately);
    return isFree;
  }
}

/** A callback that was refused. */
export interface RefusedCallback {
  readonly provider: string;
  /** The slip that it names; null: it cannot be read. */
  readonly slipId: string | null;
  /** None of our secrets makes its signature; false: it came too late, or without one. */
  readonly isMismatch: boolean;
}

export interface SuspectParts {
  readonly store: Store;
  readonly suspects: SuspectLimit;
  readonly tally: CallbackTally;
  readonly count: Count;
}

/**
 * A callback was refused for its signature or its age, and may have been good news all the same: its slip, if its provider
 * may have it, is asked about at once. What it says is not believed. It is counted whether or not: who names slips that the provider
 * has is hardly a stranger, and then our secret may be wrong.
 * @returns whether it will be asked about
 */
export async function refuseCallback(
  { store, suspects, tally, count }: SuspectParts,
  { provider, slipId, isMismatch }: RefusedCallback,
): Promise<boolean> {
  count('refused_callback');
  if (isMismatch) tally.note(provider, 'refused');
  if (slipId === null || !suspects.take(provider)) return false;
  const { willBeAsked, hasIt } = await store.run((tx) => tx.dispatches.pollNow(provider, slipId));
  if (isMismatch && hasIt) tally.note(provider, 'aboutItsSlips', slipId);
  return willBeAsked;
}

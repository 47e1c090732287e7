import type { Store } from './ports.ts';

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

/**
 * A callback was refused for its signature or its age, and may have been good news all the same: its slip, if its provider
 * may have it, is asked about at once. What it says is not believed.
 * @returns whether it will be asked about
 */
export async function askAboutSuspect(
  { store, suspects }: { readonly store: Store; readonly suspects: SuspectLimit },
  provider: string,
  slipId: string,
): Promise<boolean> {
  if (!suspects.take(provider)) return false;
  return store.run((tx) => tx.dispatches.pollNow(provider, slipId));
}

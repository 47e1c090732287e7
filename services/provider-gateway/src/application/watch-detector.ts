import type { Money } from '@slipstream/kernel';

/** Slips that are waited for, and their money by currency. */
export interface Awaited {
  readonly slips: number;
  readonly money: readonly Money[];
}

export interface WatchDetectorParts {
  /** Milliseconds since the reconciler was heard last, and since this service heard itself; Infinity: never. */
  silentMs(): { readonly detector: number; readonly ourselves: number };
  awaited(): Promise<Awaited>;
  /** Whether its silence was said and not taken back, by whichever instance. */
  wasSaid(): Promise<boolean>;
  /** Says it, unless another instance has. */
  sayBlinded(silentMs: number, awaited: Awaited): Promise<void>;
  /** Takes it back, unless another instance has. */
  sayRestored(): Promise<void>;
}

/** A reconciler that lives speaks every five seconds. */
const silentMsMax = 15_000;

/**
 * Says that nobody looks for missing outcomes, when nothing is heard of the reconciler while slips are waited for: its own
 * alarms are silent, too. Where this service does not hear itself either, the bus is away, and nothing is known.
 */
export function createDetectorWatch(parts: WatchDetectorParts): () => Promise<void> {
  let said: boolean | null = null;
  return async () => {
    const { detector, ourselves } = parts.silentMs();
    said ??= await parts.wasSaid();
    const isSilent = Number.isFinite(detector) && detector > silentMsMax;
    if (isSilent === said || ourselves > silentMsMax) return;
    if (said) {
      await parts.sayRestored();
      said = false;
      return;
    }
    const awaited = await parts.awaited();
    if (awaited.slips === 0) return;
    await parts.sayBlinded(Math.round(detector), awaited);
    said = true;
  };
}

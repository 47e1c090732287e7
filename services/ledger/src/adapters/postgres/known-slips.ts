import { hasEnded, type SlipState } from '@slipstream/slip';
import type { StoredSlip } from '../../application/ports.ts';

/** Of one process, for all its partitions. It lies in V8's heap: whoever bounds that leaves room for it. */
const bytesMaxDefault = 17 * 1024 * 1024;
/** What a slip takes beside the names that others chose: its state, the hash of its chain, its hold, its place here. */
const slipBytes = 1_792;

/**
 * Slips under way as they were last committed, so that a batch asks for none that this process wrote itself. Nobody else
 * writes them while it owns their partition, and an update names the version that it follows. The slip whose last event
 * lies furthest back leaves first; one that has ended or that people look at is not kept.
 */
export class KnownSlips {
  readonly #bytesMax: number;
  readonly #slips = new Map<string, Known>();
  #bytes = 0;

  constructor(bytesMax = bytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  /** Of what is kept, as it is reckoned. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#slips.size;
  }

  /** Gives those it has, and has them no longer: they come back when the transaction that works with them was committed. */
  take(slipIds: readonly string[]): Map<string, StoredSlip> {
    const found = new Map<string, StoredSlip>();
    for (const slipId of slipIds) {
      const known = this.#slips.get(slipId);
      if (known === undefined) continue;
      this.#drop(slipId, known);
      found.set(slipId, known.slip);
    }
    return found;
  }

  /** What was committed. */
  keep(slips: readonly StoredSlip[]): void {
    for (const slip of slips) {
      const { slipId } = slip.slip;
      const before = this.#slips.get(slipId);
      if (before !== undefined) this.#drop(slipId, before);
      if (!isPlain(slip)) continue;
      const bytes = bytesOf(slip.slip.state);
      this.#slips.set(slipId, { slip, bytes });
      this.#bytes += bytes;
    }
    for (const [slipId, known] of this.#slips) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#drop(slipId, known);
    }
  }

  /** The partition is claimed anew, or lost: another process, or another database, may say otherwise. */
  forget(partition: number): void {
    for (const [slipId, known] of this.#slips) {
      if (known.slip.slip.partition === partition) this.#drop(slipId, known);
    }
  }

  #drop(slipId: string, { bytes }: Known): void {
    this.#slips.delete(slipId);
    this.#bytes -= bytes;
  }
}

interface Known {
  readonly slip: StoredSlip;
  readonly bytes: number;
}

/** Under way, and without texts of any length. */
function isPlain({ slip: { state, waitsFrom } }: StoredSlip): boolean {
  if (state === null || waitsFrom !== null || hasEnded(state)) return false;
  return state.cause === null && state.case === null && state.anomalies.length === 0;
}

/** A character may take two bytes. Written out: it runs for every event. */
function bytesOf(state: SlipState | null): number {
  if (state === null) return slipBytes;
  const { caller, reference, account, counterparty, route } = state;
  const terms = lengthOf(caller) + lengthOf(reference) + lengthOf(account) + lengthOf(counterparty);
  const { provider, providerReference, lastStep, outcomeReason } = state;
  const words =
    lengthOf(provider) + lengthOf(providerReference) + lengthOf(lastStep) + lengthOf(outcomeReason);
  return slipBytes + 2 * (terms + lengthOf(route) + words);
}

const lengthOf = (text: string | null): number => (text === null ? 0 : text.length);

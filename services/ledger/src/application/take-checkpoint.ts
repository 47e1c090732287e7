import { type Instant, instantToMicros } from '@slipstream/kernel';
import { checkpointOf, checkpointText, sameHeads, type TreeHead } from '../domain/log/checkpoint.ts';

/** A checkpoint as it is kept and published. */
export interface StoredCheckpoint {
  readonly id: string;
  readonly at: Instant;
  /** The signed text. */
  readonly note: string;
  readonly keyId: string;
  readonly verifierKey: string;
}

export interface CheckpointTx {
  /** Until the transaction ends no other instance takes one. */
  lock(): Promise<void>;
  /** Of all partitions that have a record, at one moment; and the database's time. */
  heads(): Promise<{ readonly now: Instant; readonly heads: readonly TreeHead[] }>;
  latest(): Promise<StoredCheckpoint | null>;
  /** Published with the commit. */
  keep(checkpoint: StoredCheckpoint): void;
}

export interface Signer {
  readonly id: string;
  readonly verifierKey: string;
  sign(text: string): string;
}

/** `early`: the last one was signed so many milliseconds too lately. */
export type CheckpointTaken =
  | { readonly kind: 'signed'; readonly checkpoint: StoredCheckpoint }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'early'; readonly waitMs: number };

/** Signs what the log is now, if it is another one than the last checkpoint said, and that is `minMs` ago. */
export async function takeCheckpoint(
  tx: CheckpointTx,
  signer: Signer,
  newId: () => string,
  minMs: number,
): Promise<CheckpointTaken> {
  await tx.lock();
  const latest = await tx.latest();
  const { now, heads } = await tx.heads();
  if (latest === null ? heads.length === 0 : sameHeads(checkpointOf(latest.note).heads, heads)) {
    return { kind: 'unchanged' };
  }
  const waitMs = latest === null ? 0 : minMs - millisBetween(latest.at, now);
  if (waitMs > 0) return { kind: 'early', waitMs: Math.min(waitMs, minMs) };
  const id = newId();
  const note = signer.sign(checkpointText({ id, at: now, heads }));
  const checkpoint = { id, at: now, note, keyId: signer.id, verifierKey: signer.verifierKey };
  tx.keep(checkpoint);
  return { kind: 'signed', checkpoint };
}

function millisBetween(from: Instant, to: Instant): number {
  return Number(instantToMicros(to) - instantToMicros(from)) / 1_000;
}

import type { PageOf, PageRequest } from '@slipstream/kernel';
import type { Hash } from '../domain/log/follow.ts';
import type { StoredCheckpoint } from './take-checkpoint.ts';

/** An event of a slip, with what proves that the checkpoint's tree has it. */
export interface ProvedEvent {
  readonly version: number;
  readonly partition: number;
  readonly offset: number;
  readonly bytes: Buffer;
  /** Of its slip, after it. */
  readonly chain: Hash;
  /** Of its leaf in the tree of the partition. */
  readonly index: number;
  /** RFC 9162, 2.1.3.1: from the leaf up. */
  readonly path: readonly Hash[];
}

export interface SlipProof {
  readonly slipId: string;
  readonly checkpoint: StoredCheckpoint;
  /** How many events the slip has now. */
  readonly version: number;
  readonly events: readonly ProvedEvent[];
}

/** That the log of a checkpoint only got longer up to a later one. */
export interface ConsistencyProof {
  readonly from: StoredCheckpoint;
  readonly to: StoredCheckpoint;
  /** RFC 9162, 2.1.4.1, of each partition of the earlier one. */
  readonly partitions: readonly { readonly partition: number; readonly path: readonly Hash[] }[];
}

export interface Proofs {
  /** Latest first. */
  checkpoints(page: PageRequest): Promise<PageOf<StoredCheckpoint>>;
  /** `latest` is an id as well; null: there is none. */
  checkpoint(id: string): Promise<StoredCheckpoint | null>;
  /**
   * Of at most {@link provedEventsMax} events after that version, under the latest checkpoint, which is signed if it does not
   * have them yet. null: there is no such slip. @throws `unavailable` when it could not be signed
   */
  ofSlip(slipId: string, afterVersion: number): Promise<SlipProof | null>;
  /** null: there are no two such checkpoints. @throws `conflict`: `to` is the earlier one */
  consistency(from: string, to: string): Promise<ConsistencyProof | null>;
}

/** Each needs the records of up to 256 leaves beside it. */
export const provedEventsMax = 100;

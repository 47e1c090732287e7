import { hash } from 'node:crypto';

/** A hash of 32 bytes. */
export type Hash = Buffer;

const leafHead = Buffer.from([0]);
const nodeHead = Buffer.from([1]);

const sha256 = (...parts: readonly Uint8Array[]): Hash => hash('sha256', Buffer.concat(parts), 'buffer');

/** RFC 9162, 2.1.1, over the leaf's index, the record's offset, and its bytes. */
export function leafHash(index: number, offset: number, bytes: Uint8Array): Hash {
  const place = Buffer.alloc(16);
  place.writeBigUInt64BE(BigInt(index), 0);
  place.writeBigUInt64BE(BigInt(offset), 8);
  return sha256(leafHead, place, bytes);
}

const nodeHash = (left: Hash, right: Hash): Hash => sha256(nodeHead, left, right);

/** Of a slip after an event; `before` is the one before it, null for the first. */
export const chainHash = (before: Hash | null, bytes: Uint8Array): Hash =>
  before === null ? sha256(bytes) : sha256(before, bytes);

/** What the ledger keeps of a leaf beside the record. */
export const markOf = (leaf: Hash): number => leaf.readInt32BE();

/** Full trees are kept from this level on: those of so many leaves are the smallest. */
export const keptLevelMin = 8;
export const chunkLeaves = 2 ** keptLevelMin;

const none: readonly Hash[] = [];

/** The tree of a partition, leaf by leaf; it holds one hash for each bit of its size. */
export class LogTree {
  readonly #chunks = new Peaks();
  #chunk = new Peaks();

  get size(): number {
    return this.#chunks.size * chunkLeaves + this.#chunk.size;
  }

  /** Gives the trees that are full with this leaf, of those that are kept: the chunk, and each level above it. */
  append(leaf: Hash): readonly Hash[] {
    this.#chunk.append(leaf);
    if (this.#chunk.size < chunkLeaves) return none;
    const [full] = this.#chunk.peaks;
    this.#chunk = new Peaks();
    return this.#chunks.append(full!);
  }

  /** The roots of the full trees that it consists of, the largest first. */
  peaks(): readonly Hash[] {
    return [...this.#chunks.peaks, ...this.#chunk.peaks];
  }

  root(): Hash {
    const peaks = this.peaks();
    return peaks.length === 0 ? sha256() : peaks.reduceRight((right, left) => nodeHash(left, right));
  }
}

class Peaks {
  readonly peaks: Hash[] = [];
  size = 0;

  /** Gives the roots of all trees that are full with it, the smallest first. */
  append(hash: Hash): readonly Hash[] {
    const full = [hash];
    for (let n = this.size; n % 2 === 1; n = (n - 1) / 2)
      full.push(nodeHash(this.peaks.pop()!, full.at(-1)!));
    this.peaks.push(full.at(-1)!);
    this.size += 1;
    return full;
  }
}

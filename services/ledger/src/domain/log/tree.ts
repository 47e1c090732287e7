import type { Hash } from './follow.ts';

/** How a partition's Merkle tree is hashed (RFC 9162, 2.1.1): leaves and nodes never have the same input. */
export interface TreeHashes {
  /** SHA-256(0x00 ‖ index ‖ offset ‖ bytes); both numbers as 8 bytes, the highest first. */
  leaf(index: number, offset: number, bytes: Uint8Array): Hash;
  /** SHA-256(0x01 ‖ left ‖ right). */
  node(left: Hash, right: Hash): Hash;
}

/** Where a record lies, and its bytes. */
export interface Leaf {
  readonly partition: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The tree over all records of a partition, in the order of the log; a record that came again has no leaf of its own. */
export interface LogTree {
  readonly partition: number;
  /** How many leaves it has. */
  readonly size: number;
  /** Offset of the last of them; -1: there is none. */
  readonly position: number;
  /** The roots of the full trees that it consists of, the largest first: one for each bit of `size`. */
  readonly peaks: readonly Hash[];
}

/** A full tree of 2^level leaves, the n-th (from 0) of its level. */
export interface TreeNode {
  readonly partition: number;
  readonly level: number;
  readonly n: number;
  readonly hash: Hash;
  /** Of its last leaf. */
  readonly lastOffset: number;
}

/** Full trees are kept from this level on: a proof reads the records of 256 leaves at most, and a row for each level above. */
export const keptLevelMin = 8;
export const leavesPerKeptTree = 2 ** keptLevelMin;

/** A tree that got leaves. */
export interface GrownTree {
  readonly before: LogTree;
  readonly tree: LogTree;
  /** The full trees to be kept that it has since. */
  readonly nodes: readonly TreeNode[];
}

export class GrowingTree {
  readonly #hashes: TreeHashes;
  readonly #before: LogTree;
  readonly #peaks: Hash[];
  readonly #nodes: TreeNode[] = [];
  #size: number;
  #position: number;

  constructor(before: LogTree, hashes: TreeHashes) {
    this.#hashes = hashes;
    this.#before = before;
    this.#peaks = [...before.peaks];
    this.#size = before.size;
    this.#position = before.position;
  }

  /**
   * Adds the next record's leaf. Its mark, the first 32 bits of the leaf, tells which record it is that is not as it was: the
   * roots only tell that one is. null: it has a leaf, so it was logged before.
   */
  append(offset: number, bytes: Uint8Array): number | null {
    if (offset <= this.#position) return null;
    const leaf = this.#hashes.leaf(this.#size, offset, bytes);
    let hash = leaf;
    let n = this.#size;
    for (let level = 1; n % 2 === 1; level++) {
      hash = this.#hashes.node(this.#peaks.pop()!, hash);
      n = (n - 1) / 2;
      if (level < keptLevelMin) continue;
      this.#nodes.push({ partition: this.#before.partition, level, n, hash, lastOffset: offset });
    }
    this.#peaks.push(hash);
    this.#size += 1;
    this.#position = offset;
    return markOf(leaf);
  }

  grown(): GrownTree {
    const { partition } = this.#before;
    const tree = { partition, size: this.#size, position: this.#position, peaks: this.#peaks };
    return { before: this.#before, tree, nodes: this.#nodes };
  }
}

/** The trees of the partitions that a batch has records of. */
export class GrowingTrees {
  readonly #trees = new Map<number, GrowingTree>();
  /** By partition, those that have no leaf yet. */
  readonly #aside = new Map<number, Leaf[]>();
  readonly #marks = new Map<Leaf, number | null>();

  /** `aside`: the batch's records that its handler is not shown, in any order; theirs are the places between the others. */
  constructor(trees: ReadonlyMap<number, LogTree>, hashes: TreeHashes, aside: readonly Leaf[]) {
    for (const [partition, tree] of trees) this.#trees.set(partition, new GrowingTree(tree, hashes));
    for (const leaf of [...aside].sort((a, b) => a.offset - b.offset)) {
      const among = this.#aside.get(leaf.partition);
      if (among) among.push(leaf);
      else this.#aside.set(leaf.partition, [leaf]);
    }
  }

  /** The mark of the next record of its partition, as {@link GrowingTree.append}. */
  append({ partition, offset, bytes }: Leaf): number | null {
    const tree = this.#trees.get(partition)!;
    if (this.#aside.size > 0) this.#appendAside(tree, this.#aside.get(partition), offset);
    return tree.append(offset, bytes);
  }

  /** All that changed; from then on {@link markOf} knows the marks of what was set aside. */
  grown(): GrownTree[] {
    for (const [partition, leaves] of this.#aside) {
      this.#appendAside(this.#trees.get(partition)!, leaves, Number.POSITIVE_INFINITY);
    }
    return [...this.#trees.values()]
      .map((tree) => tree.grown())
      .filter(({ before, tree }) => tree.size > before.size);
  }

  markOf(aside: Leaf): number | null {
    return this.#marks.get(aside) ?? null;
  }

  #appendAside(tree: GrowingTree, leaves: Leaf[] | undefined, before: number): void {
    while (leaves !== undefined && leaves[0] !== undefined && leaves[0].offset < before) {
      const leaf = leaves.shift()!;
      this.#marks.set(leaf, tree.append(leaf.offset, leaf.bytes));
    }
  }
}

/** The first 32 bits of a leaf. */
export function markOf(leaf: Hash): number {
  return (
    (leaf.charCodeAt(0) << 24) | (leaf.charCodeAt(1) << 16) | (leaf.charCodeAt(2) << 8) | leaf.charCodeAt(3)
  );
}

/** The root of the whole tree; `none` is that of a tree without leaves: SHA-256 of nothing. */
export function rootOf({ peaks }: LogTree, hashes: TreeHashes, none: Hash): Hash {
  return peaks.length === 0 ? none : peaks.reduceRight((right, left) => hashes.node(left, right));
}

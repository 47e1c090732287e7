import type { Hash } from './follow.ts';
import { keptLevelMin, leavesPerKeptTree, type TreeHashes } from './tree.ts';

/** The leaves from `from` up to `to`, which is not one of them. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What the hash of any range is made of. */
export interface TreeParts {
  /** Of a full tree that is kept. @throws when it is not there */
  node(level: number, n: number): Hash;
  leaf(index: number): Hash;
}

/** The parts that must be read: kept trees, and chunks of {@link leavesPerKeptTree} leaves by their number. */
export interface PartsNeeded {
  readonly nodes: readonly { readonly level: number; readonly n: number }[];
  readonly chunks: readonly number[];
}

/** RFC 9162, 2.1.3.1: PATH(index, D_size), as ranges whose hashes it is, from the leaf up. */
export function inclusionPath(index: number, size: number): Range[] {
  return pathIn({ from: 0, to: size }, index);
}

function pathIn({ from, to }: Range, index: number): Range[] {
  if (to - from <= 1) return [];
  const middle = from + splitOf(to - from);
  const [left, right] = [
    { from, to: middle },
    { from: middle, to },
  ];
  return index < middle ? [...pathIn(left, index), right] : [...pathIn(right, index), left];
}

/** RFC 9162, 2.1.4.1: PROOF(first, D_second), as ranges whose hashes it is; none where one of both is empty or they are equal. */
export function consistencyPath(first: number, second: number): Range[] {
  return first === 0 || first === second ? [] : subProof({ from: 0, to: second }, first, true);
}

function subProof({ from, to }: Range, first: number, isWhole: boolean): Range[] {
  if (first === to) return isWhole ? [] : [{ from, to }];
  const middle = from + splitOf(to - from);
  if (first <= middle) {
    return [...subProof({ from, to: middle }, first, isWhole), { from: middle, to }];
  }
  return [...subProof({ from: middle, to }, first, false), { from, to: middle }];
}

/** The largest power of two below `width`. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

/** The hash of a range that is a tree of its own: one of those that the paths above have. */
export function hashOf(range: Range, parts: TreeParts, hashes: TreeHashes): Hash {
  const { from, to } = range;
  const width = to - from;
  if (width === 1) return parts.leaf(from);
  const level = keptLevelOf(range);
  if (level !== null) return parts.node(level, from / width);
  const middle = from + splitOf(width);
  return hashes.node(
    hashOf({ from, to: middle }, parts, hashes),
    hashOf({ from: middle, to }, parts, hashes),
  );
}

export function partsNeeded(ranges: readonly Range[]): PartsNeeded {
  const nodes = new Map<string, { level: number; n: number }>();
  const chunks = new Set<number>();
  const look = (range: Range): void => {
    const { from, to } = range;
    const width = to - from;
    const level = keptLevelOf(range);
    if (level !== null) {
      const node = { level, n: from / width };
      nodes.set(`${node.level} ${node.n}`, node);
    } else if (chunkOf(from) === chunkOf(to - 1)) chunks.add(chunkOf(from));
    else {
      const middle = from + splitOf(width);
      look({ from, to: middle });
      look({ from: middle, to });
    }
  };
  for (const range of ranges) look(range);
  return { nodes: [...nodes.values()], chunks: [...chunks] };
}

/** Which chunk of leaves an index is in. */
export const chunkOf = (index: number): number => Math.floor(index / leavesPerKeptTree);

/** null: the range is no full tree, or a small one. */
function keptLevelOf({ from, to }: Range): number | null {
  const width = to - from;
  const level = Math.log2(width);
  return Number.isInteger(level) && level >= keptLevelMin && from % width === 0 ? level : null;
}

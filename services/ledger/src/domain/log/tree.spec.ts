import { hash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { treeHashes } from '../../digests.ts';
import type { Hash } from './follow.ts';
import {
  GrowingTree,
  GrowingTrees,
  keptLevelMin,
  type LogTree,
  leavesPerKeptTree,
  markOf,
  rootOf,
  type TreeHashes,
} from './tree.ts';

const none = hash('sha256', '', 'binary');
const emptyTree = (partition: number): LogTree => ({ partition, size: 0, position: -1, peaks: [] });
/** Of the bytes alone, as the published examples have them. */
const plain: TreeHashes = {
  leaf: (_index, _offset, bytes) => hash('sha256', Buffer.concat([Buffer.from([0]), bytes]), 'binary'),
  node: treeHashes.node,
};

/** Word by word as RFC 9162, 2.1.1 has it. */
function merkleTreeHash(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return none;
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  const both = merkleTreeHash(leaves.slice(0, k)) + merkleTreeHash(leaves.slice(k));
  return hash('sha256', Buffer.from(`\x01${both}`, 'latin1'), 'binary');
}

// The inputs and roots of the reference implementation (google/certificate-transparency, merkletree tests).
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'];
const last = '606162636465666768696a6b6c6d6e6f';
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('the root is that of RFC 9162 for the published examples, and for nothing', () => {
  let tree = emptyTree(0);
  expect(rootOf(tree, plain, none)).toBe(none);
  for (const [index, input] of [...inputs, last].entries()) {
    const growing = new GrowingTree(tree, plain);
    growing.append(index, Buffer.from(input, 'hex'));
    tree = growing.grown().tree;
    expect(Buffer.from(rootOf(tree, plain, none), 'latin1').toString('hex')).toBe(roots[index]);
  }
});

test('a tree that grows in steps of any size has the root over all leaves, and every full tree of 256 and more', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 4 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 3 }), (sizes, jump) => {
      const leaves: Hash[] = [];
      const offsets: number[] = [];
      const nodes = new Map<string, { hash: Hash; lastOffset: number }>();
      let tree: LogTree = emptyTree(3);
      for (const size of sizes) {
        const growing = new GrowingTree(tree, treeHashes);
        for (let n = 0; n < size; n++) {
          const offset = leaves.length * jump;
          const bytes = Buffer.from(`record ${offset}`);
          leaves.push(treeHashes.leaf(leaves.length, offset, bytes));
          offsets.push(offset);
          expect(growing.append(offset, bytes)).toBe(markOf(leaves.at(-1)!));
          expect(growing.append(offset, bytes)).toBe(null);
        }
        const grown = growing.grown();
        expect(grown.before).toBe(tree);
        tree = grown.tree;
        for (const { level, n, ...rest } of grown.nodes) nodes.set(`${level} ${n}`, rest);
      }
      expect(tree.size).toBe(leaves.length);
      expect(rootOf(tree, treeHashes, none)).toBe(merkleTreeHash(leaves));
      let count = 0;
      for (let width = leavesPerKeptTree, level = keptLevelMin; width <= leaves.length; width *= 2, level++) {
        for (let n = 0; (n + 1) * width <= leaves.length; n++, count++) {
          const node = nodes.get(`${level} ${n}`)!;
          expect(node.hash).toBe(merkleTreeHash(leaves.slice(n * width, (n + 1) * width)));
          expect(node.lastOffset).toBe(offsets[(n + 1) * width - 1]);
        }
      }
      expect(nodes.size).toBe(count);
    }),
    { numRuns: 20 },
  );
});

test('a leaf says its index, its offset and its bytes, as SHA-256 has them', () => {
  const input = Buffer.from(`00${'00'.repeat(7)}05${'00'.repeat(2)}100000000001${'0a0b'}`, 'hex');
  expect(treeHashes.leaf(5, 0x1000_0000_0001, Buffer.from('0a0b', 'hex'))).toBe(
    hash('sha256', input, 'binary'),
  );
});

test('what was set aside has its leaf between the others, and only what is new in its tree has one', () => {
  const leaf = (partition: number, offset: number) => {
    return { partition, offset, bytes: Buffer.from(`${partition}:${offset}`) };
  };
  const begun = new GrowingTree(emptyTree(1), treeHashes);
  begun.append(0, leaf(1, 0).bytes);
  const trees = new Map([
    [1, begun.grown().tree],
    [2, emptyTree(2)],
  ]);
  const aside = [leaf(1, 4), leaf(1, 2), leaf(1, 0)];
  const growing = new GrowingTrees(trees, treeHashes, aside);
  growing.append(leaf(1, 1));
  growing.append(leaf(1, 3));
  const [one, ...others] = growing.grown();
  expect(others).toEqual([]);
  const leaves = [0, 1, 2, 3, 4].map((n) => treeHashes.leaf(n, n, leaf(1, n).bytes));
  expect(rootOf(one!.tree, treeHashes, none)).toBe(merkleTreeHash(leaves));
  expect(aside.map((each) => growing.markOf(each))).toEqual([markOf(leaves[4]!), markOf(leaves[2]!), null]);
});

import { createHash, generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { treeHashes } from '../../services/ledger/src/digests.ts';
import type { Hash } from '../../services/ledger/src/domain/log/follow.ts';
import {
  consistencyPath,
  hashOf,
  inclusionPath,
  partsNeeded,
  type Range,
  type TreeParts,
} from '../../services/ledger/src/domain/log/proof.ts';
import { signingKey } from '../../services/ledger/src/signing-key.ts';
import { recordedAs, returned, submitted } from '../../services/ledger/test/builders.ts';
import { Feed } from '../../services/ledger/test/feed.ts';

// A program without types.
const { includes, isConsistent, readKey, readNote, verifyProof } = await import(
  '../../tools/verify-proof.mjs' as string
);

const hex = (text: string) => Buffer.from(text, 'hex');

// The reference implementation's examples (google/certificate-transparency, merkletree tests): over the leaves '', 00, 10,
// 2021, 3031, 40414243, 5051525354555657, 606162636465666768696a6b6c6d6e6f.
const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
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
const plainLeaf = (n: number) =>
  createHash('sha256')
    .update(Buffer.concat([Buffer.from([0]), hex(leaves[n]!)]))
    .digest();

const inclusions: readonly (readonly [number, number, ...string[]])[] = [
  [
    0,
    8,
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ],
  [
    5,
    8,
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ],
  [2, 3, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  [
    1,
    5,
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  ],
];

const consistencies: readonly (readonly [number, number, ...string[]])[] = [
  [
    1,
    8,
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ],
  [
    6,
    8,
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ],
  [
    2,
    5,
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  ],
];

test.each(inclusions)(
  'the published proof that leaf %i is in the tree of %i holds, and none beside it',
  (index, size, ...path) => {
    const proof = { leaf: plainLeaf(index), index, size, path: path.map(hex), root: hex(roots[size - 1]!) };
    expect(includes(proof)).toBe(true);
    expect(includes({ ...proof, index: index + 1 })).toBe(false);
    expect(includes({ ...proof, index: size + index })).toBe(false);
    expect(includes({ ...proof, path: proof.path.slice(1) })).toBe(false);
    expect(includes({ ...proof, path: [...proof.path, proof.leaf] })).toBe(false);
    expect(includes({ ...proof, leaf: plainLeaf((index + 1) % 8) })).toBe(false);
    expect(includes({ ...proof, root: hex(roots[size % 8]!) })).toBe(false);
  },
);

test.each(consistencies)(
  'the published proof that the tree of %i goes on to that of %i holds, and none beside it',
  (first, second, ...path) => {
    const proof = {
      ...{ first, second, path: path.map(hex) },
      ...{ firstRoot: hex(roots[first - 1]!), secondRoot: hex(roots[second - 1]!) },
    };
    expect(isConsistent(proof)).toBe(true);
    expect(isConsistent({ ...proof, first: second, second: first })).toBe(false);
    expect(isConsistent({ ...proof, path: [] })).toBe(false);
    expect(isConsistent({ ...proof, path: proof.path.slice(1) })).toBe(false);
    expect(isConsistent({ ...proof, firstRoot: proof.secondRoot })).toBe(false);
    expect(isConsistent({ ...proof, secondRoot: proof.firstRoot })).toBe(false);
  },
);

const bytesOf = (hash: Hash) => Buffer.from(hash, 'latin1');
/** Leaves of a large tree, without its records. */
const leafOf = (index: number): Hash => createHash('sha256').update(`leaf ${index}`).digest('binary');

/** Only what `partsNeeded` asked for. */
function partsOf(path: readonly Range[], all: Map<string, Hash>): TreeParts {
  const { nodes, chunks } = partsNeeded(path);
  const kept = new Set(nodes.map(({ level, n }) => `${level} ${n}`));
  const read = new Set(chunks);
  return {
    node(level, n) {
      expect(kept.has(`${level} ${n}`)).toBe(true);
      return all.get(`${level} ${n}`)!;
    },
    leaf(index) {
      expect(read.has(Math.floor(index / 256))).toBe(true);
      return leafOf(index);
    },
  };
}

test('proofs of trees of any size, made of few parts, hold', () => {
  const size = 5_000;
  const all = new Map<string, Hash>();
  for (let n = 0; n < size; n++) all.set(`0 ${n}`, leafOf(n));
  for (let level = 1; 2 ** level <= size; level++) {
    for (let n = 0; (n + 1) * 2 ** level <= size; n++) {
      const [left, right] = [all.get(`${level - 1} ${2 * n}`)!, all.get(`${level - 1} ${2 * n + 1}`)!];
      all.set(`${level} ${n}`, treeHashes.node(left, right));
    }
  }
  const rootOf = (to: number) =>
    bytesOf(hashOf({ from: 0, to }, partsOf([{ from: 0, to }], all), treeHashes));
  const hashes = (path: Range[]) =>
    path.map((range) => bytesOf(hashOf(range, partsOf(path, all), treeHashes)));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: size }), fc.nat(size - 1), (to, some) => {
      const index = some % to;
      const path = inclusionPath(index, to);
      expect(partsNeeded(path).chunks.length).toBeLessThanOrEqual(2);
      const proof = { leaf: bytesOf(leafOf(index)), index, size: to, path: hashes(path), root: rootOf(to) };
      expect(includes(proof)).toBe(true);
      const first = index + 1;
      const steps = consistencyPath(first, to);
      const roots = { firstRoot: rootOf(first), secondRoot: rootOf(to) };
      expect(isConsistent({ first, second: to, path: hashes(steps), ...roots })).toBe(true);
    }),
  );
});

test('a note is read with the key that signed it, and with no other', () => {
  const signer = signingKey(generateKeyPairSync('ed25519').privateKey);
  const other = signingKey(generateKeyPairSync('ed25519').privateKey);
  const root = Buffer.alloc(32, 7).toString('base64');
  const note = signer.sign(
    `slipstream ledger checkpoint v1\nc-1\n2026-11-26T10:00:00.000000Z\n3 12 ${root}\n`,
  );
  const { id, trees } = readNote(note, readKey(signer.verifierKey));
  expect(id).toBe('c-1');
  expect(trees.get(3)).toEqual({ size: 12, root: Buffer.alloc(32, 7) });
  expect(() => readNote(note, readKey(other.verifierKey))).toThrow('not signed with this key');
  expect(() => readNote(note.replace(' 12 ', ' 13 '), readKey(signer.verifierKey))).toThrow('signature');
  expect(() => readKey(signer.verifierKey.slice(0, -2))).toThrow('key');
  expect(() => verifyProof({ kind: 'x' }, signer.verifierKey)).toThrow('no proof');
});

/** A proof of the slip `s`, as `slipctl prove` writes it, of a log that has events of another one between. */
function bundle() {
  const feed = new Feed(3);
  const lives = ['s', 'other', 's', 'other', 's', 's', 'other'];
  const records = lives.map((slip, n) =>
    feed.event(recordedAs(n < 2 ? submitted({ reference: slip }) : returned('succeeded'), n + 1, slip)),
  );
  const leaves = records.map(({ offset, value }, index) => treeHashes.leaf(index, offset, value!));
  const parts: TreeParts = { node: () => expect(true).toBe(false) as never, leaf: (index) => leaves[index]! };
  const size = records.length;
  const base64 = (hash: Hash) => bytesOf(hash).toString('base64');
  const root = base64(hashOf({ from: 0, to: size }, parts, treeHashes));
  const signer = signingKey(generateKeyPairSync('ed25519').privateKey);
  const [id, at] = ['c-1', '2026-11-26T10:00:00.000000Z'];
  const note = signer.sign(`slipstream ledger checkpoint v1\n${id}\n${at}\n3 ${size} ${root}\n`);
  const key = { id: signer.id, verifier_key: signer.verifierKey };
  const indexesOf = (slip: string) => records.flatMap((_, n) => (lives[n] === slip ? [n] : []));
  /** Events in any order, with a chain and versions that fit it: who has the bytes can make both. */
  const proofOf = (slip: string, indexes = indexesOf(slip)) => {
    let chain = Buffer.alloc(0);
    const events = indexes.map((index, n) => {
      const { offset, value } = records[index]!;
      chain = createHash('sha256').update(chain).update(value!).digest();
      return {
        ...{ version: n + 1, partition: 3, offset, index, bytes: value!.toString('base64') },
        chain: chain.toString('base64'),
        path: inclusionPath(index, size).map((range) => base64(hashOf(range, parts, treeHashes))),
      };
    });
    const checkpoint = { id, at, note, key, trees: [{ partition: 3, size, root }] };
    return {
      ...{ kind: 'slipstream-slip-proof-v1', slip_id: slip, version: events.length, checkpoint, events },
    };
  };
  return { proofOf, verifierKey: signer.verifierKey };
}

test('a proof of which any byte is another one, or whose end is gone, does not hold or says the same', () => {
  const { proofOf, verifierKey } = bundle();
  const text = `${JSON.stringify(proofOf('s'))}\n`;
  const said = (file: string): string | null => {
    try {
      return verifyProof(JSON.parse(file), verifierKey);
    } catch {
      return null;
    }
  };
  const claim = said(text);
  expect(claim).toContain('has these 4 events of slip s, in this order, as they are here');
  const bytes = Buffer.from(text);
  // What a reader of the file sees: of text in base64, what it is of.
  const events = (file: string) =>
    JSON.parse(file).events.map(
      ({ bytes, chain, path, ...place }: ReturnType<typeof proofOf>['events'][0]) => ({
        ...place,
        of: [bytes, chain, ...path].map((one) => Buffer.from(one, 'base64').toString('hex')),
      }),
    );
  const whole = events(text);
  const unlike: string[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    const file = flipped.toString();
    const found = said(file);
    if (found === null) continue;
    const isSame = found === claim && JSON.stringify(events(file)) === JSON.stringify(whole);
    if (!isSame) unlike.push(`${at}: ${text.slice(at - 20, at + 20)}: ${found}`);
  }
  expect(unlike).toEqual([]);
  for (let length = 0; length < bytes.length - 2; length++)
    expect(said(bytes.subarray(0, length).toString())).toBeNull();
});

test('a proof with another key, of another slip, in another order or under another name does not hold', () => {
  const { proofOf, verifierKey } = bundle();
  const proof = proofOf('s');
  const { checkpoint } = proof;
  expect(() => verifyProof(proof, bundle().verifierKey)).toThrow('not signed with this key');
  expect(() => verifyProof({ ...proof, events: proofOf('other').events }, verifierKey)).toThrow(
    'another slip',
  );
  // Their chain fits, and each is in the log: what does not fit is the tree's order.
  expect(() => verifyProof(proofOf('s', [0, 4, 2, 5]), verifierKey)).toThrow('out of order');
  expect(() => verifyProof(proofOf('s', [0, 0, 2]), verifierKey)).toThrow('out of order');
  expect(() => verifyProof({ ...proof, version: 3 }, verifierKey)).toThrow('fewer');
  const otherwise = [{ id: 'c-2' }, { at: '2027' }, { trees: [{ ...checkpoint.trees[0], size: 8 }] }];
  for (const other of otherwise)
    expect(() => verifyProof({ ...proof, checkpoint: { ...checkpoint, ...other } }, verifierKey)).toThrow(
      'otherwise than it was signed',
    );
  // Of how many events these are a part only the file says, and the verdict says so.
  expect(verifyProof({ ...proof, version: 9 }, verifierKey)).toContain(
    '; by the file alone they are 1 to 4 of 9',
  );
});

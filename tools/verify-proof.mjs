#!/usr/bin/env node
// Verifies what the ledger proves, without the ledger: needs Node 20 or later and nothing else, shares no code with it.
//
//   node tools/verify-proof.mjs PROOF.json --key VERIFIER_KEY
//
// PROOF.json is an answer of GET /v1/slips/{id}/proof or GET /v1/checkpoints/{id}/consistency. VERIFIER_KEY is the public key
// that you trust, as notes name it (name+id+key); one that only stands in the proof proves nothing.
// Exit codes: 0 the proof holds, 1 it does not, 2 wrong usage or a file that is no proof.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The proof does not hold. */
export class DoesNotHold extends Error {}
/** It is no proof at all. */
export class NoProof extends Error {}

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left, right) => sha256(Buffer.from([1]), left, right);

/** The hash of a leaf: of its index in the tree of its partition, the record's offset, and the record (RFC 9162, 2.1.1). */
export function leafHash(index, offset, bytes) {
  const place = Buffer.alloc(16);
  place.writeBigUInt64BE(BigInt(index), 0);
  place.writeBigUInt64BE(BigInt(offset), 8);
  return sha256(Buffer.from([0]), place, bytes);
}

/** RFC 9162, 2.1.3.2. */
export function includes({ leaf, index, size, path, root }) {
  if (BigInt(index) >= BigInt(size)) return false;
  let fn = BigInt(index);
  let sn = BigInt(size) - 1n;
  let hash = leaf;
  for (const step of path) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      hash = node(step, hash);
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else hash = node(hash, step);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && hash.equals(root);
}

/** RFC 9162, 2.1.4.2. */
export function isConsistent({ first, firstRoot, second, secondRoot, path }) {
  if (first === second) return path.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0 || first > second || path.length === 0) return first === 0 && path.length === 0;
  const isPowerOfTwo = (BigInt(first) & (BigInt(first) - 1n)) === 0n;
  const [start, ...rest] = isPowerOfTwo ? [firstRoot, ...path] : path;
  let fn = BigInt(first) - 1n;
  let sn = BigInt(second) - 1n;
  while (fn % 2n === 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [start, start];
  for (const step of rest) {
    if (sn === 0n) return false;
    if (fn % 2n === 1n || fn === sn) {
      [fr, sr] = [node(step, fr), node(step, sr)];
      while (fn % 2n === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else sr = node(sr, step);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && fr.equals(firstRoot) && sr.equals(secondRoot);
}

/** `name+id+key` of https://c2sp.org/signed-note, for Ed25519. */
export function readKey(text) {
  const [, name, id, encoded] = /^([^\s+]+)\+([\da-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const named = Buffer.from(encoded ?? '', 'base64');
  if (named.length !== 33 || named[0] !== 1) throw new NoProof('the key is no Ed25519 verifier key');
  const expected = sha256(Buffer.from(`${name}\n`), named).subarray(0, 4);
  if (expected.toString('hex') !== id) throw new NoProof('the key does not fit its id');
  const x = named.subarray(1).toString('base64url');
  return {
    text: text.trim(),
    name,
    id: expected,
    key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  };
}

/** The trees of a signed checkpoint, by partition. */
export function readNote(note, { name, id, key }) {
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const start = `— ${name} `;
  const signatures = note
    .slice(end + 2)
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) => Buffer.from(line.slice(start.length), 'base64'))
    .filter((signature) => signature.subarray(0, 4).equals(id));
  if (end < 0 || signatures.length === 0) throw new DoesNotHold('the checkpoint is not signed with this key');
  if (!signatures.some((signature) => verify(null, Buffer.from(text), key, signature.subarray(4)))) {
    throw new DoesNotHold('the signature of the checkpoint is wrong');
  }
  const [title, checkpoint, at, ...lines] = text.trimEnd().split('\n');
  if (title !== 'slipstream ledger checkpoint v1') throw new DoesNotHold('what is signed is no checkpoint');
  const trees = new Map();
  for (const line of lines) {
    const [partition, size, root] = line.split(' ');
    trees.set(Number(partition), { size: Number(size), root: Buffer.from(root, 'base64') });
  }
  return { id: checkpoint, at, trees };
}

/**
 * What the proof of a slip says when it holds. What no signature vouches for it does not say, or says that the file alone
 * does: a chain is made by whoever has the bytes, so that an event may have been left out where the log has others between.
 */
export function verifySlip(proof, key) {
  const checkpoint = readNote(proof.checkpoint.note, key);
  const named = proof.checkpoint;
  const isTree = ({ partition, size, root }) => {
    const tree = checkpoint.trees.get(partition);
    return tree?.size === size && tree.root.equals(base64(root));
  };
  const isAsSigned = named.id === checkpoint.id && named.at === checkpoint.at && named.trees.every(isTree);
  if (!isAsSigned) throw new DoesNotHold('the checkpoint stands there otherwise than it was signed');
  if (named.key.verifier_key !== key.text || named.key.id !== key.id.toString('hex')) {
    throw new DoesNotHold('the file names another key');
  }
  if (proof.events.length === 0) throw new NoProof('the proof has no event');
  let before = null;
  for (const event of proof.events) {
    const { version, partition, offset, index } = event;
    const what = `event ${version}, record ${partition}:${offset},`;
    if (![version, partition, offset, index].every(Number.isSafeInteger))
      throw new NoProof(`${what} has no place`);
    const bytes = base64(event.bytes);
    const tree = checkpoint.trees.get(partition);
    const path = event.path.map(base64);
    const leaf = leafHash(index, offset, bytes);
    if (!tree || !includes({ leaf, index, size: tree.size, path, root: tree.root })) {
      throw new DoesNotHold(`${what} is not in the tree of the checkpoint`);
    }
    if (subjectOf(bytes) !== proof.slip_id) throw new DoesNotHold(`${what} is of another slip`);
    // By the signed tree, too: a chain of another order can be made by anybody.
    const follows =
      before === null ||
      (version === before.version + 1 && partition === before.partition && index > before.index);
    if (!follows) throw new DoesNotHold(`${what} is out of order`);
    const chain = base64(event.chain);
    // The chain of a slip's first event has none before it; where a proof begins later, it is taken as it is given.
    const expected = version === 1 ? sha256(bytes) : before && sha256(before.chain, bytes);
    if (expected !== null && !expected.equals(chain))
      throw new DoesNotHold(`${what} breaks the slip's chain`);
    before = { version, partition, index, chain };
  }
  const first = proof.events[0].version;
  if (!Number.isSafeInteger(proof.version) || proof.version < before.version)
    throw new DoesNotHold('the slip has fewer events than are here');
  const isPart = first !== 1 || before.version !== proof.version;
  const part = isPart ? `; by the file alone they are ${first} to ${before.version} of ${proof.version}` : '';
  const events = proof.events.length === 1 ? 'this event' : `these ${proof.events.length} events`;
  return `the log of checkpoint ${checkpoint.id} (${checkpoint.at}) has ${events} of slip ${proof.slip_id}, in this order, as they are here${part}`;
}

/** What a consistency proof says when it holds. */
export function verifyConsistency(proof, key) {
  const from = readNote(proof.from.note, key);
  const to = readNote(proof.to.note, key);
  const paths = new Map(proof.partitions.map(({ partition, path }) => [partition, path.map(base64)]));
  for (const [partition, { size: first, root: firstRoot }] of from.trees) {
    const later = to.trees.get(partition);
    const path = paths.get(partition);
    const holds =
      later && path && isConsistent({ first, firstRoot, second: later.size, secondRoot: later.root, path });
    if (!holds) throw new DoesNotHold(`partition ${partition} of ${to.id} does not go on from ${from.id}`);
  }
  return `the log of checkpoint ${to.id} (${to.at}) begins with all that ${from.id} (${from.at}) had`;
}

/** @returns what is proved; @throws DoesNotHold | NoProof */
export function verifyProof(proof, keyText) {
  const key = readKey(keyText);
  try {
    if (proof.kind === 'slipstream-slip-proof-v1') return verifySlip(proof, key);
    if (proof.kind === 'slipstream-consistency-proof-v1') return verifyConsistency(proof, key);
  } catch (error) {
    if (error instanceof DoesNotHold || error instanceof NoProof) throw error;
    throw new NoProof(`the file is no proof: ${error.message}`);
  }
  throw new NoProof('the file is no proof of this kind');
}

const base64 = (text) => Buffer.from(text, 'base64');

/** The attribute `subject` of a CloudEvent in protobuf: field 5 is a map, whose values have a string in field 3. */
function subjectOf(bytes) {
  for (const [field, value] of fields(bytes)) {
    if (field !== 5) continue;
    const entry = new Map(fields(value));
    if (entry.get(1)?.toString() === 'subject') return new Map(fields(entry.get(2))).get(3)?.toString();
  }
  return undefined;
}

/** The fields of a protobuf message that have a length. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 49) throw new DoesNotHold('a record is no event');
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new DoesNotHold('a record is no event');
  }
}

/** A file of anybody must not clear the screen, or write a verdict of its own: what cannot be seen is shown by its code. */
const plain = (text) =>
  text.replaceAll(
    /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function main([file, option, key]) {
  if (file === undefined || option !== '--key' || key === undefined) {
    console.error('usage: node tools/verify-proof.mjs PROOF.json --key VERIFIER_KEY');
    return 2;
  }
  try {
    console.log(plain(`holds: ${verifyProof(JSON.parse(readFileSync(file, 'utf8')), key)}`));
    return 0;
  } catch (error) {
    const isBad = error instanceof DoesNotHold;
    console.error(plain(`${isBad ? 'does NOT hold' : 'cannot be verified'}: ${error.message}`));
    return isBad ? 1 : 2;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.exitCode = main(process.argv.slice(2));

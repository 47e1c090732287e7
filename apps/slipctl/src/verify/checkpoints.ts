import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import type { Hash } from './hashes.ts';

/** The tree of a partition as a checkpoint says it was. */
export interface SignedHead {
  readonly partition: number;
  readonly size: number;
  readonly root: Hash;
}

export interface SignedCheckpoint {
  readonly id: string;
  readonly at: string;
  readonly heads: readonly SignedHead[];
}

/** Who may have signed. */
export interface VerifierKey {
  readonly name: string;
  readonly id: Buffer;
  readonly key: KeyObject;
}

const title = 'slipstream ledger checkpoint v1';

/** Reads `name+id+key` (https://c2sp.org/signed-note); null: it is none of Ed25519. */
export function verifierKey(text: string): VerifierKey | null {
  const [, name, id, encoded] = /^([^\s+]+)\+([\da-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  if (encoded === undefined) return null;
  const named = Buffer.from(encoded, 'base64');
  const expected = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), named]), 'buffer').subarray(0, 4);
  if (named.length !== 33 || named[0] !== 1 || expected.toString('hex') !== id) return null;
  const x = named.subarray(1).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return { name: name!, id: expected, key };
}

/** Whether the text begins as a checkpoint does, whoever signed it. */
export const isCheckpoint = (text: string): boolean => text.startsWith(`${title}\n`);

/** Reads a note; null: nobody of `keys` has signed it, or it is no checkpoint. */
export function readCheckpoint(note: string, keys: readonly VerifierKey[]): SignedCheckpoint | null {
  const end = note.indexOf('\n\n');
  if (end < 0) return null;
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split('\n');
  const isSigned = keys.some((key) => lines.some((line) => isSignature(line, text, key)));
  return isSigned ? parse(text) : null;
}

function isSignature(line: string, text: string, { name, id, key }: VerifierKey): boolean {
  const start = `— ${name} `;
  if (!line.startsWith(start)) return false;
  const signature = Buffer.from(line.slice(start.length), 'base64');
  return signature.subarray(0, 4).equals(id) && verify(null, Buffer.from(text), key, signature.subarray(4));
}

function parse(text: string): SignedCheckpoint | null {
  const [first, id, at, ...lines] = text.trimEnd().split('\n');
  if (first !== title || id === undefined || at === undefined) return null;
  const heads: SignedHead[] = [];
  for (const line of lines) {
    const [, partition, size, root] = /^(\d{1,9}) (\d{1,15}) ([A-Za-z0-9+/]{43}=)$/.exec(line) ?? [];
    if (root === undefined) return null;
    heads.push({ partition: Number(partition), size: Number(size), root: Buffer.from(root, 'base64') });
  }
  return { id, at, heads };
}

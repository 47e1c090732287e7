import { hash } from 'node:crypto';
import type { Sha256 } from './domain/log/follow.ts';

/** Names of transactions: the namespace of their UUIDs (a3f0f6c2-5a1e-5d0b-9c57-0c1f3f5b7d21). */
const transactions = Buffer.from('a3f0f6c25a1e5d0b9c570c1f3f5b7d21', 'hex');
let scratch = Buffer.alloc(4_096);

/** Names transactions after the events that cause them (UUIDv5, RFC 9562): the same event never posts twice. */
export function transactionId(eventId: string): string {
  const id = hash('sha1', joined(transactions, Buffer.from(eventId)), 'buffer');
  id[6] = (id[6]! & 0x0f) | 0x50;
  id[8] = (id[8]! & 0x3f) | 0x80;
  const hex = id.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** Hashed at once: a third of what a hash object costs, which is made to be filled bit by bit. */
export const sha256: Sha256 = (first, ...rest) => hash('sha256', joined(first, ...rest), 'buffer');

/** One after the other; good until the next call. */
function joined(first: Uint8Array, ...rest: readonly Uint8Array[]): Uint8Array {
  if (rest.length === 0) return first;
  let length = first.length;
  for (const part of rest) length += part.length;
  if (length > scratch.length) scratch = Buffer.alloc(2 * length);
  scratch.set(first);
  let at = first.length;
  for (const part of rest) {
    scratch.set(part, at);
    at += part.length;
  }
  return scratch.subarray(0, length);
}

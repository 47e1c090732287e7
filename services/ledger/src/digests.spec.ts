import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { v5 } from 'uuid';
import { sha256, transactionId } from './digests.ts';

const bytes = fc.uint8Array({ maxLength: 9_000 });

test('a digest is SHA-256 of the bytes, with a hash before them or without', () => {
  const byHand = (...parts: readonly Uint8Array[]) =>
    createHash('sha256').update(Buffer.concat(parts)).digest('binary');
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const hash = sha256(first);
      expect(hash).toBe(byHand(first));
      expect(sha256(second, hash)).toBe(byHand(Buffer.from(hash, 'latin1'), second));
    }),
  );
});

test('a transaction has the UUIDv5 of its event', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (eventId) => {
      expect(transactionId(eventId)).toBe(v5(eventId, 'a3f0f6c2-5a1e-5d0b-9c57-0c1f3f5b7d21'));
    }),
  );
});

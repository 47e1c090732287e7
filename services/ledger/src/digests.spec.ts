import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { v5 } from 'uuid';
import { sha256, transactionId } from './digests.ts';

const bytes = fc.uint8Array({ maxLength: 9_000 });

test('a digest of parts is that of the whole', () => {
  fc.assert(
    fc.property(bytes, fc.array(bytes, { maxLength: 3 }), (first, rest) => {
      const whole = Buffer.concat([first, ...rest]);
      expect(sha256(first, ...rest)).toEqual(createHash('sha256').update(whole).digest());
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

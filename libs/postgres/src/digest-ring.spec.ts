import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromStored, toStored } from './digest-ring.ts';

const digest = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const inOrder = (digests: readonly number[]) => {
  const bytes = Buffer.alloc(digests.length * 4);
  for (const [index, one] of digests.entries()) bytes.writeUInt32BE(one, index * 4);
  return bytes;
};

describe('digests as they are stored', () => {
  it('are given back, the last 64, in the order of their numbers', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.array(digest, { maxLength: 200 }), (before, digests) => {
        const sequence = before + digests.length;
        const { digests: newest, ring } = toStored(sequence, digests);
        expect(fromStored(sequence, newest, ring)).toEqual(digests.slice(-64));
      }),
    );
  });

  it('leave the ring as it is until 16 more have come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 7, max: 2 ** 30 }),
        fc.array(digest, { minLength: 80, maxLength: 100 }),
        fc.array(digest, { minLength: 1, maxLength: 15 }),
        (before, digests, added) => {
          const sequence = before * 16;
          const whole = toStored(sequence, digests);
          const later = toStored(sequence + added.length, [...digests, ...added]);
          expect(whole.digests).toHaveLength(0);
          expect(later.ring).toEqual(whole.ring);
          expect(later.digests).toEqual(inOrder(added));
        },
      ),
    );
  });

  it('count without their ring where a release before this one has left it behind', () => {
    const { ring } = toStored(160, [1, 2, 3]);
    expect(fromStored(162, inOrder([8, 9]), ring)).toEqual([1, 2, 3, 8, 9]);
    expect(fromStored(163, inOrder([8, 9]), ring)).toEqual([8, 9]);
    // A ring that does not say up to where it goes, and none at all.
    expect(fromStored(162, inOrder([8, 9]), ring.subarray(0, 257))).toEqual([8, 9]);
    expect(fromStored(162, inOrder([8, 9]), null)).toEqual([8, 9]);
    expect(fromStored(160, Buffer.alloc(0), ring.subarray(0, 257))).toEqual([1, 2, 3]);
    expect(fromStored(160, Buffer.alloc(0), null)).toEqual([]);
  });
});

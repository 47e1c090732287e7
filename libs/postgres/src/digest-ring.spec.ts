import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromRing, toRing } from './digest-ring.ts';

const digest = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('a ring of digests', () => {
  it('gives back the last 64, in the order of their numbers', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.array(digest, { maxLength: 200 }), (before, digests) => {
        const sequence = before + digests.length;
        expect(fromRing(sequence, toRing(sequence, digests))).toEqual(digests.slice(-64));
      }),
    );
  });

  it('changes by what is new alone', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.array(digest, { minLength: 65, maxLength: 80 }),
        fc.array(digest, { minLength: 1, maxLength: 20 }),
        (before, digests, added) => {
          const sequence = before + digests.length;
          const old = toRing(sequence, digests);
          const now = toRing(sequence + added.length, [...digests, ...added]);
          const differ = old.filter((byte, i) => now[i] !== byte).length;
          expect(differ).toBeLessThanOrEqual(added.length * 4);
        },
      ),
    );
  });
});

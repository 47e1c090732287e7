import { expect, test } from '@jest/globals';
import { initialState, type SlipState } from '@slipstream/slip';
import fc from 'fast-check';
import type { StoredSlip } from '../../application/ports.ts';
import { KnownSlips } from './known-slips.ts';

const bytesMax = 6 * 1_900;
const slipsMax = 5;

function slip(n: number, version: number, facts: Partial<SlipState> = {}): StoredSlip {
  const slipId = `slip-${n}`;
  const state = { ...initialState(slipId, 'wall'), reference: 'r'.repeat(80), ...facts } as SlipState;
  return {
    slip: {
      ...{ slipId, partition: n % 3, version, position: version, chain: '\0'.repeat(32), clock: 'wall' },
      ...{ listedAt: '2026-01-01T00:00:00.000000Z', firstOffset: 1, state, waitsFrom: null },
    },
    hold: null,
    entries: 0,
    snapshotAt: 0,
    writtenAt: version,
  };
}

type Step = ['keep' | 'take' | 'end' | 'forget', number];
const step = fc.tuple(
  fc.constantFrom('keep', 'keep', 'keep', 'take', 'end', 'forget'),
  fc.nat({ max: 11 }),
) as fc.Arbitrary<Step>;

test('has the latest of what was kept, the coldest leave first, and never more than was allowed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const known = new KnownSlips(bytesMax);
      let model: StoredSlip[] = [];
      const without = (n: number) => model.filter((one) => one.slip.slipId !== `slip-${n}`);
      for (const [version, [what, n]] of steps.entries()) {
        if (what === 'keep') {
          model = [...without(n), slip(n, version)].slice(-slipsMax);
          known.keep([slip(n, version)]);
        } else if (what === 'end') {
          model = without(n);
          known.keep([slip(n, version, { settled: true })]);
        } else if (what === 'take') {
          const expected = model.filter((one) => one.slip.slipId === `slip-${n}`);
          expect([...known.take([`slip-${n}`, 'nobody']).values()]).toEqual(expected);
          model = without(n);
        } else {
          model = model.filter(({ slip: { partition } }) => partition !== n % 3);
          known.forget(n % 3);
        }
        expect(known.size).toBe(model.length);
        expect(known.bytes).toBeLessThanOrEqual(bytesMax);
      }
      const all = Array.from({ length: 12 }, (_, n) => `slip-${n}`);
      expect([...known.take(all).values()].map(({ slip: { version } }) => version).sort()).toEqual(
        model.map(({ slip: { version } }) => version).sort(),
      );
      expect(known.bytes).toBe(0);
    }),
  );
});

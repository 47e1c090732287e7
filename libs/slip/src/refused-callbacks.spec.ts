import { describe, expect, test } from '@jest/globals';
import { addMs, type Instant } from '@slipstream/kernel';
import type { RefusedCallbacks } from './events.ts';
import { secretDiffers } from './refused-callbacks.ts';

const since: Instant = '2026-11-22T10:00:00.000000Z';
const told = (more: Partial<RefusedCallbacks>, forMs = 1_000): RefusedCallbacks => ({
  ...{ refused: 10, accepted: 0, slips: 2, since, until: addMs(since, forMs) },
  ...more,
});

describe('our secret is another than the provider’s', () => {
  test.each([
    ['callbacks of two slips are refused', told({ refused: 2 })],
    ['ten are refused for one that is accepted', told({ accepted: 1 })],
    ['those of one slip keep coming for three minutes', told({ refused: 3, slips: 1 }, 180_000)],
  ])('when %s', (_, refused) => expect(secretDiffers(refused)).toBe(true));

  test.each([
    ['one slip alone is named', told({ slips: 1 })],
    ['nobody told slips apart', told({ slips: 0 })],
    ['more than one in ten is accepted', told({ refused: 9, accepted: 1 })],
    ['those of one slip keep coming for less', told({ refused: 30, slips: 1 }, 179_999)],
    ['two of one slip lie far apart', told({ refused: 2, slips: 1 }, 3_600_000)],
    [
      'one is accepted while those of one slip keep coming',
      told({ refused: 30, accepted: 1, slips: 1 }, 180_000),
    ],
  ])('not when %s', (_, refused) => expect(secretDiffers(refused)).toBe(false));
});

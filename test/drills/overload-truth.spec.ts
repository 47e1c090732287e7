import { expect, test } from '@jest/globals';
import type { Answered } from '../benchmarks/http-load.ts';
import { judgeOverload, type OverloadFacts } from './overload-truth.ts';

const answers = (
  count: number,
  status: number,
  latencyMs: number,
  retryAfter: string | null = null,
): Answered[] => Array.from({ length: count }, () => ({ status, latencyMs, retryAfter, body: '' }));
const good: OverloadFacts = {
  sustainedPerS: 200,
  half: answers(1_000, 202, 50),
  flood: [...answers(200, 202, 150), ...answers(800, 503, 40, '7')],
  memoryBefore: 500,
  memoryMax: 700,
  recoveredMs: 2_500,
  unserved: 2,
};

test('a flood of which the rest is sent away at once holds', () => {
  expect(judgeOverload(good)).toEqual({
    ...{ sustained_per_s: 200, half_p99_ms: 50, admitted: 200, admitted_p99_ms: 150 },
    ...{ refused: 800, refused_p99_ms: 40, without_retry_after: 0, other_answers: 0 },
    ...{ memory_growth: 1.4, recovered_ms: 2_500, unserved: 2, faults: [], holds: true },
  });
});

test.each<[string, Partial<OverloadFacts>]>([
  ['who was let in waited too long', { flood: [...answers(200, 202, 151), ...answers(800, 503, 40, '7')] }],
  ['who was let in waited too long', { flood: answers(800, 503, 40, '7'), unserved: 0 }],
  ['nobody was sent away', { flood: answers(1_000, 202, 150) }],
  [
    'who was sent away waited for it',
    { flood: [...answers(200, 202, 150), ...answers(800, 429, 1_001, '7')] },
  ],
  [
    'who was sent away was not told until when',
    { flood: [...answers(200, 202, 150), ...answers(800, 503, 40)] },
  ],
  [
    'who was sent away was not told until when',
    { flood: [...answers(200, 202, 150), ...answers(8, 503, 40, '0')] },
  ],
  ['there were other answers', { flood: [...good.flood, ...answers(1, 500, 10)] }],
  ['there were other answers', { half: [...good.half, ...answers(1, 503, 10, '1')] }],
  ['memory grew', { memoryMax: 1_010 }],
  ['it did not recover', { recoveredMs: 10_001 }],
  ['it did not recover', { recoveredMs: null }],
  ['what was taken was not served', { unserved: 3 }],
])('%s: that does not hold', (fault, change) => {
  expect(judgeOverload({ ...good, ...change })).toMatchObject({ faults: [fault], holds: false });
});

test('on a slow machine who is sent away may wait as long as who is let in', () => {
  const half = answers(1_000, 202, 800);
  const flood = [...answers(200, 202, 2_400), ...answers(800, 503, 2_400, '7')];
  expect(judgeOverload({ ...good, half, flood })).toMatchObject({ faults: [] });
  const slower = [...answers(200, 202, 2_400), ...answers(800, 503, 2_401, '7')];
  expect(judgeOverload({ ...good, half, flood: slower })).toMatchObject({
    faults: ['who was sent away waited for it'],
  });
});

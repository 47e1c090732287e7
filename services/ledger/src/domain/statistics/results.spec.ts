import { expect, it, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { initialState, type SlipState } from '@slipstream/slip';
import { recordedAs } from '../../../test/builders.ts';
import { Feed } from '../../../test/feed.ts';
import { randomLives } from '../../../test/lives.ts';
import { PlainBooks } from '../../../test/plain-books.ts';
import type { FollowedSlip } from '../log/follow.ts';
import { type Result, results, resultsBetween } from './results.ts';

const slip = (facts: Partial<SlipState>, clock = 'wall') =>
  ({ state: { ...initialState('s', clock), ...facts }, clock }) as FollowedSlip;

test.each<[string, FollowedSlip | null, FollowedSlip, Result[]]>([
  ['one that is new', null, slip({ submittedAt: '2026-11-22T10:00:00.000000Z' }), ['submitted']],
  ['an answer in time', slip({}), slip({ outcome: 'succeeded' }), ['returned']],
  [
    'an answer after the deadline',
    slip({ overdue: true }),
    slip({ overdue: true, outcome: 'failed' }),
    ['returned', 'recovered'],
  ],
  [
    'a verdict behind a late answer',
    slip({ outcome: 'failed' }),
    slip({ overdue: true, outcome: 'failed' }),
    ['overdue', 'recovered'],
  ],
  ['both at once', null, slip({ settled: true, outcome: 'succeeded' }), ['returned', 'settled']],
  ['nothing that counts', slip({ overdue: true }), slip({ overdue: true, inquiries: 1 }), []],
  ['an import', null, slip({ outcome: 'succeeded' }, 'june'), []],
])('of %s', (_, before, after, expected) => {
  expect(resultsBetween(before, after)).toEqual(expected);
});

it('counts each result once in a life, however many batches it came in', () => {
  const seed = Number(process.env.SEED ?? 20261127);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const books = new PlainBooks();
  const feed = new Feed(0);
  const seen = new Map<string, number>();
  const written = new Map<string, FollowedSlip>();
  const count = (slipId: string) => {
    const { slip } = books.slips.get(slipId)!;
    for (const result of resultsBetween(written.get(slipId) ?? null, slip))
      seen.set(`${slipId} ${result}`, (seen.get(`${slipId} ${result}`) ?? 0) + 1);
    written.set(slipId, slip);
  };
  let n = 0;
  const take = (slipId: string, clock: string, event: Parameters<typeof recordedAs>[0]) => {
    const answers = books.take(feed.event(recordedAs(event, (n++ % 3_000) + 1, slipId, clock)));
    if (random.chance(0.5)) count(slipId);
    for (const answer of answers) take(slipId, answer.clock, answer.event);
  };
  for (const { slipId, clock, event } of randomLives(random, 0, 300)) take(slipId, clock, event);
  for (const slipId of books.slips.keys()) count(slipId);
  const reached = [...books.slips].flatMap(([slipId, { slip }]) =>
    resultsBetween(null, slip).map((result) => `${slipId} ${result}`),
  );
  expect([...seen.keys()].sort()).toEqual(reached.sort());
  expect(new Set(seen.values())).toEqual(new Set([1]));
  // Else it says nothing.
  const told = new Set(reached.map((one) => one.split(' ')[1]));
  expect(results.filter((result) => !told.has(result))).toEqual([]);
});

import { expect, it } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { initialState, type SlipState } from '@slipstream/slip';
import { recordedAs } from '../../../test/builders.ts';
import { Feed } from '../../../test/feed.ts';
import { randomLives } from '../../../test/lives.ts';
import { PlainBooks } from '../../../test/plain-books.ts';
import { countedAs, FigureChanges, keyOf } from './figures.ts';

it('what batches change adds up to what the slips are in the end, however they lived', () => {
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const books = new PlainBooks();
  const feed = new Feed(0);
  const sums = new Map<string, Record<string, unknown>>();
  let changes = new FigureChanges();
  const flush = () => {
    for (const counted of changes.changed()) {
      const sum = sums.get(keyOf(counted)) ?? {};
      for (const [name, value] of Object.entries(counted)) {
        sum[name] = typeof value === 'bigint' ? ((sum[name] as bigint) ?? 0n) + value : value;
      }
      sums.set(keyOf(counted), sum);
    }
    changes = new FigureChanges();
  };
  let n = 0;
  const take = (slipId: string, clock: string, event: Parameters<typeof recordedAs>[0]) => {
    const before = books.slips.get(slipId)?.slip ?? null;
    const answers = books.take(feed.event(recordedAs(event, (n++ % 3_000) + 1, slipId, clock)));
    changes.add(before, books.slips.get(slipId)!.slip);
    for (const answer of answers) take(slipId, answer.clock, answer.event);
    if (random.chance(0.1)) flush();
  };
  for (const { slipId, clock, event } of randomLives(random, 0, 300)) take(slipId, clock, event);
  flush();
  const whole = new FigureChanges();
  for (const { slip } of books.slips.values()) whole.add(null, slip);
  const shown = (rows: Iterable<object>) =>
    [...rows].map((row) => JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? `${v}` : v))).sort();
  const left = [...sums.values()].filter((sum) =>
    Object.values(sum).some((value) => typeof value === 'bigint' && value !== 0n),
  );
  expect(shown(left)).toEqual(shown(whole.changed()));
  expect(whole.changed().reduce((sum, { slips }) => sum + slips, 0n)).toBe(BigInt(books.slips.size));
});

it('a slip counts in the hour of its submission, with the time that passed until it was answered', () => {
  const books = new PlainBooks();
  const feed = new Feed(3);
  const [first] = randomLives(seededRandom(1), 0, 1);
  books.take(feed.event(recordedAs(first!.event, 61, 'slip-1')));
  expect(countedAs(books.slips.get('slip-1')!.slip)).toMatchObject({
    ...{ clock: 'wall', hour: '2026-11-22T10:00:00.000000Z', partition: 3, route: 'default' },
    ...{ slips: 1n, dispatched: 0n, returned: 0n, returnedMs: 0n },
  });
});

it.each([
  ['was dispatched', { dispatchedAt: '2026-11-22T11:00:00.000000Z' }],
  ['was answered', { returnedAt: '2026-11-22T11:00:00.000000Z', outcome: 'failed' }],
  ['was overdue', { overdue: true }],
] as const)('a slip that %s counts once, also when that is told anew', (_, told) => {
  const slip = slipWith({ ...told });
  const anew = slipWith({
    ...told,
    ...('dispatchedAt' in told ? { dispatchedAt: '2026-11-22T12:00:00.000000Z' } : {}),
    ...('returnedAt' in told ? { returnedAt: '2026-11-22T12:00:00.000000Z', outcome: 'succeeded' } : {}),
    status: 'refunded',
  });
  const changes = new FigureChanges();
  changes.add(null, slip);
  changes.add(slip, anew);
  expect(changes.changed()).toEqual([countedAs(anew)]);
});

it('a slip is counted where it belongs since, and no more where it was', () => {
  const [slip, elsewhere] = [slipWith({}), slipWith({ provider: 'bolt' })];
  const changes = new FigureChanges();
  changes.add(null, slip);
  changes.add(slip, elsewhere);
  changes.take(countedAs(slipWith({ provider: 'acme' })));
  const shown = changes.changed().map(({ provider, slips }) => [provider, slips]);
  expect(shown).toEqual([
    ['bolt', 1n],
    ['acme', -1n],
  ]);
});

const amount = { amount: 1_250n, currency: 'EUR' };

function slipWith(told: Partial<SlipState>) {
  const listedAt = '2026-11-22T10:30:00.000000Z';
  const state = { ...initialState('slip-1', 'wall'), submittedAt: listedAt, amount, ...told } as SlipState;
  return { state, clock: 'wall', partition: 3, listedAt };
}

import { expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { recordedAs } from '../../../test/builders.ts';
import { Feed } from '../../../test/feed.ts';
import { randomLives } from '../../../test/lives.ts';
import { PlainBooks } from '../../../test/plain-books.ts';
import { mayLag, slipRow, underWay } from './slip-rows.ts';

const told = ['version', 'position', 'chain', 'status'];
const toldByTheEntry = [...told, 'outcome', 'hold_status', 'entries'];

test('a row may lag only where nothing else of it has changed or a settlement was entered, before its slip has ended', () => {
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const books = new PlainBooks();
  const feed = new Feed(0);
  let lagging = 0;
  let settled = 0;
  let n = 0;
  const inBooks = (slipId: string) => ({
    slip: books.slips.get(slipId)!.slip,
    hold: books.holds.get(slipId) ?? null,
    entries: books.transactions.filter((one) => one.slipId === slipId).length,
    snapshotAt: 0,
  });
  const take = (slipId: string, clock: string, event: Parameters<typeof recordedAs>[0]) => {
    const before = books.slips.has(slipId) ? { ...inBooks(slipId), writtenAt: 1 } : null;
    const answers = books.take(feed.event(recordedAs(event, (n++ % 3_000) + 1, slipId, clock)));
    const change = { ...inBooks(slipId), before };
    if (mayLag(change)) {
      lagging += 1;
      const [row, was] = [slipRow(change), slipRow(before!)];
      const differing = Object.keys(row).filter((name) => row[name as 'id'] !== was[name as 'id']);
      const isSettled = row.hold_status !== was.hold_status;
      expect(isSettled ? toldByTheEntry : told).toEqual(expect.arrayContaining(differing));
      if (isSettled) {
        settled += 1;
        expect(was).toMatchObject({ hold_status: 'held', entries: 1, outcome: null });
        expect(row).toMatchObject({ hold_status: 'settled', entries: 2, outcome: 'succeeded' });
        expect(books.transactions.filter((one) => one.slipId === slipId).at(-1)!.transaction.type).toBe(
          'settle',
        );
      }
      expect(underWay.has(row.status) && underWay.has(was.status)).toBe(true);
    }
    for (const answer of answers) take(slipId, answer.clock, answer.event);
  };
  for (const { slipId, clock, event } of randomLives(random, 0, 800)) take(slipId, clock, event);
  expect(lagging).toBeGreaterThan(100);
  expect(settled).toBeGreaterThan(30);
});

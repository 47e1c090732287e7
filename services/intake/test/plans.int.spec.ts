import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import type { PageRequest } from '@slipstream/kernel';
import { coreMigrations, migrate, openDataSource, UnitOfWork } from '@slipstream/postgres';
import { fillTables, Plans } from '@slipstream/testing';
import { waitingStore } from '../src/adapters/postgres/waiting-store.ts';
import type { ReviewFilter, WaitingStore } from '../src/application/ports.ts';
import { fullReviews } from './full-reviews.ts';

const environment = sharedEnvironment();
const rows = 8_000;
const growing: readonly string[] = fullReviews.tables;

let destroy = async () => {};
let waiting: WaitingStore;
const plans = new Plans();

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'intake_plans');
  const dataSource = await openDataSource({ url, applicationName: 'intake-test', poolMax: 2 });
  destroy = async () => void (await dataSource.destroy());
  const directory = fileURLToPath(new URL('../migrations', import.meta.url));
  await migrate(dataSource, [coreMigrations, { scope: 'intake', directory }]);
  const unitOfWork = new UnitOfWork(dataSource);
  await fillTables(unitOfWork, fullReviews, rows);
  waiting = waitingStore(plans.watched(unitOfWork), () => {
    throw new Error('nothing is published');
  });
});
afterAll(() => destroy());

/** No table that grows is read whole, and of each at most so many rows are looked at. */
async function expectBounded(ask: () => Promise<unknown>, most: number): Promise<void> {
  const scans = (await plans.scansOf(ask)).filter(({ table }) => growing.includes(table));
  expect(scans.filter(({ by, rows: looked }) => by === 'Seq Scan' || looked > most)).toEqual([]);
}

const few = 200;
const examined = 5_000;
const open: ReviewFilter = {
  ...{ status: 'open', route: null, kind: null, account: null, maker: null, claimedBy: null },
};
const key = ['2026-01-01T00:50:00.000000Z', '80000000-0000-4000-8000-000000000000'];
const places: PageRequest['from'][] = [null, { side: 'after', key }, { side: 'before', key }];

it.each<[Partial<ReviewFilter>, number]>([
  [{}, few],
  [{ route: 'payouts', kind: 'payout', maker: 'shop' }, few],
  [{ status: 'approved' }, few],
  [{ status: 'declined' }, few],
  [{ status: 'withdrawn' }, few],
  [{ account: 'cust-700' }, few],
  [{ claimedBy: 'nobody' }, few],
  [{ status: 'declined', route: 'nowhere' }, few],
  [{ status: 'approved', account: 'cust-7' }, examined],
  [{ status: 'approved', maker: 'nobody', route: 'payouts' }, examined],
])('a page of reviews by %j looks at a bounded number of them', async (filter, most) => {
  for (const from of places)
    await expectBounded(() => waiting.reviews({ ...open, ...filter }, { limit: 50, from }), most);
});

it('pages that look at so many show each review that was asked for once, both ways', async () => {
  const filter: ReviewFilter = { ...open, status: 'approved', account: 'cust-7998' };
  const pages = async (side: 'after' | 'before', start: PageRequest['from']) => {
    const found: string[] = [];
    let read = 0;
    for (let from = start; read === 0 || from !== null; read++) {
      const page = await waiting.reviews(filter, { limit: 50, from });
      found.push(...page.items.map(({ reference }) => reference));
      const next = side === 'after' ? page.next : page.previous;
      from = next && { side, key: next };
    }
    return { found, read };
  };
  expect(await pages('after', null)).toEqual({ found: ['ord-7998'], read: 2 });
  const end = ['2027-01-01T00:00:00.000000Z', key[1]!];
  expect(await pages('before', { side: 'before', key: end })).toEqual({ found: ['ord-7998'], read: 2 });
});

it('what is due next, and one slip, are found by their keys', async () => {
  await expectBounded(() => waiting.nextDue(50), few);
  await expectBounded(() => waiting.review('80000000-0000-4000-8000-000000000000'), few);
  const request = { caller: 'shop', operation: 'confirm', key: 'k' };
  await expectBounded(() => waiting.read('80000000-0000-4000-8000-000000000000', request), few);
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import type { ConsumedRecord } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
import { openDataSource, UnitOfWork } from '@slipstream/postgres';
import { type Ending, lockShadow, projections, rebuild } from '../src/adapters/postgres/rebuild/rebuild.ts';
import { resumeShadow } from '../src/adapters/postgres/rebuild/resume.ts';
import { sha256, transactionId } from '../src/digests.ts';
import { type Books, openBooks } from './books.ts';
import { recordedAs } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';
import { storedAsText } from './stored-books.ts';

const environment = sharedEnvironment();
const partitions = 3;
const random = seededRandom(Number(process.env.SEED ?? 20_261_127));
let books: Books;
let lanes: { feed: Feed; lives: ReturnType<typeof randomLives>; read: number; n: number }[];

beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
  lanes = Array.from({ length: partitions }, (_, partition) => ({
    feed: new Feed(partition),
    lives: randomLives(random, partition, 250),
    ...{ read: 0, n: 0 },
  }));
  await play(0.7);
}, 120_000);
afterAll(() => books?.close());

/** Plays so much of what is left; some answers are not read back yet. */
async function play(share: number): Promise<void> {
  for (const lane of lanes) {
    const until = lane.lives.length * (1 - share);
    while (lane.lives.length > until) await step(lane, random.pick([1, 10, 100]));
  }
}

async function step(lane: (typeof lanes)[number], count: number): Promise<void> {
  const { feed, lives } = lane;
  const published = await books.published(feed.partition);
  const records: ConsumedRecord[] = published.slice(lane.read).map((value) => feed.record(value));
  lane.read = published.length;
  for (const { slipId, clock, event } of lives.splice(0, count)) {
    records.push(feed.event(recordedAs(event, (lane.n++ % 3_000) + 1, slipId, clock)));
  }
  await books.handle(feed.partition, records);
}

async function rebuilt(name: string, ending: Ending = 'drop') {
  const projection = projections.find((one) => one.name === name)!;
  const { unitOfWork } = books;
  return rebuild(projection, { unitOfWork, hashes: { sha256, transactionId }, ending, onSlips: () => {} });
}

/** As somebody may who passes by the triggers. */
const byHand = (sql: string) =>
  books.unitOfWork.run(async (tx) => {
    await tx.query('set local session_replication_role = replica');
    await tx.query(sql);
  });

const names = projections.map(({ name }) => name);
/** As the owner of partitions does that were taken from him. */
function forgetAll(): void {
  for (const { feed } of lanes) books.claimAnew(feed.partition);
}
const query = <Row>(sql: string, parameters: unknown[] = []) => books.unitOfWork.query<Row>(sql, parameters);

it.each(names)('%s, folded from the log alone, is what is live, row by row', async (name) => {
  const { differences, slips } = await rebuilt(name);
  expect(differences).toEqual([]);
  expect(slips).toBe((await query('select from slip')).length);
  expect(slips).toBeGreaterThan(500);
  expect(await query(`select from pg_namespace where nspname = 'shadow_${name}'`)).toEqual([]);
});

/** A connection of its own, as the program has it. */
async function withConnection(work: (unitOfWork: UnitOfWork) => Promise<void>): Promise<void> {
  const dataSource = await openDataSource({ url: books.url, applicationName: 'rebuilding', poolMax: 1 });
  try {
    await work(new UnitOfWork(dataSource));
  } finally {
    await dataSource.destroy();
  }
}
const cutOff = () =>
  query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rebuilding'");

it('goes on when its connection is lost, at whatever page, and has each row once', async () => {
  const projection = projections.find(({ name }) => name === 'transactions')!;
  await withConnection(async (unitOfWork) => {
    await lockShadow(unitOfWork, projection);
    let lost = 0;
    const resume = resumeShadow(unitOfWork, projection, async () => {});
    const cuts: Promise<unknown>[] = [];
    const { differences, slips } = await rebuild(projection, {
      ...{ unitOfWork, hashes: { sha256, transactionId }, ending: 'keep' },
      onSlips: () => cuts.push(cutOff()),
      onLost: async (error, shadow) => {
        lost += 1;
        await resume(error, shadow);
      },
    });
    await Promise.all(cuts);
    expect(lost).toBeGreaterThan(1);
    expect(differences).toEqual([]);
    expect(slips).toBe((await query('select from slip')).length);
    const [found] = await query<{ twice: number }>(
      'select (count(*) - count(distinct (slip_id, n)))::int as twice from shadow_transactions.entry',
    );
    expect(found!.twice).toBe(0);
  });
});

it('ends when one piece of it loses its connection each time', async () => {
  const projection = projections.find(({ name }) => name === 'transactions')!;
  const lost = Object.assign(new Error('terminating connection'), { code: '57P01' });
  let tries = 0;
  const unitOfWork: Pick<UnitOfWork, 'query' | 'run'> = {
    query: () => Promise.reject(lost),
    run: () => Promise.reject(lost),
  };
  const rebuilding = rebuild(projection, {
    ...{ unitOfWork: unitOfWork as UnitOfWork, hashes: { sha256, transactionId }, ending: 'drop' },
    onSlips() {},
    async onLost() {
      tries += 1;
    },
  });
  await expect(rebuilding).rejects.toBe(lost);
  expect(tries).toBe(9);
});

it('ends with a word when another rebuild has taken its shadow, or the fault is none of the connection', async () => {
  const projection = projections.find(({ name }) => name === 'transactions')!;
  const gone = Object.assign(new Error('terminating connection'), { code: '57P01' });
  await withConnection(async (unitOfWork) => {
    const resume = resumeShadow(unitOfWork, projection, () => sleep(20));
    await expect(resume(new Error('a fault of ours'), null)).rejects.toThrow('a fault of ours');
    await withConnection(async (other) => {
      await lockShadow(other, projection);
      await expect(resume(gone, null)).rejects.toThrow('are being rebuilt already');
    });
    await expect(resume(gone, null)).resolves.toBeUndefined();
    await expect(resume(gone, '1')).rejects.toThrow('was made anew by another rebuild meanwhile');
  });
});

const damaged: Readonly<Record<string, readonly string[]>> = {
  slips: [
    // Of a partition on which nothing comes below: what comes to a slip writes it whole.
    `update slip set outcome = 'void' where id = (select min(id) from slip where status = 'settled' and partition = 1)`,
    `update slip set overdue = not overdue where id = (select max(id) from slip where status = 'settled')`,
    `update slip set hold_status = 'refunded' where id = (select min(id) from slip where hold_status = 'held')`,
    `delete from slip where id = (select min(id) from slip where status = 'refunded')`,
    `update slip set snapshot = replace(snapshot, 'EUR', 'USD') where id = (select min(id) from slip where snapshot like '%EUR%')`,
  ],
  accounts: [
    `update account set balance = balance + 7 where id = (select min(id) from account where balance <> 0)`,
    `update account set balance = 0 where id = (select max(id) from account where balance <> 0)`,
  ],
  transactions: [
    `update entry set amount = amount + 1 where slip_id = (select min(slip_id) from entry) and n = 1`,
    `delete from entry where (slip_id, n) = (select slip_id, max(n) from entry group by 1 order by max(n) desc, 1 limit 1)`,
    `update entry set debit = credit, credit = debit where slip_id = (select max(slip_id) from entry where rest is null) and n = 1`,
  ],
  statistics: [
    `update slip_hour set returned = returned + 1 where ctid = (select min(ctid) from slip_hour)`,
    `delete from slip_hour where ctid = (select max(ctid) from slip_hour)`,
  ],
  tags: [
    `delete from slip_tag where ctid in (select ctid from slip_tag order by partition, kafka_offset limit 3)`,
    `update slip_tag set digest = digest + 1 where ctid = (select max(ctid) from slip_tag)`,
  ],
};

it.each(names)(
  '%s: rows that were made wrong by hand are found and named, and a swap heals them',
  async (name) => {
    const before = await books.dump();
    for (const sql of damaged[name]!) await byHand(sql);
    expect(await books.dump()).not.toEqual(before);
    const kept = await rebuilt(name, 'keep');
    expect(kept.differences.length).toBeGreaterThanOrEqual(damaged[name]!.length - 1);
    expect(kept.schema).toBe(`shadow_${name}`);
    expect(kept.left).toEqual([]);
    const swapped = await rebuilt(name, 'swap');
    expect(swapped.differences).toEqual(kept.differences);
    expect(swapped).toMatchObject({ left: [], schema: null });
    forgetAll();
    expect((await rebuilt(name)).differences).toEqual([]);
    expect(await query('select * from ledger_imbalance')).toEqual([]);
  },
);

it.each(names)('what comes while %s are rebuilt is in them, and goes on after the swap', async (name) => {
  await byHand(damaged[name]![0]!);
  const rebuilding = rebuilt(name, 'swap');
  await step(lanes[0]!, 40);
  const { differences, left } = await rebuilding;
  expect(differences.length).toBeGreaterThan(0);
  expect(left).toEqual([]);
  forgetAll();
  await play(0.2);
  expect((await rebuilt(name)).differences).toEqual([]);
});

it('publishes nothing, and leaves no shadow', async () => {
  const count = async () => (await query('select from outbox_event')).length;
  const [before, text] = [await count(), await storedAsText(books.unitOfWork)];
  for (const name of names) await rebuilt(name, 'swap');
  expect(await count()).toBe(before);
  expect(await storedAsText(books.unitOfWork)).toEqual(text);
  expect(await query(`select from pg_namespace where nspname like 'shadow%'`)).toEqual([]);
});

it('swaps nothing where answers left the outbox unread after it was compared', async () => {
  await byHand(damaged.accounts![0]!);
  const balances = () => query('select id, balance from account order by id');
  const before = await balances();
  const accounts = projections.find(({ name }) => name === 'accounts')!;
  const projection: typeof accounts = {
    ...accounts,
    async differences(tx, schema) {
      const found = await accounts.differences(tx, schema);
      await query('delete from outbox');
      return found;
    },
  };
  const { unitOfWork } = books;
  const options = { unitOfWork, hashes: { sha256, transactionId }, onSlips: () => {} };
  await expect(rebuild(projection, { ...options, ending: 'swap' })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(await balances()).toEqual(before);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { balanceReads } from '../src/adapters/postgres/balance-reads.ts';
import { BalanceCheck, type BalanceMonitor } from '../src/application/check-balances.ts';
import { type Books, openBooks } from './books.ts';
import { recordedAs } from './builders.ts';
import { type Broken, checkSql } from './check-sql.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';

const environment = sharedEnvironment();
const partitions = 2;
let books: Books;

beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let partition = 0; partition < partitions; partition++) await live(new Feed(partition));
  await books.unitOfWork.query(`
    insert into consumer_position (consumer_group, topic, partition, next_offset)
      select 'ledger', 'slips.events.v1', partition, max(kafka_offset) + 1 from event_log group by partition`);

  async function live(feed: Feed): Promise<void> {
    let read = 0;
    for (const [n, { slipId, clock, event }] of randomLives(random, feed.partition, 80).entries()) {
      await books.handle(feed.partition, [feed.event(recordedAs(event, (n % 3_000) + 1, slipId, clock))]);
      const own = (await books.published(feed.partition)).slice(read);
      read += own.length;
      await books.handle(
        feed.partition,
        own.map((value) => feed.record(value)),
      );
    }
  }
}, 120_000);
afterAll(() => books?.close());

/** What the program says when this was done to the tables by somebody who may do everything; it is undone then. */
async function saidOf(...sabotage: string[]): Promise<string[]> {
  let said: Broken[] = [];
  const tried = books.unitOfWork.run(async (tx) => {
    // No trigger keeps him from it, and he may take his time.
    await tx.query('set local session_replication_role = replica');
    await tx.query('set local idle_in_transaction_session_timeout = 0');
    await tx.query('set local statement_timeout = 0');
    for (const sql of sabotage) await tx.query(sql);
    said = await tx.query<Broken>(checkSql);
    throw new Error('tried');
  });
  await expect(tried).rejects.toThrow('tried');
  return said.map(({ invariant }) => invariant);
}

it('says nothing of books that hold, whatever lives they are of', async () => {
  expect(await saidOf()).toEqual([]);
  const [count] = await books.unitOfWork.query<{ types: number; holds: string[] }>(
    `select (select count(distinct type)::int from entry) as types,
            (select array_agg(distinct hold_status order by hold_status) from slip_now where hold_status is not null) as holds`,
  );
  expect(count).toEqual({
    types: 5,
    holds: [
      'compensated',
      'held',
      'refunded',
      'refused',
      'restored',
      'reversed',
      'settled',
      'upheld',
      'written_off',
    ],
  });
});

it('is borne out by looking at a few balances at a time, however few entries a look takes', async () => {
  const alarms: string[] = [];
  const monitor: BalanceMonitor = {
    balanceChecked: () => {},
    balancesBroken: () => {},
    balanceBroken: (account, balance, folded) => alarms.push(`${account} ${balance - folded}`),
  };
  const check = new BalanceCheck(balanceReads(books.unitOfWork), monitor, 3);
  const round = async () => {
    for (let rounds = 0; rounds < 2; ) if (await check.look()) rounds += 1;
  };
  await round();
  expect(check.broken).toEqual([]);
  const [busy] = await books.unitOfWork.query<{ id: string }>(
    'select credit::text as id from entry group by credit order by count(*) desc limit 1',
  );
  const change = (by: number) =>
    books.unitOfWork.query('update account set balance = balance + $2 where id = $1', [busy!.id, by]);
  await change(7);
  await round();
  expect(check.broken).toEqual([expect.stringContaining(`row ${busy!.id}`)]);
  expect(alarms.length).toBeGreaterThan(0);
  for (const alarm of alarms) expect(alarm).toMatch(/ 7$/);
  await change(-7);
  await round();
  expect(check.broken).toEqual([]);
});

it('passes over no account, however few are read at a time', async () => {
  const reads = balanceReads(books.unitOfWork);
  const seen: bigint[] = [];
  for (;;) {
    const next = await reads.accountsAfter(seen.at(-1) ?? 0n, 5);
    seen.push(...next);
    if (next.length < 5) break;
  }
  const rows = await books.unitOfWork.query<{ id: string }>('select id::text from account a order by a.id');
  expect(seen).toEqual(rows.map(({ id }) => BigInt(id)));
  // Numbers of one digit and of two are among them: as texts they have another order.
  expect(seen.length).toBeGreaterThan(20);
});

const ofSettled = "(select slip_id from entry where n = 2 and type = 'settle' order by slip_id limit 1)";
const anyEntry = '(select slip_id from entry order by slip_id limit 1)';
const copyAs = (n: number, type: string, amount = 'amount', id = 'gen_random_uuid()') =>
  `insert into entry (slip_id, n, type, id, debit, credit, amount, at)
     select slip_id, ${n}, '${type}', ${id}, debit, credit, ${amount}, at from entry where n = 2 and slip_id = ${ofSettled}`;
const withoutRules = [
  'alter table entry drop constraint entry_settled_xor_refunded, drop constraint entry_held_first, drop constraint entry_pkey',
  'alter table account drop constraint account_of_partition',
];

const faults: readonly (readonly [invariant: string, sabotage: readonly string[]])[] = [
  [
    'the postings of a transaction sum to zero in its clock and currency',
    [
      "insert into account (clock, owner, kind, currency, partition) values ('wall', 'x', 'available', 'XTS', 0)",
      `update entry set credit = (select id from account where currency = 'XTS') where n = 1 and slip_id = ${anyEntry}`,
    ],
  ],
  ['a posting belongs to an account', [`update entry set credit = 987654321 where slip_id = ${anyEntry}`]],
  ['a balance is the fold of its postings', ['update account set balance = balance + 1 where id = 1']],
  [
    'the balances of a clock and currency sum to zero',
    ['update account set balance = balance + 1 where id = 1'],
  ],
  [
    'an account is one row for each partition',
    [
      'insert into account (clock, owner, kind, currency, partition) select clock, owner, kind, currency, partition from account',
    ],
  ],
  [
    'an account that may not be overdrawn is not below zero',
    ["update account set balance = -1 where kind = 'suspense'"],
  ],
  [
    'what is held is what open holds say',
    [
      "update account set balance = balance + 1 where id = (select id from account where kind = 'held' limit 1)",
    ],
  ],
  [
    'what lies in suspense is what reversed holds say',
    ["update slip set hold_status = 'restored' where hold_status = 'reversed'"],
  ],
  [
    'the entries of a slip are numbered without gaps',
    [`update entry set n = 7 where n = 2 and slip_id = ${ofSettled}`],
  ],
  ['a slip has one hold and one outcome: settled or refunded', [copyAs(3, 'refund')]],
  ['a transaction is booked once', [copyAs(3, 'settle', '1', 'id')]],
  [
    'an end uses up the hold',
    [`update entry set amount = amount + 1 where n = 2 and slip_id = ${ofSettled}`],
  ],
  ['no more is settled than was held', [copyAs(3, 'settle', '9223372036854775807')]],
  [
    'an entry belongs to a slip and its partition',
    [
      `update account set partition = 9 where id = (select debit from entry where slip_id = ${anyEntry} limit 1)`,
    ],
  ],
  [
    'a hold stands where its entries say',
    [`update slip set hold_status = 'refunded', entries = 2 where id = ${ofSettled}`],
  ],
  [
    'a slip with entries has a hold',
    [`update slip set hold_status = null, entries = 3 where id = ${ofSettled}`],
  ],
  ['a slip counts its entries', ["update slip set entries = entries + 1 where hold_status = 'refunded'"]],
  [
    'the events of a slip are numbered without gaps',
    [`delete from event_log where version = 2 and slip_id = ${ofSettled}`],
  ],
  [
    'the events of a slip lie in one partition, in order',
    [
      `update event_log set kafka_offset = kafka_offset + 1000000 where version = 1 and slip_id = ${ofSettled}`,
    ],
  ],
  ['an event belongs to a slip', [`delete from slip where id = ${ofSettled}`]],
  ['a slip stands at one of its events', [`update slip set chain = sha256(chain) where id = ${ofSettled}`]],
  ['the log ends where the topic was read to', ['update consumer_position set next_offset = 0']],
];

it.each(faults)('finds where it is not so that %s', async (invariant, sabotage) => {
  expect(await saidOf(...withoutRules, ...sabotage)).toContain(invariant);
});

it('was shown a fault of every kind that it can name', () => {
  const named = [...checkSql.matchAll(/^ {2}select '([^']+)',/gm)].map(([, name]) => name);
  expect(faults.map(([invariant]) => invariant)).toEqual(named);
});

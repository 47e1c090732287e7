import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { type SeededRandom, seededRandom } from '@slipstream/kernel';
import {
  columnTypes,
  coreMigrations,
  migrate,
  openDataSource,
  table,
  UnitOfWork,
} from '@slipstream/postgres';
import { type SlipEvent, serializeState } from '@slipstream/slip';
import { buildTrees } from '../src/adapters/postgres/log-trees.ts';
import { slipRow } from '../src/adapters/postgres/slip-rows.ts';
import { newSlips } from '../src/adapters/postgres/tables.ts';
import { migrations } from '../src/migrations.ts';
import { booksOn } from './books.ts';
import { at, recordedAs, refundRequested } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';
import { expectTrees } from './log-trees.ts';
import { asText, PlainBooks } from './plain-books.ts';
import { storedAsText } from './stored-books.ts';

const { binaryString, bytea, int4, int8, numeric, text, timestamptz, uuid } = columnTypes;

/** The tables as the release before had them. */
const old = {
  log: table('event_log', {
    ...{
      partition: int4,
      kafka_offset: int8,
      source: text,
      seq: int8,
      event_id: text,
      type: text,
      slip_id: text,
    },
    ...{
      clock: text,
      version: int8,
      at: timestamptz,
      received_at: timestamptz,
      bytes: bytea,
      chain: binaryString,
    },
  }),
  slip: table('slip', {
    ...{
      id: text,
      partition: int4,
      clock: text,
      reference: text,
      account: text,
      counterparty: text,
      provider: text,
    },
    ...{
      kind: text,
      status: text,
      outcome: text,
      cause_class: text,
      cause_code: text,
      amount: numeric,
      currency: text,
    },
    ...{
      listed_at: timestamptz,
      deadline: timestamptz,
      overdue: columnTypes.bool,
      version: int8,
      position: int8,
    },
    ...{ waits_from: int8, state: text, chain: binaryString },
  }),
  account: table('account', { clock: text, name: text, currency: text, balance: numeric }),
  transaction: table('transaction', {
    ...{ id: uuid, slip_id: text, type: text, clock: text, event_id: text, at: timestamptz },
  }),
  posting: table('posting', {
    ...{ transaction_id: uuid, n: int4, account: text, currency: text, direction: text, amount: numeric },
  }),
  hold: table('hold', {
    ...{
      slip_id: text,
      clock: text,
      kind: text,
      account: text,
      counterparty: text,
      amount: numeric,
      currency: text,
    },
    status: text,
  }),
};

const environment = sharedEnvironment();
const before = '0004';
let before4: string;
type DataSource = Awaited<ReturnType<typeof openDataSource>>;
const opened: DataSource[] = [];

beforeAll(async () => {
  before4 = await mkdtemp(join(tmpdir(), 'slipstream-ledger-'));
  for (const name of await readdir(migrations.directory)) {
    if (name.slice(0, 4) <= before) await copyFile(join(migrations.directory, name), join(before4, name));
  }
});
afterAll(async () => {
  for (const dataSource of opened) await dataSource.destroy();
  await rm(before4, { recursive: true, force: true });
});

/** A database of the release before, filled with what the domain says of random lives. */
async function filled(random: SeededRandom): Promise<{
  url: string;
  dataSource: DataSource;
  unitOfWork: UnitOfWork;
  plain: PlainBooks;
  feeds: Feed[];
}> {
  const url = await createDatabase(environment().databaseUrl, 'ledger_upgrade');
  const dataSource = await openDataSource({ url, applicationName: 'test', poolMax: 2 });
  opened.push(dataSource);
  await migrate(dataSource, [coreMigrations, { scope: 'ledger', directory: before4 }]);
  const unitOfWork = new UnitOfWork(dataSource);
  const plain = new PlainBooks();
  const feeds = Array.from({ length: 4 }, (_, partition) => new Feed(partition));
  for (const feed of feeds) live(plain, random, feed);
  await unitOfWork.run(async (tx) => {
    await tx.insert(
      old.log,
      plain.log.map(({ partition, record, version, chain }) => ({
        ...{ partition, kafka_offset: record.offset, source: record.source, seq: record.sequence },
        ...{
          event_id: record.eventId,
          type: record.type,
          slip_id: record.slipId,
          clock: record.clock,
          version,
        },
        ...{ at: record.time, received_at: record.receivedTime, bytes: record.bytes, chain },
      })),
    );
    const slips = [...plain.slips.values()].map(({ slip }) => ({
      ...slipRow({ slip, hold: null, entries: 0, snapshotAt: 0 }),
      state: slip.state === null ? 'null' : serializeState(slip.state),
    }));
    await tx.insert(old.slip, slips);
    // One that was opened in vain, for a payout that was refused.
    const vain = { clock: 'wall', name: 'payer:in vain:held', currency: 'EUR', change: 0n };
    const accounts = [...plain.balances.changes(), vain];
    await tx.insert(
      old.account,
      accounts.map(({ change, ...key }) => ({ ...key, balance: change })),
    );
    await tx.insert(
      old.transaction,
      plain.transactions.map(({ transaction: { id, type }, slipId, clock }, n) => ({
        ...{ id, type, clock, slip_id: slipId, event_id: `e-${n}`, at: at(n % 3_000) },
      })),
    );
    await tx.insert(
      old.posting,
      plain.transactions.flatMap(({ transaction: { id, postings } }) =>
        postings.map(({ account, direction, amount: { amount, currency } }, n) => ({
          ...{ transaction_id: id, n: n + 1, account, currency, direction, amount },
        })),
      ),
    );
    await tx.insert(
      old.hold,
      [...plain.holds.values()].map(({ slipId, amount, clock, kind, account, counterparty, status }) => ({
        ...{ slip_id: slipId, clock, kind, account, counterparty, status },
        ...{ amount: amount?.amount ?? null, currency: amount?.currency ?? null },
      })),
    );
  });
  return { url, dataSource, unitOfWork, plain, feeds };
}

/** As that release knew it: nothing moved after a settlement, no claim was written off, and what was executed by which reference was not kept. */
function asBefore(plain: PlainBooks, slipId: string, event: SlipEvent): SlipEvent | null {
  if (event.type === 'SuspenseDecided' && event.data.decision === 'write_off') return null;
  if (event.type !== 'SlipReturned') return event;
  const isEnded = plain.holds.get(slipId)?.status === 'settled';
  // That nothing was executed of what somebody pays himself is not told by the entry either.
  if (isEnded || event.data.amount?.amount === 0n) return null;
  return { ...event, data: { ...event.data, providerReference: null, fee: null } };
}

function live(plain: PlainBooks, random: SeededRandom, feed: Feed): void {
  let n = 0;
  for (const { slipId, clock, event: happened } of randomLives(random, feed.partition, 200)) {
    const event = asBefore(plain, slipId, happened);
    if (event === null) continue;
    const next = () => (n++ % 3_000) + 1;
    for (const answer of plain.take(feed.event(recordedAs(event, next(), slipId, clock)))) {
      plain.take(feed.event(recordedAs(answer.event, next(), slipId, answer.clock)));
    }
  }
}

/** What no row tells that a release before wrote: lists look at the slip instead. */
const untold = new Set(['first_offset', 'confirmed_at', 'caller', 'route']);

/** As a release without trees does. */
const setAsideSql = `
insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, value, headers, reason, error_class, detail, attempts)
  values ('ledger', $1, 0, $2, $3, $4, '{}', 'undecodable', '', '', 1)`;

describe('the tables of the release before', () => {
  const seed = Number(process.env.SEED ?? 20261126);

  it('say after the upgrade what they said, to the last byte of the log and the last posting', async () => {
    console.log(`seed ${seed}`);
    const { dataSource, unitOfWork, plain } = await filled(seededRandom(seed));
    await migrate(dataSource, [coreMigrations, migrations]);
    expect(await storedAsText(unitOfWork)).toEqual(asText(plain));
    const [count] = await unitOfWork.query<
      Record<string, number>
    >(`select (select count(*)::int from event_log) as log,
      (select count(*)::int from slip) as slips, (select count(*)::int from entry) as entries,
      (select count(distinct type)::int from entry) as types, (select count(*)::int from slip where hold_terms is not null) as other_terms`);
    expect(count).toMatchObject({
      log: plain.log.length,
      slips: 800,
      entries: plain.transactions.length,
      types: 4,
    });
    expect(count!.other_terms).toBeGreaterThan(0);
    expect(await unitOfWork.query('select * from ledger_imbalance')).toEqual([]);
    const vain = await unitOfWork.query("select kind, balance from account where owner = 'in vain'");
    expect(vain).toEqual([{ kind: 'held', balance: '0' }]);
    // Instances that start together.
    await Promise.all([1, 2].map(() => buildTrees(unitOfWork)));
    await expectTrees(unitOfWork, false);
  });

  it('give the rows that the service writes itself', async () => {
    const { dataSource, unitOfWork, plain } = await filled(seededRandom(seed + 1));
    await migrate(dataSource, [coreMigrations, migrations]);
    const list = newSlips.names
      .filter((name) => !name.startsWith('snapshot') && !untold.has(name))
      .map((name) => (name === 'hold_terms' ? 'hold_terms::jsonb' : name))
      .join(', ');
    const written = [...plain.slips].map(([id, { slip }]) => {
      const entries = plain.transactions.filter(({ slipId }) => slipId === id).length;
      return { ...slipRow({ slip, hold: plain.holds.get(id) ?? null, entries, snapshotAt: 0 }) };
    });
    const read = () => unitOfWork.query(`select ${list} from slip order by id collate "C"`);
    const upgraded = await read();
    await unitOfWork.query('delete from slip');
    await unitOfWork.run((tx) => tx.insert(newSlips, written));
    expect(upgraded).toEqual(await read());
  });

  it('are gone on with: the states that were stored, and what the log says since, add up', async () => {
    const random = seededRandom(seed + 3);
    const { url, dataSource, unitOfWork, plain, feeds } = await filled(random);
    // What was set aside and never logged is in the log from now on.
    const aside = feeds[0]!.event(recordedAs(refundRequested(), 1_999, 'aside'));
    await unitOfWork.query(setAsideSql, [aside.topic, aside.offset, 'aside', aside.value]);
    await migrate(dataSource, [coreMigrations, migrations]);
    // Nothing is remembered: what a batch left is what the next one reads.
    const books = await booksOn(url, 0);
    await buildTrees(unitOfWork);
    // An instance of the release before, which owns the partition still, sets another one aside, and goes on.
    const late = feeds[0]!.event(recordedAs(refundRequested(), 1_999, 'late'));
    await unitOfWork.query(setAsideSql, [late.topic, late.offset, 'late', late.value]);
    await books.claimAnew(0);
    let n = 0;
    const next = (slipId: string, event: SlipEvent, clock: string) =>
      recordedAs(event, 2_000 + n++, slipId, clock);
    for (const feed of feeds) {
      for (const { slipId, clock, event } of randomLives(random, feed.partition, 40)) {
        const record = feed.event(next(slipId, event, clock));
        const answers = plain.take(record);
        await books.handle(feed.partition, [record]);
        // The own word comes back, too, under the number of the feed.
        for (const answer of answers) {
          const own = feed.event(next(slipId, answer.event, answer.clock));
          plain.take(own);
          await books.handle(feed.partition, [own]);
        }
      }
    }
    expect(await storedAsText(unitOfWork)).toEqual(asText(plain));
    const offsets = await expectTrees(unitOfWork, false);
    expect(offsets.get(0)).toEqual(expect.arrayContaining([aside.offset, late.offset]));
    await books.close();
  });

  it('are left as they are when they do not balance', async () => {
    const { dataSource, unitOfWork } = await filled(seededRandom(seed + 2));
    const [one] = await unitOfWork.query<{ name: string }>(
      "select name from account where clock = 'wall' limit 1",
    );
    await unitOfWork.query('update account set balance = balance + 1 where name = $1', [one!.name]);
    const failure = await migrate(dataSource, [coreMigrations, migrations]).catch((error) => error);
    expect(failure.cause).toMatchObject({ message: 'a balance differs' });
    expect(await unitOfWork.query('select count(*)::int > 0 as kept from posting')).toEqual([{ kept: true }]);
  });
});

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  cloudEventType,
  decodeSlipEvent,
  encodeCloudEvent,
  readEnvelope,
  stampEnvelope,
  topics,
} from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { keyText, RecordRejected } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
import { isTransient, type Tx } from '@slipstream/postgres';
import type { SlipEvent } from '@slipstream/slip';
import { accountBalances } from '../src/adapters/postgres/account-balances.ts';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import { parseAccountName } from '../src/domain/posting/chart.ts';
import { type Books, noWaits, openBooks } from './books.ts';
import { at, eur, recordedAs, refundRequested, returned, slipOn, submitted } from './builders.ts';
import { Feed } from './feed.ts';

const environment = sharedEnvironment();
let books: Books;
let partitions = 0;

beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
});
afterAll(() => books?.close());

/** A partition that no other test uses; slip ids carry it. */
const nextFeed = () => new Feed(partitions++);
const query = <Row>(sql: string, parameters: unknown[] = []) => books.unitOfWork.query<Row>(sql, parameters);

/** Feeds events as `[slip, event]`, one batch; then what the ledger answered, as it comes back from Kafka. */
async function play(feed: Feed, events: readonly (readonly [string, SlipEvent])[], clock = 'wall') {
  const slipId = (slip: string) => `${slip}-${feed.partition}`;
  const records = events.map(([slip, event], n) => feed.event(recordedAs(event, n + 1, slipId(slip), clock)));
  await books.handle(feed.partition, records);
  const own = (await books.published(feed.partition)).map((value) => feed.record(value));
  await books.handle(feed.partition, own);
  return { records, own, said: own.map(({ value }) => decodeSlipEvent(value!)) };
}

/** Over all partitions; undefined: nothing ever used the account. */
const balance = async (name: string, clock = 'wall') => {
  const { owner, kind } = parseAccountName(name)!;
  const sql = 'select sum(balance) as balance from account where owner = $1 and kind = $2 and clock = $3';
  return (await query<{ balance: string | null }>(sql, [owner, kind, clock]))[0]?.balance ?? undefined;
};

const holdOf = async (slipId: string) =>
  (await query<{ hold_status: string | null }>('select hold_status from slip where id = $1', [slipId]))[0]!
    .hold_status;

/** Again as long as it is the database's fault, as the consumer does. */
async function patiently(handle: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await handle();
    } catch (error) {
      if (tries === 100 || !isTransient(error)) throw error;
    }
  }
}

describe('the batch handler on PostgreSQL', () => {
  it('logs the exact bytes, chains them per slip and follows the slip', async () => {
    const feed = nextFeed();
    const { records, own } = await play(feed, [
      ['a', submitted({ account: 'log', reference: 'r-a' })],
      ['b', submitted({ account: 'log' })],
      ['a', returned('succeeded', { amount: eur(400) })],
    ]);
    const log = await query<{ bytes: Buffer; chain: Buffer; version: string; slip_id: string }>(
      'select bytes, chain, version, slip_id from event_log where partition = $1 order by kafka_offset',
      [feed.partition],
    );
    expect(log.map((row) => row.bytes)).toEqual([...records, ...own].map((record) => record.value));
    let chain = Buffer.alloc(0);
    const ofA = log.filter((row) => row.slip_id === `a-${feed.partition}`);
    for (const row of ofA) {
      chain = createHash('sha256').update(chain).update(row.bytes).digest();
      expect(row.chain).toEqual(chain);
    }
    expect(ofA.map((row) => row.version)).toEqual(['1', '2', '3', '4']);
    const [slip] = await query('select status, version, position, reference, chain from slip where id = $1', [
      `a-${feed.partition}`,
    ]);
    expect(slip).toEqual({ status: 'settled', version: '4', position: '5', reference: 'r-a', chain });
    expect(await balance('payer:log:available')).toBe('-1400');
    expect(await balance('payer:log:held')).toBe('1000');
  });

  it('times the transactions of a batch one after the other, in the order of the log', async () => {
    const feed = nextFeed();
    const slips = ['z', 'y', 'x', 'w'];
    await play(
      feed,
      slips.flatMap((slip) => [
        [slip, submitted({ account: 'timed' })],
        [slip, returned('succeeded')],
      ]),
    );
    const rows = await query<{ slip_id: string; type: string; at: string }>(
      'select slip_id, type, at from entry where slip_id = any($1) order by at, id',
      [slips.map((slip) => `${slip}-${feed.partition}`)],
    );
    expect(rows.map(({ slip_id, type }) => `${slip_id[0]} ${type}`)).toEqual(
      slips.flatMap((slip) => [`${slip} hold`, `${slip} settle`]),
    );
    expect(new Set(rows.map(({ at }) => at)).size).toBe(rows.length);
  });

  it('tells a balance of before, unless too much was entered since', async () => {
    const feed = nextFeed();
    const terms = { account: 'busy' };
    await play(feed, [
      ['a', submitted(terms)],
      ['b', submitted(terms)],
      ['c', submitted(terms)],
    ]);
    const sql = "select min(e.at) as at from entry e join account a on a.id = e.debit where a.owner = 'busy'";
    const [first] = await query<{ at: string }>(sql);
    const ask = (entriesMax?: number) =>
      accountBalances(
        books.unitOfWork as unknown as Pick<Tx, 'query'>,
        'busy',
        'wall',
        first!.at,
        entriesMax,
      );
    const then = [{ currency: 'EUR', available: -1000n, held: 1000n, suspense: 0n }];
    expect(await ask()).toEqual(then);
    expect(await ask(2)).toEqual(then);
    await expect(ask(1)).rejects.toMatchObject({ code: 'malformed_request', errors: [{ pointer: 'at' }] });
  });

  it('names the event that a transaction answers, however many came between', async () => {
    const feed = nextFeed();
    const asked: SlipEvent = { type: 'InquiryRequested', data: { inquiry: 1 } };
    const { records } = await play(feed, [
      ['long', submitted({ account: 'long' })],
      ...Array.from({ length: 40 }, () => ['long', asked] as const),
      ['long', returned('succeeded')],
    ]);
    const { items } = await ledgerQueries(books.unitOfWork, noWaits).transactions(
      { slip: `long-${feed.partition}` },
      { limit: 10, from: null },
    );
    const idOf = (n: number) => readEnvelope(records.at(n)!.value!).id;
    expect(items.map(({ type, eventId }) => [type, eventId])).toEqual([
      ['settle', idOf(-1)],
      ['hold', idOf(0)],
    ]);
  });

  it('gives the same tables, byte for byte, however often its batches come again', async () => {
    const feed = nextFeed();
    const random = seededRandom(7);
    const { records, own } = await play(feed, [
      ['a', submitted({ account: 'again' })],
      ['b', submitted({ account: 'again', kind: 'payout' })],
      ['c', submitted({ account: 'again', amount: null })],
      ['a', returned('failed')],
      ['a', returned('succeeded')],
      ['c', returned('succeeded')],
      ['b', refundRequested()],
    ]);
    const before = await books.dump();
    for (let time = 0; time < 10; time++) {
      const cut = random.integer(0, records.length);
      await books.handle(feed.partition, records.slice(0, cut));
      await books.handle(feed.partition, [], records);
      await books.handle(feed.partition, [...records.slice(cut), ...own]);
    }
    expect(await books.dump()).toEqual(before);
    expect(books.differing).toEqual([]);
  });

  it('raises an alarm and takes nothing more when a resent event has other bytes', async () => {
    const feed = nextFeed();
    const { records } = await play(feed, [['a', submitted({ account: 'alarm' })]]);
    const { value, ...record } = records[0]!;
    const altered = Buffer.from(value!);
    altered.write('A', altered.indexOf('alarm'));
    const before = await books.dump();
    const resent = [{ ...record, value: altered }, records[0]!];
    await expect(books.handle(feed.partition, [], resent)).rejects.toThrow('unavailable: a fork');
    expect(await books.dump()).toEqual(before);
    expect(books.differing.splice(0)).toMatchObject([
      { offset: 0, sequence: 1, source: '/slipstream/intake' },
    ]);
    // Whatever the record's key is, the slip is the one that the event names: the logged one, another, or none.
    await books.handle(feed.partition, [], [{ ...records[0]!, key: Buffer.from('a\0b') }]);
    const moved = Buffer.from(value!);
    moved.write('b', moved.indexOf(`a-${feed.partition}`));
    for (const other of [moved, Buffer.from('?')]) {
      const forked = books.handle(feed.partition, [], [{ ...record, value: other }]);
      await expect(forked).rejects.toThrow('unavailable: a fork');
      expect(books.differing.splice(0)).toHaveLength(1);
    }
  });

  it('takes the resend of what was set aside and never logged for an honest one, readable or not', async () => {
    const feed = nextFeed();
    const { partition } = feed;
    const setAside = (offset: number, { key, value }: { key: Buffer | null; value: Buffer | null }) =>
      query(
        `insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, key, value, headers, reason, error_class, detail, attempts)
         values ('ledger', 'slips.events.v1', $1, $2, $3, $4, $5, '{}', 'failed', '', '', 1)`,
        [partition, offset, keyText(key), key, value],
      );
    const record = feed.event(recordedAs(submitted(), 1, `aside-${partition}`));
    await setAside(0, record);
    await books.handle(partition, [], [record]);
    const unreadable = feed.event(recordedAs(submitted(), 1, `unreadable-${partition}`));
    // Without its id it still has a source and a number.
    const value = unreadable.value!.subarray(2 + unreadable.value![1]!);
    await setAside(1, { ...unreadable, value });
    await books.handle(partition, [], [{ ...unreadable, value }]);
    const keyless = { ...feed.event(recordedAs(submitted(), 2, `keyless-${partition}`)), key: null };
    await setAside(2, keyless);
    await books.handle(partition, [], [keyless]);
    expect(books.differing).toEqual([]);
    const altered = Buffer.from(record.value!);
    altered.write('A', altered.indexOf('cust-1'));
    const forked = books.handle(partition, [], [{ ...record, value: altered }]);
    await expect(forked).rejects.toThrow('unavailable: a fork');
    expect(books.differing.splice(0)).toHaveLength(1);
  });

  it('answers events of an imported clock at the importer’s time, in accounts of that clock', async () => {
    const feed = nextFeed();
    const { said } = await play(
      feed,
      [['a', submitted({ account: 'imported', kind: 'payout' })]],
      'import-1',
    );
    expect(said[0]).toMatchObject({ clock: 'import-1', receivedTime: at(1), event: { type: 'FundsHeld' } });
    expect(await balance('payer:imported:held', 'import-1')).toBe('1000');
    expect(await balance('payer:imported:held')).toBeUndefined();
  });

  it('refuses a payout without funds and holds it once a payment has funded the account', async () => {
    const feed = nextFeed();
    const payout = (slip: string) => [slip, submitted({ account: 'shop-f', kind: 'payout' })] as const;
    const { said } = await play(feed, [
      payout('early'),
      ['pay', submitted({ account: 'cust-f', counterparty: 'shop-f', kind: 'payment', amount: eur(1500) })],
      ['pay', returned('succeeded')],
      payout('first'),
      payout('second'),
    ]);
    expect(said.map(({ slipId, event }) => `${slipId.split('-')[0]} ${event.type}`)).toEqual([
      'early HoldRefused',
      'pay FundsHeld',
      'pay SlipSettled',
      'first FundsHeld',
      'second HoldRefused',
    ]);
    expect(await balance('payer:shop-f:available')).toBe('500');
  });

  it('keeps an event of an unknown type, and refuses one that cannot be read', async () => {
    const feed = nextFeed();
    const head = {
      id: 'e-unknown',
      source: '/slipstream/intake',
      subject: `u-${feed.partition}`,
      clock: 'wall',
    };
    const stamp = { sequence: '1', time: at(1), receivedTime: at(1) };
    const unknown = encodeCloudEvent({ ...head, type: 'slipstream.slip.levitated.v9' }, Buffer.from('?'));
    await books.handle(feed.partition, [feed.record(stampEnvelope(unknown, stamp))]);
    expect(books.unknownTypes).toEqual(['slipstream.slip.levitated.v9']);
    const [slip] = await query('select version, status from slip where id = $1', [head.subject]);
    expect(slip).toEqual({ version: '1', status: 'submitted' });

    const broken = encodeCloudEvent({ ...head, type: cloudEventType('SlipSubmitted') }, Buffer.from([0xff]));
    const record = feed.record(stampEnvelope(broken, { ...stamp, sequence: '2' }));
    await expect(books.handle(feed.partition, [record])).rejects.toThrow(RecordRejected);
  });

  it('logs what is set aside at once, and folds and books it when it is read again, once', async () => {
    const feed = nextFeed();
    const { partition } = feed;
    const slipId = slipOn(partition, (n) => `waits-${n}`);
    const events = [submitted({ account: `w-${partition}` }), returned('succeeded')];
    const [submit, answer] = events.map((event, n) => feed.event(recordedAs(event, n + 1, slipId)));
    const row = async () =>
      (
        await query('select version, position, waits_from, status, outcome from slip where id = $1', [slipId])
      )[0];
    const log = () =>
      query<{ version: string }>('select version from event_log where slip_id = $1 order by 1', [slipId]);

    await books.setAside(partition, [submit!, answer!]);
    expect(await row()).toMatchObject({ version: '2', waits_from: '0', status: 'submitted', outcome: null });
    expect(await log()).toHaveLength(2);
    expect(await holdOf(slipId)).toBeNull();

    await books.handle(partition, [submit!]);
    expect(await row()).toMatchObject({ version: '2', waits_from: '1', outcome: null });
    await books.handle(partition, [answer!]);
    expect(await row()).toMatchObject({ version: '2', waits_from: null, outcome: 'succeeded' });
    expect(await log()).toHaveLength(2);
    expect(await holdOf(slipId)).toBe('settled');

    const before = await books.dump();
    await books.handle(partition, [submit!, answer!]);
    expect(await books.dump()).toEqual(before);
  });

  it('logs and shows an event with a value of a newer release, and never what waits behind one that is not logged', async () => {
    const feed = nextFeed();
    const { partition } = feed;
    const slipId = slipOn(partition, (n) => `newer-${n}`);
    const head = { id: 'e-newer', source: '/slipstream/provider-gateway', subject: slipId, clock: 'wall' };
    const stamp = { sequence: '1', time: at(1), receivedTime: at(1) };
    // SlipReturned with outcome 9.
    const newer = encodeCloudEvent({ ...head, type: cloudEventType('SlipReturned') }, Buffer.from([0x10, 9]));
    const record = feed.record(stampEnvelope(newer, stamp));
    await expect(books.handle(partition, [record])).rejects.toThrow(/unknown value 9/);
    await books.setAside(partition, [record], 'too_new');
    const bytes = await query('select bytes from event_log where slip_id = $1', [slipId]);
    expect(bytes).toEqual([{ bytes: record.value }]);
    expect(await query('select status from slip where id = $1', [slipId])).toEqual([{ status: 'submitted' }]);

    const other = slipOn(partition, (n) => `other-${n}`);
    const behind = feed.event(recordedAs(submitted(), 2, other));
    await books.setAside(partition, [behind], 'parked_behind');
    expect(await query('select 1 from event_log where slip_id = $1', [other])).toEqual([]);
  });

  it('stores odd names and empty texts as they are', async () => {
    const feed = nextFeed();
    const names = ['NULL', '{a,b}', 'say "hi"', 'back\\slash', 'é\u2028💸', ''];
    await play(
      feed,
      names.map((name, n) => [`odd${n}`, submitted({ account: `odd ${name}`, reference: name })] as const),
    );
    const rows = await query<{ reference: string; account: string }>(
      'select reference, account from slip where partition = $1 order by position',
      [feed.partition],
    );
    expect(rows).toEqual(names.map((name) => ({ reference: name, account: `odd ${name}` })));
    for (const name of names) expect(await balance(`payer:odd ${name}:held`)).toBe('1000');
  });

  it('loses no update when batches of all partitions use one account at once', async () => {
    const waiting = Array.from({ length: 100 }, (_, n) => n).values();
    const all = Array.from({ length: topics.events.partitions }, (_, partition) => partition);
    // A partition has one owner, who takes its batches one after the other.
    const owner = async (partition: number) => {
      for (const n of waiting) {
        const event = submitted({ account: 'hot', amount: eur(n + 1) });
        const feed = new Feed(partition);
        const { value } = feed.event({ ...recordedAs(event, 1, `hot-${n}`), source: `/test/${n}` });
        const record = { ...feed.record(value!), offset: 1_000_000 + n };
        await patiently(() => books.handle(partition, [record]));
      }
    };
    await Promise.all(all.map(owner));
    expect(await balance('payer:hot:held')).toBe('5050');
    expect(await balance('payer:hot:available')).toBe('-5050');
    const published = await Promise.all(all.map((partition) => books.published(partition)));
    const envelopes = published.map((values) => values.map((value) => readEnvelope(value)));
    for (const of of envelopes) expect(of.map(({ sequence }) => sequence)).toEqual(of.map((_, n) => n + 1));
    const told = envelopes.flat().filter(({ subject }) => subject.startsWith('hot-'));
    expect(told).toHaveLength(100);
  });

  it('leaves books that balance', async () => {
    expect(await query('select * from ledger_imbalance')).toEqual([]);
  });
});

describe('what PostgreSQL does of its own accord', () => {
  /** By how much a statement moves a counter of a table; it is rolled back then. */
  async function counted(counter: string, table: string, sql: string): Promise<number> {
    const read = `select ${counter}::int as n from pg_stat_xact_user_tables where relname = '${table}'`;
    let moved = Number.NaN;
    const tried = books.unitOfWork.run(async (tx) => {
      // Also what the connection's transactions before have not told yet.
      const [before] = await tx.query<{ n: number }>(read);
      await tx.query(sql);
      const [after] = await tx.query<{ n: number }>(read);
      moved = after!.n - before!.n;
      throw new Error('tried');
    });
    await expect(tried).rejects.toThrow('tried');
    return moved;
  }

  it('a new entry is checked by its accounts, however few others there are', async () => {
    const crowd = await query<{ id: string }>(`insert into account (clock, owner, kind, currency, partition)
      select 'wall', 'crowd-' || n, 'available', 'EUR', 0 from generate_series(1, 2000) as n returning id`);
    const [debit, credit] = crowd.map(({ id }) => id);
    const read = await counted(
      'idx_tup_fetch',
      'account',
      `insert into entry (slip_id, n, type, id, debit, credit, amount, at)
        values ('crowd', 1, 'hold', gen_random_uuid(), ${debit}, ${credit}, 1, now())`,
    );
    expect(read).toBe(2);
  });

  it('a settlement puts nothing into any index of the slips', async () => {
    await query(`insert into slip (id, partition, clock, status, listed_at, overdue, version, position, chain, hold_status, entries)
      values ('in-page', 0, 'wall', 'held', now(), false, 1, 0, '', 'held', 1)`);
    const inPage = await counted(
      'n_tup_hot_upd',
      'slip',
      `update slip set status = 'settled', outcome = 'succeeded', hold_status = 'settled', entries = 2, version = 4
        where id = 'in-page'`,
    );
    expect(inPage).toBe(1);
  });
});

describe('PostgreSQL itself refuses', () => {
  const insert = (values: string) =>
    query(
      `insert into entry (slip_id, n, type, id, debit, credit, amount, rest_credit, rest, at) values ${values}`,
    );
  const rest = "'00000000-0000-5000-8000-000000000000'";
  const entry = (
    slip: string,
    n: number,
    type: string,
    accounts: string,
    amount: number | string,
    more = 'null, null',
  ) => insert(`('${slip}', ${n}, '${type}', ${rest}, ${accounts}, ${amount}, ${more}, now())`);
  const account = (owner: string, currency = 'EUR', clock = 'wall') =>
    query(
      `insert into account (clock, owner, kind, currency, partition) overriding system value
        select '${clock}', '${owner}', 'available', '${currency}', 0 returning id`,
    );
  let a: string;
  let b: string;
  let dollars: string;
  let imported: string;

  beforeAll(async () => {
    const idOf = async (made: Promise<unknown[]>) => ((await made)[0] as { id: string }).id;
    a = await idOf(account('guard-a'));
    b = await idOf(account('guard-b'));
    dollars = await idOf(account('guard-a', 'USD'));
    imported = await idOf(account('guard-a', 'EUR', 'import-1'));
    await query(
      `insert into slip (id, partition, clock, status, listed_at, overdue, version, position, chain, hold_status)
        values ('guarded', 0, 'wall', 'settled', now(), false, 1, 0, '', 'settled'),
               ('refunded', 0, 'wall', 'refunded', now(), false, 1, 0, '', 'refunded')`,
    );
    await entry('guarded', 1, 'hold', `${a}, ${b}`, 1);
    await entry('guarded', 2, 'settle', `${b}, ${a}`, 1);
  });

  const holdBecomes = (slip: string, status: string) =>
    query(`update slip set hold_status = ${status} where id = '${slip}'`);

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a second settlement', () => entry('guarded', 2, 'settle', `${b}, ${a}`, 1), /entry_pkey/],
    ['a second hold', () => entry('guarded', 1, 'hold', `${b}, ${a}`, 1), /entry_pkey/],
    ['a hold that is not the first', () => entry('guarded', 3, 'hold', `${b}, ${a}`, 1), /held_first/],
    ['a refund of a settled slip', () => entry('guarded', 2, 'refund', `${b}, ${a}`, 1), /entry_pkey/],
    [
      'a refund after the settlement',
      () => entry('guarded', 3, 'refund', `${b}, ${a}`, 1),
      /settled_xor_refunded/,
    ],
    [
      'an end without a hold',
      () => entry('other', 1, 'settle', `${b}, ${a}`, 1),
      /held_first|settled_xor_refunded/,
    ],
    ['a word that nobody knows', () => entry('guarded', 3, 'gift', `${b}, ${a}`, 1), /entry_type/],
    ['another decision about a settled hold', () => holdBecomes('guarded', "'refunded'"), /cannot become/],
    ['a hold that is forgotten', () => holdBecomes('guarded', 'null'), /settled cannot become none/],
    ['a refunded hold that settles', () => holdBecomes('refunded', "'settled'"), /cannot become/],
    [
      'a word about a hold that nobody knows',
      () => holdBecomes('guarded', "'lost'"),
      /hold_status|cannot become/,
    ],
    ['an amount of zero', () => entry('zero', 1, 'hold', `${a}, ${b}`, 0), /amount_check/],
    ['a rest of zero', () => entry('zero', 1, 'hold', `${a}, ${b}`, 1, `${b}, 0`), /rest_check/],
    ['a rest that goes nowhere', () => entry('zero', 1, 'hold', `${a}, ${b}`, 1, 'null, 5'), /entry_check/],
    ['money that stays where it is', () => entry('same', 1, 'hold', `${a}, ${a}`, 1), /entry_moves/],
    [
      'money that changes its currency',
      () => entry('fx', 1, 'hold', `${a}, ${dollars}`, 1),
      /between clocks, currencies/,
    ],
    [
      'a rest in another currency',
      () => entry('fx', 1, 'hold', `${a}, ${b}`, 1, `${dollars}, 5`),
      /between clocks, cur/,
    ],
    [
      'money that changes its clock',
      () => entry('import', 1, 'hold', `${imported}, ${a}`, 1),
      /between clocks/,
    ],
    [
      'an account that is not there',
      () => entry('nobody', 1, 'hold', `${a}, 987654321`, 1),
      /accounts that are not there/,
    ],
    ['a changed event', () => query('update event_log set version = 7'), /append-only/],
    ['a deleted event', () => query('delete from event_log'), /append-only/],
    ['an emptied log', () => query('truncate event_log'), /append-only/],
    ['a changed entry', () => query('update entry set amount = 1'), /append-only/],
    ['a deleted entry', () => query('delete from entry'), /append-only/],
  ])('%s', async (_, attempt, reason) => {
    await expect(attempt()).rejects.toThrow(reason);
  });

  it('but not a compensation of what was refunded', async () => {
    await holdBecomes('refunded', "'compensated'");
    expect(await holdOf('refunded')).toBe('compensated');
  });

  it('and shows books that were forced out of balance', async () => {
    await query(
      "update account set balance = balance + 1 where owner = 'hot' and kind = 'held' and partition = 0",
    );
    const problems = await query<{ problem: string; difference: string }>(
      'select problem, difference from ledger_imbalance order by 1',
    );
    await query(
      "update account set balance = balance - 1 where owner = 'hot' and kind = 'held' and partition = 0",
    );
    expect(problems).toEqual([
      { problem: 'a balance differs from its postings', difference: '1' },
      { problem: 'balances of a currency do not sum to zero', difference: '1' },
    ]);
  });
});

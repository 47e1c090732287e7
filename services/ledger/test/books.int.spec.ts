import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  cloudEventType,
  decodeSlipEvent,
  encodeCloudEvent,
  readEnvelope,
  stampEnvelope,
} from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { RecordRejected } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
import type { SlipEvent } from '@slipstream/slip';
import { sha256 } from '../src/app.module.ts';
import { type Books, openBooks } from './books.ts';
import { at, eur, recordedAs, refundRequested, returned, submitted } from './builders.ts';
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

const balance = async (name: string, clock = 'wall') => {
  const sql = 'select balance from account where name = $1 and clock = $2';
  return (await query<{ balance: string }>(sql, [name, clock]))[0]?.balance;
};

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
    let chain: Buffer = Buffer.alloc(0);
    const ofA = log.filter((row) => row.slip_id === `a-${feed.partition}`);
    for (const row of ofA) {
      chain = sha256(chain, row.bytes);
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
      'select slip_id, type, at from transaction where slip_id = any($1) order by at, id',
      [slips.map((slip) => `${slip}-${feed.partition}`)],
    );
    expect(rows.map(({ slip_id, type }) => `${slip_id[0]} ${type}`)).toEqual(
      slips.flatMap((slip) => [`${slip} hold`, `${slip} settle`]),
    );
    expect(new Set(rows.map(({ at }) => at)).size).toBe(rows.length);
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

  it('raises an alarm when a resent event has other bytes', async () => {
    const feed = nextFeed();
    const { records } = await play(feed, [['a', submitted({ account: 'alarm' })]]);
    const { value, ...record } = records[0]!;
    const altered = Buffer.from(value!);
    altered.write('A', altered.indexOf('alarm'));
    await books.handle(feed.partition, [], [{ ...record, value: altered }, records[0]!]);
    expect(books.differing.splice(0)).toMatchObject([
      { offset: 0, sequence: 1, source: '/slipstream/intake' },
    ]);
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
    const slipId = `waits-${partition}`;
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
    expect(await query('select 1 from hold where slip_id = $1', [slipId])).toEqual([]);

    await books.handle(partition, [submit!]);
    expect(await row()).toMatchObject({ version: '2', waits_from: '1', outcome: null });
    await books.handle(partition, [answer!]);
    expect(await row()).toMatchObject({ version: '2', waits_from: null, outcome: 'succeeded' });
    expect(await log()).toHaveLength(2);
    expect(await query('select status from hold where slip_id = $1', [slipId])).toEqual([
      { status: 'settled' },
    ]);

    const before = await books.dump();
    await books.handle(partition, [submit!, answer!]);
    expect(await books.dump()).toEqual(before);
  });

  it('logs and shows an event with a value of a newer release, and never what waits behind one that is not logged', async () => {
    const feed = nextFeed();
    const { partition } = feed;
    const slipId = `newer-${partition}`;
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

    const [behind] = [feed.event(recordedAs(submitted(), 2, `other-${partition}`))];
    await books.setAside(partition, [behind!], 'parked_behind');
    expect(await query('select 1 from event_log where slip_id = $1', [`other-${partition}`])).toEqual([]);
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

  it('loses no update when 100 batches use one account at once', async () => {
    const partition = partitions++;
    const feeds = Array.from({ length: 100 }, (_, n) => ({
      slipId: `hot-${n}`,
      event: submitted({ account: 'hot', amount: eur(n + 1) }),
    }));
    const records = feeds.map(({ slipId, event }, n) => {
      const feed = new Feed(partition);
      const { value } = feed.event({ ...recordedAs(event, 1, slipId), source: `/test/${n}` });
      return { ...feed.record(value!), offset: n };
    });
    await Promise.all(records.map((record) => books.handle(partition, [record])));
    expect(await balance('payer:hot:held')).toBe('5050');
    expect(await balance('payer:hot:available')).toBe('-5050');
    const published = (await books.published(partition)).map((value) => readEnvelope(value).sequence);
    expect(published).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it('leaves books that balance', async () => {
    expect(await query('select * from ledger_imbalance')).toEqual([]);
  });
});

describe('PostgreSQL itself refuses', () => {
  const insert = (id: string, slip: string, type: string) =>
    query('insert into transaction (id, slip_id, type, clock, event_id) values ($1, $2, $3, $4, $5)', [
      ...[`00000000-0000-5000-8000-00000000000${id}`, slip, type, 'wall', `e-${id}`],
    ]);
  const post = (values: string) =>
    query(`insert into posting (transaction_id, n, account, currency, direction, amount) values ${values}`);
  const own = "('00000000-0000-5000-8000-000000000001'";
  const stray = "('00000000-0000-5000-8000-00000000000f'";

  beforeAll(async () => {
    await insert('1', 'guarded', 'settle');
    const columns = 'slip_id, clock, kind, account, counterparty, status';
    await query(`insert into hold (${columns}) values ('guarded', 'wall', 'order', 'a', 'b', 'settled')`);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a second settlement', () => insert('2', 'guarded', 'settle'), /transaction_slip_id_type_key/],
    ['a refund of a settled slip', () => insert('3', 'guarded', 'refund'), /settled_xor_refunded/],
    [
      'another decision about a hold',
      () => query("update hold set status = 'refunded' where slip_id = 'guarded'"),
      /cannot become/,
    ],
    [
      'postings that do not sum to zero',
      () => post(`${own}, 1, 'x', 'EUR', 'debit', 5)`),
      /do not sum to zero/,
    ],
    ['an amount of zero', () => post(`${own}, 1, 'x', 'EUR', 'debit', 0)`), /amount_check/],
    [
      'postings that belong to no transaction',
      () => post(`${stray}, 1, 'x', 'EUR', 'debit', 5), ${stray}, 2, 'x', 'EUR', 'credit', 5)`),
      /belongs to no transaction/,
    ],
    ['a changed event', () => query("update event_log set type = 'x'"), /append-only/],
    ['a deleted event', () => query('delete from event_log'), /append-only/],
    ['an emptied log', () => query('truncate event_log'), /append-only/],
    ['a changed posting', () => query('update posting set amount = 1'), /append-only/],
    ['a deleted transaction', () => query('delete from transaction'), /append-only/],
  ])('%s', async (_, attempt, reason) => {
    await expect(attempt()).rejects.toThrow(reason);
  });

  it('and shows books that were forced out of balance', async () => {
    await query("update account set balance = balance + 1 where name = 'payer:hot:held'");
    const problems = await query<{ problem: string; difference: string }>(
      'select problem, difference from ledger_imbalance order by 1',
    );
    await query("update account set balance = balance - 1 where name = 'payer:hot:held'");
    expect(problems).toEqual([
      { problem: 'a balance differs from its postings', difference: '1' },
      { problem: 'balances of a currency do not sum to zero', difference: '1' },
    ]);
  });
});

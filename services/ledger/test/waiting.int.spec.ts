import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import type { ConsumedRecord } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
import { projections, rebuild } from '../src/adapters/postgres/rebuild/rebuild.ts';
import { sha256, transactionId } from '../src/digests.ts';
import { type Books, openBooks } from './books.ts';
import { recordedAs } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';
import { expectTrees } from './log-trees.ts';
import { asText, PlainBooks } from './plain-books.ts';
import { storedAsText } from './stored-books.ts';

const environment = sharedEnvironment();
let books: Books;
beforeAll(async () => {
  // Hardly anything is remembered: states are read from the log.
  books = await openBooks(environment().databaseUrl, 5_000);
});
afterAll(() => books?.close());

const dismissedSql = `
insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, headers, reason, error_class, detail, attempts, status)
  values ('ledger', 'slips.events.v1', $1, $2, $3, '{}', 'failed', '', '', 1, 'dismissed')`;

const slips = 5;
/** Lives of one slip after the other: more events than are folded without a snapshot. */
const turns = 16;

it('what is set aside, read again in order or given up, and long lives, come to what the domain says', async () => {
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const plain = new PlainBooks();
  const feed = new Feed(0);
  const { partition } = feed;
  /** Records that wait, by slip, in their order. */
  const waiting = new Map<string, ConsumedRecord[]>();
  let n = 0;
  const take = async (record: ConsumedRecord) => {
    const answers = plain.take(record);
    await books.handle(partition, [record]);
    for (const { slipId, clock, event } of answers) await arrives(slipId, clock, event);
  };
  const arrives = async (slipId: string, clock: string, event: Parameters<typeof recordedAs>[0]) => {
    const record = feed.event(recordedAs(event, (n++ % 3_000) + 1, slipId, clock));
    const behind = waiting.get(slipId);
    if (behind === undefined && random.chance(0.95)) return take(record);
    plain.setAside(record, behind !== undefined);
    await books.setAside(partition, [record], behind === undefined ? 'failed' : 'parked_behind');
    if (behind === undefined) waiting.set(slipId, [record]);
    else behind.push(record);
  };
  /** What the ledger says meanwhile waits behind them. */
  const resolve = async (slipId: string, records: ConsumedRecord[]) => {
    for (let record = records.shift(); record !== undefined; record = records.shift()) {
      if (random.chance(0.8)) await take(record);
      else await books.unitOfWork.query(dismissedSql, [partition, record.offset, slipId]);
    }
    waiting.delete(slipId);
  };
  for (let turn = 0; turn < turns; turn++) {
    for (const { slipId, clock, event } of randomLives(random, partition, slips)) {
      await arrives(slipId, clock, event);
      if (random.chance(0.1)) await books.claimAnew(partition);
      const [first] = waiting;
      if (first !== undefined && random.chance(0.2)) await resolve(...first);
    }
  }
  expect(await storedAsText(books.unitOfWork)).toEqual(asText(plain));
  // Every record, also those that never came to their slip.
  const offsets = (await expectTrees(books.unitOfWork)).get(partition)!;
  expect(offsets).toEqual(offsets.map((_, n) => n));
  // What was given up was never folded, and what waits is not yet: a rebuild knows. These answers are no bytes of the outbox.
  await books.unitOfWork.query('delete from outbox; update sequencer set next_seq = 1');
  for (const name of ['slips', 'statistics']) {
    const { differences } = await rebuild(projections.find((one) => one.name === name)!, {
      unitOfWork: books.unitOfWork,
      hashes: { sha256, transactionId },
      ending: 'drop',
      onSlips: () => {},
    });
    expect(differences.filter(({ field }) => field !== 'hold' && field !== 'entries')).toEqual([]);
  }
  const [kept] = await books.unitOfWork.query(
    'select count(*) filter (where snapshot is not null)::int > 0 as some, max(version)::int > 40 as long from slip',
  );
  expect(kept).toEqual({ some: true, long: true });
});

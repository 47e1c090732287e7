import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeSlipEvent } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { ConsumedRecord } from '@slipstream/kafka';
import { seededRandom } from '@slipstream/kernel';
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
  books = await openBooks(environment().databaseUrl);
});
afterAll(() => books?.close());

const partitions = 3;
const slipsPerPartition = 150;

it('random lives, in batches of any size, come to what the domain says of them one by one', async () => {
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const plain = new PlainBooks();
  const said = new Map<number, ReturnType<PlainBooks['take']>>();
  const lanes = Array.from({ length: partitions }, (_, partition) => {
    said.set(partition, []);
    return {
      feed: new Feed(partition),
      lives: randomLives(random, partition, slipsPerPartition),
      read: 0,
      n: 0,
    };
  });
  const left = () => lanes.filter(({ lives }) => lives.length > 0);
  /** What comes next on a partition: first what the ledger published since, as from Kafka. */
  const next = async (lane: (typeof lanes)[number]) => {
    const { feed, lives } = lane;
    const published = await books.published(feed.partition);
    const own = published.slice(lane.read).map((value) => feed.record(value));
    lane.read = published.length;
    const others = lives
      .splice(0, random.pick([1, 2, 10, 100]))
      .map(({ slipId, clock, event }) =>
        feed.event(recordedAs(event, (lane.n++ % 3_000) + 1, slipId, clock)),
      );
    return [...own, ...others];
  };
  const fails = () => Promise.reject(new Error('not this time'));
  let rememberedMax = 0;
  while (left().length > 0) {
    const records: ConsumedRecord[] = [];
    // Lost to another instance, and had again.
    if (random.chance(0.1)) await books.claimAnew(random.integer(0, partitions - 1));
    if (random.chance(0.5)) {
      const lane = random.pick(left());
      records.push(...(await next(lane)));
      const { partition } = lane.feed;
      if (random.chance(0.2)) await expect(books.handle(partition, records, [], fails)).rejects.toThrow();
      await books.handle(partition, records);
      // A zombie's batch, or one that was read again.
      if (random.chance(0.2)) await books.handle(partition, records);
    } else {
      for (const lane of left()) records.push(...(await next(lane)));
      if (random.chance(0.2)) await expect(books.handleUnit(records, fails)).rejects.toThrow();
      await books.handleUnit(records);
    }
    rememberedMax = Math.max(rememberedMax, books.remembered.slips.size);
    for (const record of records) said.get(record.partition)!.push(...plain.take(record));
  }
  expect(await storedAsText(books.unitOfWork)).toEqual(asText(plain));
  await expectTrees(books.unitOfWork);
  for (const [partition, answers] of said) {
    const published = (await books.published(partition)).map((value) => decodeSlipEvent(value));
    const told = published.map(({ slipId, clock, event, receivedTime }) => {
      // On the wall clock it is the time of the commit.
      return { slipId, clock, event, receivedAt: clock === 'wall' ? null : receivedTime };
    });
    expect(told).toEqual(answers);
  }
  expect(await books.unitOfWork.query('select * from ledger_imbalance')).toEqual([]);
  expect(books.differing).toEqual([]);
  // What failed was not counted.
  expect(books.counted.events).toBe(plain.log.length);
  expect(rememberedMax).toBeGreaterThan(0);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeSlipEvent } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { type Books, openBooks } from './books.ts';
import { recordedAs } from './builders.ts';
import { Feed } from './feed.ts';
import { randomLives } from './lives.ts';
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
  while (lanes.some(({ lives }) => lives.length > 0)) {
    const lane = random.pick(lanes.filter(({ lives }) => lives.length > 0));
    const { feed, lives } = lane;
    // What the ledger published since comes back first, as from Kafka.
    const published = await books.published(feed.partition);
    const own = published.slice(lane.read).map((value) => feed.record(value));
    lane.read = published.length;
    const others = lives
      .splice(0, random.pick([1, 2, 10, 100]))
      .map(({ slipId, clock, event }) =>
        feed.event(recordedAs(event, (lane.n++ % 3_000) + 1, slipId, clock)),
      );
    const records = [...own, ...others];
    await books.handle(feed.partition, records);
    for (const record of records) said.get(record.partition)!.push(...plain.take(record));
    // A zombie's batch, or one that was read again.
    if (random.chance(0.2)) await books.handle(feed.partition, records);
  }
  expect(await storedAsText(books.unitOfWork)).toEqual(asText(plain));
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
});

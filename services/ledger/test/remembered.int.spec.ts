import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeSlipEvent } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { SlipEvent } from '@slipstream/slip';
import { type Books, openBooks } from './books.ts';
import { eur, recordedAs, refundRequested, returned, submitted } from './builders.ts';
import { Feed } from './feed.ts';

const environment = sharedEnvironment();
let books: Books;
beforeAll(async () => {
  books = await openBooks(environment().databaseUrl, 1_000_000);
});
afterAll(() => books?.close());

let events = 0;
let partitions = 0;
const nextFeed = () => new Feed(partitions++);
const record = (feed: Feed, slip: string, event: SlipEvent) =>
  feed.event(recordedAs(event, ++events, `${slip}-${feed.partition}`));
const said = async ({ partition }: Feed) =>
  (await books.published(partition)).map((value) => decodeSlipEvent(value).event.type);

/** Makes the row of a slip another than the one that is remembered, as another database would have it. */
const settleElsewhere = (slipId: string) =>
  books.unitOfWork.query("update slip set hold_status = 'settled' where id = $1", [slipId]);

it('a slip under way is not asked for again, and one that has ended is not remembered', async () => {
  const feed = nextFeed();
  const { slips } = books.remembered;
  await books.handle(feed.partition, [record(feed, 'a', submitted())]);
  expect([...slips.take([`a-${feed.partition}`]).keys()]).toEqual([`a-${feed.partition}`]);
  await books.handle(feed.partition, [record(feed, 'a', returned('succeeded'))]);
  const [held, settled] = (await books.published(feed.partition)).map((value) => feed.record(value));
  await books.handle(feed.partition, [held!, settled!]);
  expect(slips.take([`a-${feed.partition}`]).size).toBe(0);
});

it('a slip that people look at is not remembered: its texts may be of any length', async () => {
  const feed = nextFeed();
  const opened: SlipEvent = { type: 'CaseOpened', data: { reason: 'conflict', summary: 'two answers' } };
  await books.handle(feed.partition, [record(feed, 'case', submitted()), record(feed, 'case', opened)]);
  expect(books.remembered.slips.take([`case-${feed.partition}`]).size).toBe(0);
});

it('what a transaction took out and did not commit is read anew', async () => {
  const feed = nextFeed();
  const { partition } = feed;
  await books.handle(partition, [record(feed, 'f', submitted())]);
  const answer = record(feed, 'f', returned('succeeded', { amount: eur(10) }));
  const failing = books.handle(partition, [answer], [], () => Promise.reject(new Error('aborted')));
  await expect(failing).rejects.toThrow('aborted');
  await settleElsewhere(`f-${partition}`);
  await books.handle(partition, [answer]);
  expect(await said(feed)).toEqual(['FundsHeld']);
});

it('nothing is remembered of a partition that was claimed anew: another database may say otherwise', async () => {
  const [feed, other] = [nextFeed(), nextFeed()];
  for (const one of [feed, other]) {
    await books.handle(one.partition, [record(one, 'm', submitted())]);
    await settleElsewhere(`m-${one.partition}`);
  }
  await books.claimAnew(feed.partition);
  await books.handle(feed.partition, [record(feed, 'm', refundRequested())]);
  expect(await said(feed)).toEqual(['FundsHeld', 'RefundRefused']);
  // While it is owned nobody else writes; if somebody does, nothing comes of it, and the row is read.
  const asked = record(other, 'm', refundRequested());
  await expect(books.handle(other.partition, [asked])).rejects.toThrow(/cannot become/);
  await books.handle(other.partition, [asked]);
  expect(await said(other)).toEqual(['FundsHeld', 'RefundRefused']);
});

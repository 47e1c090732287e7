import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeSlipEvent } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { type Books, openBooks } from './books.ts';
import { eur, recordedAs, returned, submitted } from './builders.ts';
import { Feed } from './feed.ts';

const environment = sharedEnvironment();
let books: Books;
beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
});
afterAll(() => books?.close());

let events = 0;
const record = (feed: Feed, slip: string, event: SlipEvent) =>
  feed.event(recordedAs(event, ++events, `${slip}-${feed.partition}`));
const said = async ({ partition }: Feed) =>
  (await books.published(partition)).map((value) => decodeSlipEvent(value).event.type);
const balance = async (owner: string, kind: string) => {
  const sql = 'select sum(balance) as balance from account where owner = $1 and kind = $2';
  return (await books.unitOfWork.query<{ balance: string }>(sql, [owner, kind]))[0]!.balance;
};

it('partitions move the same accounts at once: none waits for another’s commit', async () => {
  const [one, other] = [new Feed(0), new Feed(1)];
  const order = (feed: Feed, n: number) =>
    record(feed, `shared-${n}`, submitted({ account: 'shared', amount: eur(n) }));
  // Accounts that are new in one round and known in the next.
  for (const n of [1, 2]) {
    const behind = order(other, n);
    await books.handle(one.partition, [order(one, n)], [], () => books.handle(other.partition, [behind]));
  }
  expect(await balance('shared', 'held')).toBe('6');
});

it('a payout waits for one that decides by the same balance, and sees what it spent', async () => {
  const [one, other] = [new Feed(2), new Feed(3)];
  await books.handle(one.partition, [
    record(
      one,
      'fund',
      submitted({ account: 'giver', counterparty: 'spent', kind: 'payment', amount: eur(1000) }),
    ),
    record(one, 'fund', returned('succeeded')),
  ]);
  const payout = (feed: Feed) =>
    record(feed, 'spend', submitted({ account: 'spent', kind: 'payout', amount: eur(700) }));
  const behind = payout(other);
  let second = Promise.resolve();
  await books.handle(one.partition, [payout(one)], [], async () => {
    second = books.handle(other.partition, [behind]);
    await waitFor(
      async () => {
        const waiting = await books.unitOfWork.query(
          "select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
        );
        return waiting.length > 0 ? waiting : null;
      },
      { what: 'the second payout to wait for the first' },
    );
  });
  await second;
  expect(await said(one)).toEqual(['FundsHeld', 'SlipSettled', 'FundsHeld']);
  expect(await said(other)).toEqual(['HoldRefused']);
  expect(await balance('spent', 'available')).toBe('300');
});

it('an account that a batch opened and did not commit is opened again', async () => {
  const feed = new Feed(4);
  const order = record(feed, 'again', submitted({ account: 'again' }));
  const failing = books.handle(feed.partition, [order], [], () => Promise.reject(new Error('aborted')));
  await expect(failing).rejects.toThrow('aborted');
  await books.handle(feed.partition, [order]);
  await books.handle(feed.partition, [record(feed, 'more', submitted({ account: 'again' }))]);
  expect(await balance('again', 'held')).toBe('2000');
  expect(await books.unitOfWork.query('select * from ledger_imbalance')).toEqual([]);
});

it('an account is looked for again when its partition was claimed anew: another database has other ids', async () => {
  const feed = new Feed(5);
  const order = (n: number) => record(feed, `moved-${n}`, submitted({ account: 'moved' }));
  for (const n of [1, 2]) await books.handle(feed.partition, [order(n)]);
  await books.unitOfWork.query(`update account set id = default where owner = 'moved'`);
  await books.claimAnew(feed.partition);
  await books.handle(feed.partition, [order(3)]);
  expect(await balance('moved', 'held')).toBe('3000');
});

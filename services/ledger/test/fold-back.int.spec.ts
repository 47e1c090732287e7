import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { openDataSource, UnitOfWork } from '@slipstream/postgres';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type LedgerUnderTest, ledgerUnderTest } from './ledger-under-test.ts';
import { randomLives } from './lives.ts';
import { expectTrees } from './log-trees.ts';
import { storedAsText } from './stored-books.ts';

const random = seededRandom(20_261_129);
let ledger: LedgerUnderTest;
let services: readonly Service[];

beforeAll(async () => {
  ledger = await ledgerUnderTest();
  services = [await ledger.start(), await ledger.start()];
}, 120_000);
afterAll(() => ledger?.stop(), 60_000);

/** Lives of slips, except for what the ledger says itself. */
const lives = [0, 1, 2].map((partition) =>
  randomLives(random, partition, 60).filter(({ event }) => event.type !== 'SuspenseDecided'),
);

async function live(count: number): Promise<void> {
  for (const among of lives) {
    for (const { slipId, clock, event } of among.splice(0, count))
      await ledger.publish([[slipId, event]], clock);
  }
}

const ready = () =>
  waitFor(
    async () => {
      const answers = await Promise.all(services.map(async ({ url }) => (await fetch(`${url}/readyz`)).ok));
      return answers.every((isReady) => isReady);
    },
    { what: 'both instances to be ready', timeoutMs: 60_000 },
  );

const isSent = async () => {
  const { rows } = await ledger.database.query(
    'select 1 from sequencer s join relay r using (topic, partition) where r.sent_seq < s.next_seq - 1',
  );
  return rows.length === 0;
};

/** All is handled, said and read back. */
async function caughtUp(): Promise<void> {
  await ready();
  await ledger.caughtUp();
  await waitFor(isSent, { what: 'all to be sent' });
  await ledger.caughtUp();
}

async function books() {
  const dataSource = await openDataSource({ url: ledger.databaseUrl, applicationName: 'test', poolMax: 1 });
  try {
    const unitOfWork = new UnitOfWork(dataSource);
    await expectTrees(unitOfWork);
    expect(await unitOfWork.query('select * from ledger_imbalance')).toEqual([]);
    return await storedAsText(unitOfWork);
  } finally {
    await dataSource.destroy();
  }
}

/** The ledger's own, numbered without a gap, and none said twice. */
async function expectOwn(): Promise<void> {
  const own = await ledger.own();
  for (const some of Object.values(Object.groupBy(own, ({ partition }) => partition)))
    expect(some!.map(({ sequence }) => Number(sequence))).toEqual(some!.map((_, index) => index + 1));
}

test('yesterday’s database is as new as its log again while everything goes on, and the books are what they were', async () => {
  await live(60);
  await caughtUp();
  await ledger.copyAside();
  await live(80);
  await caughtUp();
  const before = await books();
  const said = (await ledger.own()).length;

  await ledger.putBack();
  await caughtUp();
  expect(await books()).toEqual(before);
  expect((await ledger.own()).length).toBe(said);

  // Again, and more came while it was away.
  await ledger.putBack();
  await live(1_000);
  await caughtUp();
  await expectOwn();
}, 300_000);

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seededRandom } from '@slipstream/kernel';
import { openDataSource, UnitOfWork } from '@slipstream/postgres';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { eur, returned, slipOn, submitted } from './builders.ts';
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

const ann = { scope: 'cases:write cases:read refunds:approve', subject: 'ann' };
const bob = { scope: 'cases:read refunds:approve', subject: 'bob' };
const denied = ['stays', 'approved', 'declined'].map((name) => slipOn(4, (n) => `${name}-${n}`));

/** The slip's success is denied: its money lies in suspense. */
const deny = (slipId: string) =>
  ledger.publish([
    [slipId, submitted({ account: 'denied', reference: slipId })],
    [slipId, returned('succeeded', { amount: eur(1000), providerReference: 'p' })],
    [slipId, returned('failed', { providerReference: 'p' })],
  ]);
const propose = (slipId: string) => {
  const headers = { 'idempotency-key': slipId };
  return ledger.post(
    `/v1/suspense/${slipId}/decisions`,
    { decision: 'give_back', reason: 'so they wrote' },
    { ...ann, headers },
  );
};
const decisions = async () => {
  const { rows } = await ledger.database.query<{ row: object }>(
    "select to_jsonb(d) - 'proposed_at' - 'decided_at' as row from suspense_decision d order by slip_id",
  );
  return rows;
};

test('yesterday’s database is as new as its log again while everything goes on, and the books are what they were', async () => {
  await live(60);
  await caughtUp();
  await ledger.copyAside();
  await live(80);
  for (const slipId of denied) await deny(slipId);
  await caughtUp();
  const proposed = [];
  for (const slipId of denied) proposed.push(await propose(slipId));
  const [, toApprove, toDecline] = proposed.map(({ body }) => body.id);
  await ledger.post(`/v1/suspense-decisions/${toApprove}/approve`, { note: 'seen' }, bob);
  await ledger.post(`/v1/suspense-decisions/${toDecline}/decline`, { note: 'not so' }, bob);
  await caughtUp();
  const decided = await decisions();
  expect(decided.map(({ row }) => (row as { status: string }).status)).toEqual([
    'approved',
    'declined',
    'proposed',
  ]);
  const before = await books();
  const said = (await ledger.own()).length;

  await ledger.putBack();
  await caughtUp();
  expect(await books()).toEqual(before);
  expect((await ledger.own()).length).toBe(said);
  expect(await decisions()).toEqual(decided);
  const again = await propose(denied[0]!);
  const { proposed_at: _, ...answer } = proposed[0]!.body;
  expect(again.body).toMatchObject(answer);
  expect(again.headers.get('idempotent-replayed')).toBe('true');

  // Again, and more came while it was away.
  await ledger.putBack();
  await live(1_000);
  await caughtUp();
  await expectOwn();
}, 300_000);

import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import { forgetCallbacks } from '../src/adapters/postgres/forget-callbacks.ts';
import { postgresStore } from '../src/adapters/postgres/store.ts';
import type { Store } from '../src/application/ports.ts';
import { hear, moveTo } from '../src/domain/dispatch/earlier.ts';
import { final } from '../src/domain/dispatch/spec-support.ts';
import { storeOptions } from './support/harness.ts';

const environment = sharedEnvironment();
const migrations = resolve(import.meta.dirname, '../migrations');
const before = 6;

const columns = `slip_id, partition, clock, caller, reference, kind, account, counterparty, amount, currency, route, mode, provider,
  deadline, policy, traceparent, status, attempt, not_after, next_at, sent_maybe, acknowledged, closed_for_dispatch, refunded,
  seen_results`;
const filled = `
insert into dispatch (${columns})
select 's-' || n, 3, 'wall', 'shop', 'ord-' || n, 'order', 'cust-42', 'shop-7', 1250, 'EUR', 'default', 'dispatched', 'acme',
  now() + interval '1 hour', '{"graceMs":0,"quietPeriodMs":300,"inquiryLadderMs":[0]}', '',
  (array['held', 'unanswered', 'returned'])[1 + n % 3], 1, now(), case when n % 3 = 0 then now() end, n % 3 > 0, false, false, false, '{}'
from generate_series(0, 299) as n`;
const filledCallbacks = `
insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
select 'acme', 'wh-' || n, 's-' || n, now() - interval '1 year', 'said', case when n % 2 = 0 then 'recorded' else 'orphan' end
from generate_series(200, 299) as n`;

let store: Store;
let unitOfWork: UnitOfWork;
let destroy = async () => {};
const older = mkdtempSync(join(tmpdir(), 'slipstream-migrations-'));

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'gateway');
  const dataSource = await openDataSource({ url, applicationName: 'gateway-test', poolMax: 4 });
  destroy = () => dataSource.destroy();
  for (const file of readdirSync(migrations)) {
    if (Number(file.slice(0, 4)) < before) cpSync(join(migrations, file), join(older, file));
  }
  await migrate(dataSource, [coreMigrations, { scope: 'provider-gateway', directory: older }]);
  unitOfWork = new UnitOfWork(dataSource);
  await unitOfWork.query(filled);
  await unitOfWork.query(filledCallbacks);
  await migrate(dataSource, [coreMigrations, { scope: 'provider-gateway', directory: migrations }]);
  await prepareTopics(unitOfWork, [topics.events, topics.ops]);
  store = postgresStore(unitOfWork, storeOptions);
});

afterAll(async () => {
  await destroy();
  rmSync(older, { recursive: true, force: true });
});

test('a slip of the release before goes on to another provider, and its first one is still heard', async () => {
  const slips = ['s-0', 's-1', 's-2', 's-3'];
  await store.run(async (tx) => {
    const { rows } = await tx.dispatches.lock(slips);
    expect([...rows.values()].map(({ choice, earlier }) => [choice, earlier])).toEqual(
      slips.map(() => [null, []]),
    );
    const [held, unanswered] = [rows.get('s-0')!, rows.get('s-1')!];
    await tx.dispatches.save([
      moveTo(held, { provider: 'borealis', choice: { reason: 'not_sent', detail: 'x' } }),
      { ...moveTo(unanswered, { provider: 'borealis', choice: null }), status: 'held', attempt: 2 },
    ]);
  });
  await store.run(async (tx) => {
    const { rows } = await tx.dispatches.lock(slips);
    expect(rows.get('s-0')).toMatchObject({
      ...{ provider: 'borealis', attempt: 1, choice: { reason: 'not_sent', detail: 'x' } },
      earlier: [{ attempt: 1, provider: 'acme', end: 'not_sent', firstNotFoundAt: null }],
    });
    expect(rows.get('s-1')).toMatchObject({ earlier: [{ attempt: 1, provider: 'acme', end: 'unanswered' }] });
    expect(rows.get('s-1')!.earlier[0]!.notAfter).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const receipt = { answer: final('succeeded'), evidence: 'signed_callback', receivedAt: null } as const;
    const heard = hear(rows.get('s-1')!, 'acme', { ...receipt, now: rows.get('s-1')!.deadline });
    expect(heard).toMatchObject({
      reception: 'recorded',
      dispatch: { provider: 'acme', outcome: 'succeeded' },
    });
  });
});

test('everything else is as it was', async () => {
  const [row] = await unitOfWork.query<{ rows: string; moved: string; attempts: string }>(
    `select count(*) as rows, count(*) filter (where moved) as moved, (select count(*) from attempt) as attempts from dispatch`,
  );
  expect(row).toEqual({ rows: '300', moved: '2', attempts: '2' });
});

test('callbacks of the release before leave as well, and those that wait for people stay', async () => {
  await unitOfWork.query(
    "update dispatch set outcome = 'succeeded' where slip_id between 's-200' and 's-249'",
  );
  await forgetCallbacks(unitOfWork);
  const left = await unitOfWork.query<{ handled: string; n: number }>(
    'select handled, count(*)::int as n from callback group by handled order by handled',
  );
  expect(left).toEqual([
    { handled: 'orphan', n: 50 },
    { handled: 'recorded', n: 25 },
  ]);
});

test('whom else a provider names so is looked up by the name, not among all of its slips', async () => {
  const [named] = await unitOfWork.query<{ prosrc: string }>(
    "select prosrc from pg_proc where proname = 'named_so'",
  );
  const look = /select min[^;]*(?=\);)/.exec(named!.prosrc)![0];
  const parameters = { of_provider: '$1', name: '$2', slip: '$3' };
  const sql = look.replace(
    /\b(of_provider|name|slip)\b/g,
    (word) => parameters[word as keyof typeof parameters],
  );
  const plan = await unitOfWork.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${sql}`);
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toMatch(
    /Index Cond: \(\(provider = \$1\) AND \(provider_reference = \$2\)\)/,
  );
});

test('of two transactions that write one name at once the second sees the first', async () => {
  const write = (slipId: string, until: Promise<void>) =>
    store.run(async (tx) => {
      const { rows } = await tx.dispatches.lock([slipId]);
      const shared = await tx.dispatches.save([{ ...rows.get(slipId)!, providerReference: 'p-shared' }]);
      await until;
      return shared;
    });
  const first = Promise.withResolvers<void>();
  const one = write('s-10', first.promise);
  const waits = () =>
    unitOfWork.query(
      `select 1 from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`,
    );
  const held = `select 1 from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory' and l.granted`;
  await waitFor(async () => (await unitOfWork.query(held)).length > 0, { what: 'the first to write' });
  const two = write('s-11', Promise.resolve());
  await waitFor(async () => (await waits()).length > 0, { what: 'the second to wait' });
  first.resolve();
  expect([await one, await two]).toEqual([[], [{ slipId: 's-11', other: 's-10' }]]);
});

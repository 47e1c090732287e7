import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';
import { toChanges, updateNamedSql, writtenRows } from '../src/adapters/postgres/dispatch-row.ts';
import { postgresStore } from '../src/adapters/postgres/store.ts';
import type { Store } from '../src/application/ports.ts';
import { hear, moveTo } from '../src/domain/dispatch/earlier.ts';
import { dispatch, final } from '../src/domain/dispatch/spec-support.ts';
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

test('whom else a provider names so is looked up by the name, not among all of its slips', async () => {
  const named = dispatch({ slipId: 's-5', providerReference: 'p-5' });
  const plan = await unitOfWork.query<{ 'QUERY PLAN': string }>(
    `explain ${updateNamedSql}`,
    writtenRows.parameters([toChanges(named)]),
  );
  const byName =
    /Index Cond: \(\(provider = w\.provider\) AND \(provider_reference = w\.provider_reference\)\)/;
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toMatch(byName);
});

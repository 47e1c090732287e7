import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { classifyDatabaseError, coreMigrations, migrate, openDataSource } from '@slipstream/postgres';

const environment = sharedEnvironment();
const directory = fileURLToPath(new URL('../migrations', import.meta.url));
let first: string;
beforeAll(() => {
  first = mkdtempSync(join(tmpdir(), 'slipstream-first-migration-'));
  const [one] = readdirSync(directory).filter((file) => file.startsWith('0001'));
  copyFileSync(join(directory, one!), join(first, one!));
});
afterAll(() => rmSync(first, { recursive: true, force: true }));

test('slips and cases of the first release are found again, each where it belongs', async () => {
  const url = await createDatabase(environment().databaseUrl, 'reconciliation_upgrade');
  const dataSource = await openDataSource({ url, applicationName: 'reconciliation-upgrade-test' });
  try {
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory: first }]);
    await dataSource.query(`
      insert into open_slip (slip_id, partition, clock, deadline, due_at, verdict, awaits_hold, finished, state, facts)
      values ('waiting', 0, 'wall', now(), now(), 'open', true, false, '{}', '{}'),
             ('settled', 0, 'wall', now(), now(), 'overdue', false, true, '{"settled":true}', '{}'),
             ('refunded', 0, 'wall', now(), now(), 'in_time', false, true, '{"refunded":true}', '{}'),
             ('conflicted', 0, 'wall', now(), now(), 'overdue', false, false, '{"refunded":true}', '{}'),
             ('imported', 0, 'import-1', now(), now(), 'overdue', false, true, '{"refunded":true}', '{}')`);
    await dataSource.query(`
      insert into case_file (slip_id, status, reason, summary, opened_at, resolution, closed_at)
      values ('conflicted', 'open', 'late_success_after_refund', 'S.', '2026-01-01T00:00:00Z', null, null),
             ('settled', 'closed', 'no_answer', 'S.', '2026-01-01T00:00:00Z', 'returned', '2026-01-02T00:00:00Z')`);
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory }]);
    const idsIn = async (table: string) =>
      (await dataSource.query(`select slip_id from ${table} order by slip_id`)).map(
        ({ slip_id }: { slip_id: string }) => slip_id,
      );
    expect(await idsIn('open_slip')).toEqual(['waiting']);
    expect(await idsIn('archived_slip')).toEqual(['conflicted', 'refunded']);
    // What people filter by was read from what they saw; a case of a slip that is kept no more has no partition.
    const found = await dataSource.query(
      'select partition, reason_codes, version, assignee from case_file order by slip_id',
    );
    expect(found).toEqual([
      { partition: 0, reason_codes: ['late_success_after_refund'], version: 1, assignee: null },
      { partition: null, reason_codes: ['no_answer'], version: 1, assignee: null },
    ]);
    const files = await dataSource.query('select reasons::text from case_file order by slip_id');
    const [open, closed] = files.map(({ reasons }: { reasons: string }) => JSON.parse(reasons)[0]);
    const openedAt = '2026-01-01T00:00:00.000000Z';
    expect(open).toMatchObject({ openedAt, closedAt: null, resolution: null });
    expect(closed).toMatchObject({
      openedAt,
      closedAt: '2026-01-02T00:00:00.000000Z',
      resolution: 'returned',
    });
  } finally {
    await dataSource.destroy();
  }
});

test('a release that does not know of slips in memory cannot write any more: it waits, and misses no deadline', async () => {
  const url = await createDatabase(environment().databaseUrl, 'reconciliation_release_before');
  const dataSource = await openDataSource({ url, applicationName: 'reconciliation-upgrade-test' });
  try {
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory }]);
    const written = dataSource.query(`
      insert into open_slip (slip_id, partition, clock, deadline, due_at, verdict, awaits_hold, state, facts)
      values ('waiting', 0, 'wall', now(), now(), 'open', true, '{}', '{}')`);
    const error = await written.catch((failure: unknown) => failure);
    // The table is not as it must be: the partition waits and says so, and no record is set aside (libs/kafka).
    expect(classifyDatabaseError(error)).toBe('setup');
  } finally {
    await dataSource.destroy();
  }
});

test('lines that were of no slip are found by the names that they have', async () => {
  const url = await createDatabase(environment().databaseUrl, 'reconciliation_names');
  const dataSource = await openDataSource({ url, applicationName: 'reconciliation-upgrade-test' });
  const before = mkdtempSync(join(tmpdir(), 'slipstream-names-migration-'));
  for (const file of readdirSync(directory).filter((name) => name < '0017'))
    copyFileSync(join(directory, file), join(before, file));
  try {
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory: before }]);
    const statement = '0196d0a1-7b7e-7abc-8def-0123456789ab';
    await dataSource.query(`
      insert into statement (id, source, provider, format, digest, bytes, accounts, lines, status, read_to, accepted_at, accepted_by)
      values ('${statement}', 's', 'acme', 'csv', 'd', 1, '[]', 2, 'matched', '{}', now(), 'ann')`);
    await dataSource.query(`
      insert into statement_line (statement_id, n, line, account, kind, amount, gross, currency, booked_on, named, provider_reference, said)
      values ('${statement}', 1, 2, 0, 'payment', 5, 5, 'EUR', '2026-01-01', '["a","b"]', 'p-1', ''),
             ('${statement}', 2, 3, 0, 'payment', 5, 5, 'EUR', '2026-01-01', '[]', null, '')`);
    await dataSource.query(`
      insert into statement_break (id, kind, statement_id, provider, n, line, currency, difference, expected, seen, status, opened_at)
      select gen_random_uuid(), 'missing_here', '${statement}', 'acme', n, n + 1, 'EUR', 5, '', '', 'open', now() from generate_series(1, 2) n`);
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory }]);
    const names = await dataSource.query(
      'select names, is_named, given_back from statement_break order by n',
    );
    expect(names).toEqual([
      { names: ['a', 'b', 'p-1'], is_named: false, given_back: false },
      { names: [], is_named: false, given_back: false },
    ]);
  } finally {
    await dataSource.destroy();
    rmSync(before, { recursive: true, force: true });
  }
});

test('statements that were kept before say where their accounts go on from', async () => {
  const url = await createDatabase(environment().databaseUrl, 'reconciliation_balances');
  const dataSource = await openDataSource({ url, applicationName: 'reconciliation-upgrade-test' });
  const before = mkdtempSync(join(tmpdir(), 'slipstream-balances-migration-'));
  for (const file of readdirSync(directory).filter((name) => name < '0021'))
    copyFileSync(join(directory, file), join(before, file));
  try {
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory: before }]);
    const statement = '0196d0a1-7b7e-7abc-8def-0123456789ab';
    const totals = [
      { currency: 'CHF', opening: null, movements: '5', closing: null },
      { currency: 'EUR', opening: '-7', movements: '10', closing: '3' },
    ];
    const accounts = [
      { name: 's', account: '', lines: 0, totals: [] },
      { name: 'n', account: 'DE1', lines: 2, totals },
    ];
    await dataSource.query(
      `insert into statement (id, source, provider, format, digest, bytes, accounts, lines, status, read_to, accepted_at, accepted_by)
       values ('${statement}', 's', 'acme', 'ndjson', 'd', 1, $1, 2, 'matched', '{}', now(), 'ann')`,
      [JSON.stringify(accounts)],
    );
    await dataSource.query(`
      insert into statement_line (statement_id, n, line, account, kind, amount, gross, currency, booked_on, named, said)
      select '${statement}', n, n, 1, 'payment', 5, 5, 'EUR', date '2026-01-01' + n - 1, '[]', '' from generate_series(1, 2) n`);
    await migrate(dataSource, [coreMigrations, { scope: 'reconciliation', directory }]);
    const kept = await dataSource.query(
      `select account_n, provider, source, account, name, currency, closes_on::text as closes_on, opening::text as opening,
         closing::text as closing, gap, first_on::text as first_on, last_on::text as last_on from statement_balance`,
    );
    expect(kept).toEqual([
      {
        ...{ account_n: 1, provider: 'acme', source: '', account: 'DE1', name: 'n', currency: 'EUR' },
        ...{ closes_on: '2026-01-02', opening: '-7', closing: '3', gap: null },
        ...{ first_on: '2026-01-01', last_on: '2026-01-02' },
      },
    ]);
  } finally {
    await dataSource.destroy();
    rmSync(before, { recursive: true, force: true });
  }
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { Plans } from '@slipstream/testing';
import { forgetOld } from '../src/adapters/postgres/forget-old.ts';
import { changedIncidents } from '../src/adapters/postgres/incident-store.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
}, 120_000);
afterAll(() => database?.close());

const missedSql = `
insert into missed_slip (slip_id, partition, side, route, kind, at, deadline, fate, has_open_case, incident, changed_at)
select id, 0, 'acme', 'default', 'order', now(), now(), fate, has_open_case, incident, now() - age::interval
  from json_to_recordset($1) as r(id text, fate text, has_open_case bool, incident text, age text)`;

test('what is over is forgotten after 90 days, and what people may still ask about is not', async () => {
  const { unitOfWork } = database;
  const query = (sql: string, parameters: unknown[] = []) =>
    unitOfWork.query<{ id: string }>(sql, parameters);
  await query(`insert into incident (id, side, since, until, closed_at) values
    ('open', 'acme', now(), now(), null), ('closed', 'acme', now(), now(), now() - interval '91 days'),
    ('fresh', 'acme', now(), now(), now() - interval '89 days')`);
  const over = { fate: 'returned', has_open_case: false, incident: null, age: '91 days' };
  const rows = [
    { id: 'alone', ...over },
    { id: 'of a closed one', ...over, incident: 'closed' },
    { id: 'of an open one', ...over, incident: 'open' },
    { id: 'open itself', ...over, fate: 'open' },
    { id: 'with a case', ...over, has_open_case: true },
    { id: 'young', ...over, age: '89 days' },
  ];
  await query(missedSql, [JSON.stringify(rows)]);
  await query(
    `insert into waiting_slip (incident, slip_id, deadline)
     select i, i || ' waits', now() from unnest(array['open', 'closed', 'fresh']) as i`,
  );
  await query(`insert into stall (service, since, until) values
    ('gateway', now() - interval '26 hours', now() - interval '25 hours'), ('ledger', now() - interval '26 hours', now())`);
  expect(await forgetOld(unitOfWork)).toBe(false);
  expect(await query('select service as id from stall')).toEqual([{ id: 'ledger' }]);
  const left = await query('select slip_id as id from missed_slip union select slip_id from waiting_slip');
  expect(left.map(({ id }) => id).sort()).toEqual([
    'fresh waits',
    'of an open one',
    'open itself',
    'open waits',
    'with a case',
    'young',
  ]);
});

test('of missed slips the round looks at those alone that may leave, and the watch of incidents at the latest', async () => {
  const { unitOfWork } = database;
  await unitOfWork.query(`
    insert into missed_slip (slip_id, partition, side, route, kind, at, deadline, fate, has_open_case, missed_at, changed_at)
    select 's-' || n, 0, 'acme', 'default', 'order', now(), now(), 'returned', false, now() - n * interval '2 minutes',
      now() - n * interval '2 minutes' from generate_series(60, 20000) n`);
  await unitOfWork.query('analyze missed_slip');
  const plans = new Plans();
  const watched = plans.watched(unitOfWork);
  const scans = await plans.scansOf(() => forgetOld(watched));
  const looks = await plans.scansOf(() => changedIncidents(watched));
  expect([...scans, ...looks].filter(({ table, rows }) => table === 'missed_slip' && rows > 10)).toEqual([]);
});

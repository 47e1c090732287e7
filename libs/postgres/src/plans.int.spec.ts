import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import type { DataSource } from 'typeorm';
import { openDataSource } from './data-source.ts';
import { UnitOfWork } from './unit-of-work.ts';

const environment = sharedEnvironment();
let dataSource: DataSource;
let unitOfWork: UnitOfWork;

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'plans');
  // One connection: it keeps the plans that it made while the table was empty.
  dataSource = await openDataSource({ url, applicationName: 'test', poolMax: 1 });
  unitOfWork = new UnitOfWork(dataSource);
});
afterAll(() => dataSource?.destroy());

/** How often the table was read whole: making its index counts as well. */
async function wholeReads(): Promise<number> {
  await unitOfWork.query('select pg_stat_force_next_flush()');
  const [row] = await unitOfWork.query<{ whole: string }>(
    "select seq_scan as whole from pg_stat_user_tables where relname = 'filling'",
  );
  return Number(row!.whole);
}

/** From the sixth execution on a prepared statement may keep its plan. */
const executionsUntilKept = 6;
/** The planner takes an empty table for ten pages: of wide rows these are few, and cheap to read all. */
const moreColumns = Array.from({ length: 30 }, (_, index) => `c${index} jsonb`).join(', ');
const ids = ['7', '9'];

test.each([
  ['read', 'select * from filling where id = any($1)'],
  ['locked', 'select * from filling where id = any($1) order by id for update'],
  ['joined', 'select f.* from unnest($1::text[]) as w(id) join filling f on f.id = w.id'],
  [
    'changed',
    'update filling f set note = note from unnest($1::text[]) as w(id) where f.id = w.id returning f.id',
  ],
])(
  'rows that are %s by their key are found by it, also with a plan from when there were none',
  async (_, sql) => {
    await unitOfWork.query('drop table if exists filling');
    await unitOfWork.query(`create table filling (id text primary key, note text, ${moreColumns})`);
    const before = await wholeReads();
    for (let n = 0; n < executionsUntilKept; n++) await unitOfWork.query(sql, [ids]);
    await unitOfWork.query(
      "insert into filling (id, note) select n, repeat('x', 500) from generate_series(1, 2000) as n",
    );
    expect(await unitOfWork.query(sql, [ids])).toHaveLength(2);
    expect(await wholeReads()).toBe(before);
  },
);

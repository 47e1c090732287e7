import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import pg from 'pg';
import { advanceClocks, closedClocks, runningClocks } from './clock-marks.ts';

const environment = sharedEnvironment();
let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({ connectionString: await createDatabase(environment().databaseUrl, 'clocks') });
  // The server may be stopped before the client.
  client.on('error', () => {});
  await client.connect();
  // As in the services that read an inbound topic.
  await client.query(`
    create table clock_mark (clock text not null, topic text not null, partition int not null, time timestamptz not null,
      closed boolean not null, primary key (clock, topic, partition));
    create table ended_clock (topic text not null, clock text not null,
      ended_at timestamptz not null default clock_timestamp(), primary key (topic, clock));
    insert into ended_clock (topic, clock) select 'commands', 'import-' || n from generate_series(1, 10000) as n`);
});
afterAll(() => client?.end());

const reader = {
  query: async <Row>(sql: string, parameters?: unknown[]) =>
    (await client.query(sql, parameters)).rows as Row[],
};

/** Rows that were read of ended clocks by this work. */
async function rowsRead(work: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    await client.query('select pg_stat_force_next_flush()');
    const { rows } = await client.query<{ n: string }>(
      "select seq_tup_read + coalesce(idx_tup_fetch, 0) as n from pg_stat_user_tables where relname = 'ended_clock'",
    );
    return Number(rows[0]!.n);
  };
  const before = await read();
  await work();
  return (await read()) - before;
}

const marks = (clock: string) =>
  Array.from({ length: 12 }, (_, partition) => ({
    ...{ clock, partition, time: '2026-01-01T00:00:00.000000Z', closed: false },
  }));

test.each(['never analysed', 'analysed'])(
  '10,000 clocks that have ended are not read while none runs, nor beside one that runs (%s)',
  async (statistics) => {
    if (statistics === 'analysed') await client.query('analyze');
    const look = async () => expect(await runningClocks(reader, 'commands')).toEqual([]);
    expect(await rowsRead(look)).toBe(0);
    const running = `running, ${statistics}`;
    const run = async () => {
      await advanceClocks(reader, 'commands', marks(running));
      expect(await runningClocks(reader, 'commands')).toMatchObject([{ clock: running, partitions: 12 }]);
    };
    expect(await rowsRead(run)).toBe(0);
    await client.query('delete from clock_mark');
  },
);

test('one that has ended stays so, and is found by its name alone', async () => {
  const again = async () => {
    await advanceClocks(reader, 'commands', marks('import-77'));
    expect(await closedClocks(reader, 'commands', 0, ['import-77'])).toEqual(new Set(['import-77']));
  };
  expect(await rowsRead(again)).toBeLessThanOrEqual(2 * 12);
  expect(await runningClocks(reader, 'commands')).toEqual([]);
});

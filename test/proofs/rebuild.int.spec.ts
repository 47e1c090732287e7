import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import pg from 'pg';
import { slipctl } from '../../apps/slipctl/src/spec-support.ts';
import { projections } from '../../services/ledger/src/adapters/postgres/rebuild/rebuild.ts';
import { type Books, booksOn } from '../../services/ledger/test/books.ts';
import { recordedAs, returned, submitted } from '../../services/ledger/test/builders.ts';
import { Feed } from '../../services/ledger/test/feed.ts';

const environment = sharedEnvironment();
let url: string;
let books: Books;
let database: pg.Client;

beforeAll(async () => {
  url = await createDatabase(environment().databaseUrl, 'ledger_rebuild');
  books = await booksOn(url, 40_000);
  const feed = new Feed(0);
  const events = ['a', 'b', 'c'].flatMap((slip, n) => [
    feed.event(recordedAs(submitted({ reference: slip }), 2 * n + 1, slip)),
    feed.event(recordedAs(returned('succeeded'), 2 * n + 2, slip)),
  ]);
  await books.handle(0, events);
  await books.handle(
    0,
    (await books.published(0)).map((value) => feed.record(value)),
  );
  database = new pg.Client({ connectionString: url });
  database.on('error', () => {});
  await database.connect();
}, 120_000);
afterAll(async () => {
  await database?.end();
  await books?.close();
});

const projection = (...args: string[]) => slipctl(['projection', ...args, '--database-url', url]);

describe('slipctl projection', () => {
  it('lists what can be rebuilt', async () => {
    const { code, stdout } = await projection('list', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(projections.map(({ name, what }) => ({ name, what, shadow: null })));
  });

  it.each(projections.map(({ name }) => name))('finds %s as the log says', async (name) => {
    const { code, stdout } = await projection('rebuild', name, '--drop');
    expect([code, stdout]).toEqual([0, `${name}: 3 slips were folded: as the log says.\n`]);
  });

  it('names what is not, keeps the shadow, and puts it right when told to', async () => {
    await database.query("update slip set reference = 'z' where id = 'b'");
    const found = await projection('rebuild', 'slips');
    expect(found.code).toBe(1);
    expect(found.stdout).toContain('b: reference is z, by the log b\n');
    expect(found.stdout).toContain('slips: 3 slips were folded: 1 differences.');
    expect((await projection('list')).stdout).toContain('shadow_slips');
    const { rows } = await database.query(
      "select row_of_log ->> 'reference' as is from shadow_slips.slip order by 1",
    );
    expect(rows.map((row) => row.is)).toEqual(['a', 'b', 'c']);
    const swapped = await projection('rebuild', 'slips', '--swap', '--json');
    expect(swapped.code).toBe(0);
    expect(JSON.parse(swapped.stdout)).toEqual({
      ...{ name: 'slips', slips: 3, left: [], schema: null },
      differences: [{ row: 'b', field: 'reference', live: 'z', rebuilt: 'b' }],
    });
    expect((await projection('rebuild', 'slips', '--drop')).code).toBe(0);
  });

  it('says what is wrong with what it was given', async () => {
    expect((await projection('rebuild', 'moods')).code).toBe(2);
    expect((await projection('rebuild', 'slips', '--swap', '--drop')).code).toBe(2);
    const nowhere = await slipctl([
      'projection',
      'list',
      '--database-url',
      'postgres://x@127.0.0.1:1/ledger',
    ]);
    expect([nowhere.code, nowhere.stderr.split('\n').length]).toEqual([3, 2]);
    expect(nowhere.stderr).toContain('ECONNREFUSED');
    const none = await slipctl(['projection', 'list']);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('DATABASE_URL')]);
  });
});

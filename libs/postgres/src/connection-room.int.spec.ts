import { expect, test } from '@jest/globals';
import { ownedDatabase, sharedEnvironment } from '@slipstream/environment';
import pg from 'pg';
import { readRoom } from './connection-room.ts';
import { openDataSource } from './data-source.ts';
import { UnitOfWork } from './unit-of-work.ts';

const environment = sharedEnvironment();

test('what the server gives an ordinary role, and its own limit where that is less', async () => {
  const superuser = new pg.Client({ connectionString: environment().databaseUrl });
  await superuser.connect();
  const { url } = await ownedDatabase(environment().databaseUrl, 'room');
  const dataSource = await openDataSource({ url, applicationName: 'room', poolMax: 2 });
  const unitOfWork = new UnitOfWork(dataSource);
  const { rows } = await superuser.query<{ n: number }>(
    "select current_setting('max_connections')::int as n",
  );
  const room = await readRoom(unitOfWork, 12, 1);
  // Three are the superusers'.
  expect(room).toMatchObject({ wanted: 12, allowed: rows[0]!.n - 3 });
  expect(room.taken).toBeGreaterThanOrEqual(1);
  const role = decodeURIComponent(new URL(url).username);
  await superuser.query(`alter role ${superuser.escapeIdentifier(role)} connection limit 7`);
  expect(await readRoom(unitOfWork, 12, 1)).toMatchObject({ wanted: 12, allowed: 7 });
  await dataSource.destroy();
  await superuser.end();
});

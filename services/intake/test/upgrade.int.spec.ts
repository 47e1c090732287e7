import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';

const directory = new URL('../migrations', import.meta.url).pathname;
const environment = sharedEnvironment();

test('a key of the release before keeps its answer, and a claim in the old way makes nothing', async () => {
  const url = await createDatabase(environment().databaseUrl, 'intake_upgrade');
  const before = mkdtempSync(join(tmpdir(), 'intake-migrations-'));
  const dataSource = await openDataSource({ url, applicationName: 'spec' });
  try {
    for (const file of readdirSync(directory)) {
      if (file < '0012') cpSync(join(directory, file), join(before, file));
    }
    await migrate(dataSource, [coreMigrations, { scope: 'intake', directory: before }]);
    const unitOfWork = new UnitOfWork(dataSource);
    await prepareTopics(unitOfWork, [topics.events]);
    const claim = (key: string, slipId: string) =>
      unitOfWork.run(async (tx) => {
        await tx.query(
          `insert into idempotency (caller, operation, key, digest, slip_id) values ('shop', 'submit', $1, '\\x01', $2)`,
          [key, slipId],
        );
        const { name: topic } = topics.events;
        tx.publish([{ topic, partition: 3, key: slipId, body: Buffer.from('event'), receivedAt: null }]);
      });
    const slipId = '019aaaaa-0000-7000-8000-000000000001';
    await claim('old', slipId);

    await migrate(dataSource, [coreMigrations, { scope: 'intake', directory }]);
    const answer = await unitOfWork.query(
      `select place, outcome, slip_id, event_partition, event_seq from submit_slips(
        array['shop'], array['submit'], array['old'], array['\\x01'::bytea], array['ref'],
        array[gen_random_uuid()], array[5], array['\\x02'::bytea], $1, 'wall', clock_timestamp(), null)
       where place > 0`,
      [topics.events.name],
    );
    expect(answer).toEqual([
      { place: '1', outcome: 'kept', slip_id: slipId, event_partition: 3, event_seq: '1' },
    ]);
    expect(await unitOfWork.query('select 1 from slip')).toHaveLength(0);
    // 23502: the column may not be null.
    await expect(claim('new', slipId)).rejects.toMatchObject({ code: '23502' });
    expect(await unitOfWork.query('select 1 from outbox')).toHaveLength(1);
  } finally {
    await dataSource.destroy();
    rmSync(before, { recursive: true });
  }
});

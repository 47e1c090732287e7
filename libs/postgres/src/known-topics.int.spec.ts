import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { knownTopics } from './known-topics.ts';
import { prepareTopics } from './prepare.ts';
import { openTestDatabase, type TestDatabase, testTopic } from './test-database.ts';

const environment = sharedEnvironment();
let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
});
afterAll(() => database?.close());

test('a topic is known once records of it were read, or sent to it: not because it was prepared', async () => {
  const { unitOfWork } = database;
  const named = (name: string) => ({ ...testTopic, name });
  await prepareTopics(unitOfWork, [named('prepared'), named('sent'), named('numbered')]);
  const position = (topic: string, partition: number, nextOffset: number) =>
    unitOfWork.query(
      `insert into consumer_position (consumer_group, topic, partition, next_offset) values ('g', $1, $2, $3)`,
      [topic, partition, nextOffset],
    );
  await position('claimed', 0, 0);
  await position('begun', 0, -1);
  await position('read', 0, 0);
  await position('read', 3, 7);
  await unitOfWork.query(`update relay set end_offset = 5 where topic = 'sent' and partition = 2`);
  await unitOfWork.query(`update relay set sent_seq = 1 where topic = 'numbered' and partition = 0`);
  expect([...(await knownTopics(unitOfWork))].sort()).toEqual(['numbered', 'read', 'sent']);
});

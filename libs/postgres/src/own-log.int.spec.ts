import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stampEnvelope } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import type { Instant } from '@slipstream/kernel';
import { judgeOwnLog, type OlderDatabase, type OwnRecord } from './own-log.ts';
import { OwnLogStore, recordDigest } from './own-log-store.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
let store: OwnLogStore;
const topic = testTopic.name;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
  store = new OwnLogStore(database.unitOfWork);
});
afterAll(() => database?.close());

interface Row {
  seq: string;
  incarnation: string;
  at: Instant;
  received: Instant;
  body: Buffer;
}

const rowsOf = (partition: number) =>
  database.unitOfWork.query<Row>(
    `select o.seq, s.incarnation, o.at, coalesce(o.received_at, o.at) as received, o.body
     from outbox_event o join sequencer s using (topic, partition) where topic = $1 and partition = $2 order by seq`,
    [topic, partition],
  );

/** The outbox's rows as the relay puts them on the topic, from offset 0 on. */
async function sent(partition: number): Promise<OwnRecord[]> {
  return (await rowsOf(partition)).map((row, offset) => {
    const { seq, incarnation, at, received, body } = row;
    const value = stampEnvelope(body, { sequence: seq, incarnation, time: at, receivedTime: received });
    const numbers = { sequence: Number(seq), incarnation: Number(incarnation) };
    return { ...numbers, offset, time: at, digest: recordDigest(value) };
  });
}

const publish = (partition: number, ...texts: string[]) =>
  database.unitOfWork.run(async (tx) => tx.publish(texts.map((text) => record(partition, text))));

const cursor = (partition: number, sentSeq: number) =>
  database.unitOfWork.query(
    'update relay set sent_seq = $3, end_offset = $3 where topic = $1 and partition = $2',
    [topic, partition, sentSeq],
  );

const state = (partition: number, records: readonly OwnRecord[]) =>
  store.state(
    topic,
    partition,
    records.map((one) => one.sequence),
  );

test('rows that reached the topic before the crash are known by their bytes', async () => {
  await publish(1, 'a', 'b', 'c', 'd');
  await cursor(1, 2);
  const records = (await sent(1)).slice(2, 3);
  expect((await store.cursors(topic)).get(1)).toBe(2);
  const sentUpTo = { sentSeq: 3, endOffset: 3 };
  expect(judgeOwnLog(await state(1, records), { records, logEnd: 3, topicId: null })).toEqual({
    kind: 'sent',
    ...sentUpTo,
  });
  await store.moveCursor({ topic, partition: 1 }, 1, { sentSeq: 4, endOffset: 9 });
  await store.moveCursor({ topic, partition: 1 }, 2, sentUpTo);
  expect(await state(1, [])).toMatchObject(sentUpTo);
  const topicIds = async () => [(await state(1, [])).topicId, (await state(3, [])).topicId];
  for (const partition of [1, 3]) {
    for (const id of ['this', 'that']) await store.keepTopic({ topic, partition }, id);
  }
  // What was sent lies where it lies; what was not may go to any.
  expect(await topicIds()).toEqual(['this', 'that']);
});

test('a new incarnation goes on behind the log, with what was never sent, and nobody keeps the lease', async () => {
  await publish(2, 'a', 'b', 'c', 'd', 'e', 'f');
  await cursor(2, 3);
  const known = (await sent(2)).slice(3, 4);
  const lastTime = '2099-01-01T00:00:00.000000Z';
  const strange = { sequence: 9, incarnation: 2 ** 52, offset: 20, time: lastTime, digest: 'x' };
  const records = [...known, strange];
  const before = await state(2, records);
  const [shared] = await database.unitOfWork.query(
    'select cardinality(earlier) as earlier from outbox where topic = $1 and partition = 2',
    [topic],
  );
  expect(shared).toEqual({ earlier: 5 });
  const older = judgeOwnLog(before, { records, logEnd: 30, topicId: null }) as OlderDatabase;
  expect(older).toMatchObject({ kind: 'older', lastSeq: 9, sharedSeq: 4, endOffset: 21 });
  const received = (await rowsOf(2)).slice(4).map((row) => row.received);
  const begin = () =>
    database.unitOfWork.run((tx) =>
      store.beginIncarnation(tx, { topic, partition: 2 }, before.incarnation, older),
    );
  expect(await Promise.all([begin(), begin()])).toEqual(expect.arrayContaining([true, false]));
  await publish(2, 'g');
  const rows = await rowsOf(2);
  expect(rows.map((row) => [Number(row.seq), row.body.toString()])).toEqual(
    [...['a', 'b', 'c', 'd'].entries(), [9, 'e'], [10, 'f'], [11, 'g']].map(([i, text]) => [
      Number(i) + 1,
      text,
    ]),
  );
  // Time never goes back behind what the topic says; what was received is not received later by that.
  expect(rows.slice(4).map((row) => row.at >= lastTime)).toEqual([true, true, true]);
  expect(rows.slice(4, 6).map((row) => row.received)).toEqual(received);
  expect(Number(rows[0]!.incarnation)).toBe(2 ** 52 + 1);
  const [relay] = await database.unitOfWork.query(
    'select sent_seq, end_offset, epoch from relay where topic = $1 and partition = 2',
    [topic],
  );
  expect(relay).toEqual({ sent_seq: '9', end_offset: '21', epoch: '1' });
  expect(judgeOwnLog(await state(2, []), { records: [], logEnd: 30, topicId: null })).toEqual({
    kind: 'current',
  });
});

test('incarnations of new partitions differ, and a later one is greater', async () => {
  const rows = await database.unitOfWork.query<{ incarnation: string }>(
    'select distinct incarnation from sequencer where topic = $1 and partition <> 2',
    [topic],
  );
  expect(rows.length).toBeGreaterThan(1);
  const [later] = await database.unitOfWork.query<{ one: string }>('select new_incarnation(0) as one');
  for (const row of rows) expect(Number(later!.one)).toBeGreaterThan(Number(row.incarnation) - 1024);
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sharedEnvironment, stepClock } from '@slipstream/environment';
import { addMs, type Instant } from '@slipstream/kernel';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';
import { type ClockBound, WatermarkClock, type WatermarkMark } from './watermark-clock.ts';

const environment = sharedEnvironment();
let database: TestDatabase;

beforeEach(async () => {
  database = await openTestDatabase(environment().databaseUrl);
});
afterEach(() => database.close());

const wall: ClockBound = { clock: 'wall', time: null, closed: false };
const clockOf = (bounds: () => readonly ClockBound[] = () => [wall]) =>
  new WatermarkClock(database.unitOfWork, testTopic.name, async () => bounds());

/** Publishes on one partition; gives the times that the event got. */
async function publish(partition: number): Promise<{ at: Instant; receivedAt: Instant }> {
  await database.unitOfWork.run(async (tx) => tx.publish([record(partition, 'k')]));
  const [row] = await database.unitOfWork.query<{ at: Instant; received_at: Instant }>(
    'select at, received_at from outbox_event where partition = $1 order by seq desc limit 1',
    [partition],
  );
  return { at: row!.at, receivedAt: row!.received_at };
}

const sent = (partition: number, seq: number) =>
  database.unitOfWork.query(
    'update relay set sent_seq = $2::bigint, end_offset = $2::bigint + 100 where partition = $1',
    [partition, seq],
  );

async function marks(clock: WatermarkClock, name = 'wall'): Promise<ReadonlyMap<number, WatermarkMark>> {
  const read = await clock.read();
  const watermark = read!.watermarks.find((one) => one.clock === name);
  return new Map((watermark?.marks ?? []).map((mark) => [mark.partition, mark]));
}

const now = async () =>
  (await database.unitOfWork.query<{ now: Instant }>('select clock_timestamp() as now'))[0]!.now;

/** A writer that has its number and has not committed; gives what lets it commit. */
async function writerInFlight(partition: number): Promise<() => Promise<void>> {
  const mayCommit = Promise.withResolvers<void>();
  const numbered = Promise.withResolvers<void>();
  const ended = database.unitOfWork.run(async (tx) => {
    await tx.query('select append_events($1, $2, $3, $4, $5, $6)', [
      ...[[testTopic.name], [partition], ['k'], [Buffer.from('late')], [null], [null]],
    ]);
    numbered.resolve();
    await mayCommit.promise;
  });
  ended.catch(numbered.reject);
  await numbered.promise;
  return async () => {
    mayCommit.resolve();
    await ended;
  };
}

describe('a mark', () => {
  test('is given when every event before it was sent: not with a single one unsent', async () => {
    const clock = clockOf();
    await publish(0);
    expect((await marks(clock)).has(0)).toBe(false);
    const { at } = await publish(0);
    await sent(0, 1);
    expect((await marks(clock)).get(0)).toMatchObject({ offset: 101n });
    expect((await marks(clock)).get(0)!.time < at).toBe(true);
    await sent(0, 2);
    const mark = (await marks(clock)).get(0)!;
    expect(mark).toMatchObject({ offset: 102n });
    expect(mark.time >= at).toBe(true);
    expect((await publish(0)).receivedAt > mark.time).toBe(true);
  });

  test('of a partition that cannot be sent holds back no other', async () => {
    const clock = clockOf();
    await publish(1);
    const before = await now();
    const found = await marks(clock);
    expect([...found.keys()]).toEqual([0, 2, 3]);
    expect([...found.values()].every(({ time }) => time >= before)).toBe(true);
  });

  test('waits for no writer: where one is in flight it stands before the last event', async () => {
    const clock = clockOf();
    const last = await publish(2);
    await sent(2, 1);
    const commit = await writerInFlight(2);
    const before = await now();
    const found = await marks(clock);
    expect(found.get(2)!.time < last.at).toBe(true);
    expect(found.get(3)!.time >= before).toBe(true);
    await commit();
    await sent(2, 2);
    expect((await marks(clock)).get(2)!.time >= before).toBe(true);
  });

  test('never covers what the service has in hand, as a whole or on one partition', async () => {
    const limit = addMs(await now(), -5_000);
    const later = addMs(limit, 1_000);
    const bound = {
      ...wall,
      time: later,
      partitions: new Map([[0, limit], ...[[1, addMs(later, 500)] as const]]),
    };
    const found = await marks(clockOf(() => [bound]));
    expect([...found].map(([partition, { time }]) => [partition, time])).toEqual([
      [0, limit],
      [1, later],
    ]);
  });

  test('of an import is its own time, and the clock is closed when it is on every partition', async () => {
    let bound: ClockBound = { clock: 'import', time: '2020-01-01T00:00:00.000000Z', closed: true };
    await publish(0);
    const clock = clockOf(() => [bound]);
    const read = async () => (await clock.read())!.watermarks.filter((one) => one.clock !== 'wall');
    expect(await read()).toMatchObject([{ clock: 'import', closed: false }]);
    await sent(0, 1);
    const watermarks = await read();
    expect(watermarks).toMatchObject([{ clock: 'import', closed: true }]);
    expect(watermarks[0]!.marks.map(({ time }) => time)).toEqual(Array(4).fill(bound.time));
    clock.said(watermarks);
    bound = wall;
    expect(await read()).toEqual([]);
  });

  test('that was not said is given again', async () => {
    const clock = clockOf(() => [{ clock: 'import', time: '2020-01-01T00:00:00.000000Z', closed: false }]);
    const first = (await clock.read())!.watermarks;
    expect((await clock.read())!.watermarks).toEqual(first);
    clock.said(first);
    expect((await clock.read())!.watermarks).toEqual([{ clock: 'wall', closed: false, marks: [] }]);
  });
});

test('reading the clock writes nothing', async () => {
  const rows = () => database.unitOfWork.query('select ctid, xmin, xmax from sequencer order by partition');
  const before = await rows();
  for (let round = 0; round < 20; round++) await clockOf().read();
  expect(await rows()).toEqual(before);
});

describe('a clock that steps', () => {
  test('far back: the received time is the real one, the order stays, and nothing is vouched for ahead of the clock', async () => {
    const clock = clockOf();
    await stepClock(database.url, 600_000);
    const ahead = await publish(0);
    await sent(0, 1);
    await clock.read();
    await stepClock(database.url, 0);
    const before = await now();
    const right = await publish(0);
    expect(right.at >= ahead.at).toBe(true);
    expect(right.receivedAt >= before && right.receivedAt < addMs(before, 60_000)).toBe(true);
    await sent(0, 2);
    const afresh = (await marks(clockOf())).get(0)!;
    expect(afresh.time < addMs(before, 60_000)).toBe(true);
    const commit = await writerInFlight(0);
    expect((await marks(clockOf())).has(0)).toBe(false);
    await commit();
  });

  test('a little back: nothing is received at or before what was vouched for', async () => {
    const clock = clockOf();
    const vouched = (await marks(clock)).get(1)!.time;
    await stepClock(database.url, -800);
    const { at, receivedAt } = await publish(1);
    expect(receivedAt > vouched).toBe(true);
    expect(at).toBe(receivedAt);
    expect((await publish(1)).receivedAt >= receivedAt).toBe(true);
  });
});

test('evidence with a time of its own keeps it', async () => {
  const received = '2026-11-01T00:00:00.000000Z';
  await database.unitOfWork.run(async (tx) => tx.publish([record(3, 'k', received)]));
  const [row] = await database.unitOfWork.query<{ received_at: Instant }>(
    'select received_at from outbox_event',
  );
  expect(row!.received_at).toBe(received);
});

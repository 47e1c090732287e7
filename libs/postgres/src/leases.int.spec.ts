import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment, stepClock } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { waitFor } from '@slipstream/testing';
import { Leases } from './leases.ts';
import { openTestDatabase, type TestDatabase, testTopic } from './test-database.ts';
import { type Tx, UnitOfWork } from './unit-of-work.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
/** How far the database's clock, and every process's own, is ahead of the real one. */
let aheadMs: number;

beforeEach(async () => {
  aheadMs = 0;
  database = await openTestDatabase(environment().databaseUrl);
});
afterEach(() => database.close());

const partitions = [0, 1, 2, 3];
/** Long beside the real time that a spec takes: only steps of the clock count. */
const leaseMs = 60_000;

async function pass(ms: number): Promise<void> {
  aheadMs += ms;
  await stepClock(database.url, aheadMs);
}

function instance(
  processId: string,
  name = processId,
  unitOfWork = database.unitOfWork,
  behindMs = () => 0,
): Leases {
  const monotonicMs = () => performance.now() + aheadMs;
  const topics = [testTopic.name];
  return new Leases(unitOfWork, { processId, name, topics, leaseMs, monotonicMs, behindMs });
}

const heldBy = (leases: Leases) => partitions.filter((partition) => leases.holds(testTopic.name, partition));

/** The version of each row: another after any write, whatever it says. */
const versions = async (table: 'relay' | 'instance') =>
  (
    await database.unitOfWork.query<{ v: string }>(`select ctid || ' ' || xmin as v from ${table} order by 1`)
  ).map((row) => row.v);

/** What an instance of the release before does at each beat: it tells of its life in every row that it owns. */
async function renewAsBefore(processId: string): Promise<number[]> {
  return database.unitOfWork.run(async (tx) => {
    await tx.query(
      `insert into instance (id, name, seen_at) values ($1, $1, clock_timestamp())
       on conflict (id) do update set seen_at = excluded.seen_at`,
      [processId],
    );
    const [{ others } = { others: '0' }] = await tx.query<{ others: string }>(
      "select count(*) as others from instance where id <> $1 and seen_at > clock_timestamp() - interval '60 seconds'",
      [processId],
    );
    const share = Math.ceil(partitions.length / (Number(others) + 1));
    const leased = await tx.query<{ partition: number }>(
      `with mine as (
         select topic, partition from relay
         where owner = $1 or lease_until < clock_timestamp()
         order by (owner = $1) desc nulls last, topic, partition limit $2 for update skip locked
       )
       update relay r set
         epoch = r.epoch + case when r.owner = $1 and r.lease_until >= clock_timestamp() then 0 else 1 end,
         owner = $1, lease_until = clock_timestamp() + interval '60 seconds'
       from mine where r.topic = mine.topic and r.partition = mine.partition
       returning r.partition`,
      [processId, share],
    );
    const kept = leased.map((row) => row.partition).toSorted();
    await tx.query(
      "update relay set owner = null, lease_until = '-infinity' where owner = $1 and partition <> all($2)",
      [processId, kept],
    );
    return kept;
  });
}

test('while nothing changes hands, a sign of life writes one row, whatever it owns', async () => {
  const one = instance('one');
  await one.renew();
  const [rows, lives] = [await versions('relay'), await versions('instance')];
  for (let beat = 0; beat < 5; beat++) {
    await pass(leaseMs / 3);
    await one.renew();
    expect(heldBy(one)).toEqual(partitions);
  }
  expect(await versions('relay')).toEqual(rows);
  expect(lives).toHaveLength(1);
  expect(await versions('instance')).not.toEqual(lives);
});

test('keeps a partition whose cursor is just being written, when rows are shared anew', async () => {
  const one = instance('one');
  await one.renew();
  const epochs = () => one.held().map(({ epoch }) => epoch);
  const before = epochs();
  await database.unitOfWork.run(async (tx) => {
    await tx.query('select 1 from relay where partition = 2 for update');
    for (let beat = 0; beat < 12; beat++) {
      await pass(leaseMs / 3);
      await one.renew();
    }
  });
  expect([heldBy(one), epochs()]).toEqual([partitions, before]);
});

test('what a dead instance owned is free when its lease is over, and not before', async () => {
  const [dead, heir] = [instance('dead'), instance('heir')];
  await dead.renew();
  await heir.renew();
  expect(heldBy(heir)).toEqual([]);
  await pass(leaseMs * 0.7);
  await heir.renew();
  expect([heldBy(dead), heldBy(heir)]).toEqual([partitions, []]);
  await pass(leaseMs * 0.4);
  await heir.renew();
  expect([heldBy(dead), heldBy(heir)]).toEqual([[], partitions]);
});

test('who was found dead and lives takes its share anew, under a new epoch', async () => {
  const [paused, heir] = [instance('paused'), instance('heir')];
  await paused.renew();
  const before = paused.held();
  await pass(leaseMs * 1.1);
  await heir.renew();
  await paused.renew();
  expect([heldBy(paused), heldBy(heir)]).toEqual([[], partitions]);
  await heir.renew();
  await paused.renew();
  expect([heldBy(paused), heldBy(heir)]).toEqual([
    [2, 3],
    [0, 1],
  ]);
  for (const lease of before) expect(paused.isHeld(lease)).toBe(false);
});

test('who is found dead while it gives a sign of life keeps nothing', async () => {
  const found = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  class Slow extends UnitOfWork {
    override run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
      return super.run(async (tx) => {
        await tx.query('set local idle_in_transaction_session_timeout = 0');
        const result = await work(tx);
        found.resolve();
        await done.promise;
        return result;
      });
    }
  }
  const [paused, heir] = [instance('paused'), instance('heir', 'heir', new Slow(database.dataSource))];
  await paused.renew();
  await pass(leaseMs * 1.1);
  const inheriting = heir.renew();
  await found.promise;
  // Its own look at the clock came just before its lease was over.
  await pass(leaseMs * -0.5);
  const beating = paused.renew();
  const locked = `select 1 from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and query like '%update instance%'`;
  await waitFor(async () => (await database.unitOfWork.query(locked)).length > 0, {
    what: 'the sign of life waits',
  });
  done.resolve();
  await Promise.all([inheriting, beating]);
  expect([heldBy(paused), heldBy(heir)]).toEqual([[], partitions]);
});

test('the process before it in its slot leaves nothing behind, also beyond the fair share', async () => {
  const [neighbour, killed] = [instance('neighbour'), instance('killed', 'slot')];
  await killed.renew();
  await neighbour.renew();
  const next = instance('next', 'slot');
  await next.renew();
  await neighbour.renew();
  expect([heldBy(next), heldBy(neighbour)]).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test('an instance of the release before leaves alone what a living one owns, and gets its share of it', async () => {
  const one = instance('one');
  await one.renew();
  for (let beat = 0; beat < 5; beat++) {
    await pass(leaseMs * 0.8);
    await one.renew();
  }
  expect(await renewAsBefore('older')).toEqual([]);
  await one.renew();
  expect(heldBy(one)).toEqual([0, 1]);
  expect(await renewAsBefore('older')).toEqual([2, 3]);
  await one.renew();
  expect(heldBy(one)).toEqual([0, 1]);
});

test('the lease of an instance of the release before holds as long as its rows say', async () => {
  const one = instance('one');
  expect(await renewAsBefore('older')).toEqual(partitions);
  await pass(leaseMs * 0.7);
  await one.renew();
  expect(heldBy(one)).toEqual([]);
  await pass(leaseMs * 0.4);
  await one.renew();
  expect(heldBy(one)).toEqual(partitions);
});

test('an instance of the release before takes what a dead one owned, though later', async () => {
  await instance('dead').renew();
  await pass(leaseMs * 9);
  expect(await renewAsBefore('older')).toEqual([]);
  await pass(leaseMs * 1.1);
  expect(await renewAsBefore('older')).toEqual(partitions);
});

test('the rows say whose they are as long as their owner sends', async () => {
  const one = instance('one');
  await one.renew();
  for (let beat = 0; beat < 14; beat++) {
    await pass(leaseMs * 0.8);
    await one.renew();
    const rows = await database.unitOfWork.query<{ n: string }>(
      "select count(*) as n from relay where owner = 'one' and lease_until > clock_timestamp()",
    );
    expect(rows).toEqual([{ n: '4' }]);
  }
});

test('no partition is ever held by two, however they pause and whoever else comes', async () => {
  const seed = Number(process.env.SEED ?? 20261126);
  console.log(`seed ${seed}`);
  const { next: random } = seededRandom(seed);
  const living = new Map(['a', 'b', 'c'].map((name) => [name, instance(name)]));
  let starts = 0;
  for (let round = 0; round < 40; round++) {
    await pass(Math.floor(random() * leaseMs * 0.8));
    // Some beat, at the same moment; some stand still.
    const beating = [...living.values()].filter(() => random() < 0.7);
    await Promise.all(beating.map((one) => one.renew()));
    if (random() < 0.2) {
      const name = [...living.keys()][Math.floor(random() * living.size)]!;
      const successor = instance(`${name}-${++starts}`, name);
      // The process before it is dead: it holds nothing.
      living.set(name, successor);
      await successor.renew();
    }
    for (const partition of partitions) {
      const holders = [...living].filter(([, one]) => one.holds(testTopic.name, partition));
      expect({ round, partition, holders: holders.map(([name]) => name).slice(1) }).toEqual({
        ...{ round, partition, holders: [] },
      });
    }
  }
  await Promise.all([...living.values()].map((one) => one.renew()));
  for (let beat = 0; beat < 3; beat++) for (const one of living.values()) await one.renew();
  expect([...living.values()].flatMap(heldBy).toSorted()).toEqual(partitions);
});

test('each tells the others how far behind it is, for as long as it lives', async () => {
  let behindMs = 7_000;
  const [a, b] = [instance('a'), instance('b', 'b', database.unitOfWork, () => behindMs)];
  await a.renew();
  expect(a.othersBehindMs).toBe(0);
  await b.renew();
  await a.renew();
  expect([a.othersBehindMs, b.othersBehindMs]).toEqual([7_000, 0]);
  behindMs = 40;
  await b.renew();
  await a.renew();
  expect(a.othersBehindMs).toBe(40);
  await pass(leaseMs + 1);
  await a.renew();
  expect(a.othersBehindMs).toBe(0);
});

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { readEnvelope } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { waitFor } from '@slipstream/testing';
import type { QueryRunner } from 'typeorm';
import type { RelayRecord } from './outbox.ts';
import { Relay, type RelayOptions } from './relay.ts';
import type { RelayProducer } from './sending.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';
import { type Stamped, type Tx, UnitOfWork } from './unit-of-work.ts';

const environment = sharedEnvironment();
let database: TestDatabase;
const relays: Relay[] = [];

beforeEach(async () => {
  database = await openTestDatabase(environment().databaseUrl);
});
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop();
  await database.close();
});

type Fault = 'before' | 'after' | 'unsaid' | null;

/** What one request carries, as a fault may judge it. */
interface Request {
  readonly partitions: readonly number[];
  readonly bytes: number;
}

/** A log that can fail before or after it took a batch, as a broker whose answer is lost does. */
class FakeLog {
  readonly partitions = new Map<number, RelayRecord[]>();
  /** Asked for each request. */
  fault: (request: Request) => Fault = () => null;
  /** A request that carries more for one partition is refused. */
  bytesMax = Number.POSITIVE_INFINITY;
  /** How long a produce call takes, once asked. */
  hold: () => Promise<void> = async () => {};
  inFlight = 0;
  sends = 0;
  copies = 0;
  producers = 0;

  readonly connect = (): RelayProducer => {
    let inFlight = 0;
    this.producers++;
    return {
      sendBatch: async (records) => {
        expect(++inFlight).toBe(1);
        this.inFlight++;
        this.sends++;
        try {
          return await this.#send(records);
        } finally {
          inFlight--;
          this.inFlight--;
        }
      },
      stop: async () => void this.producers--,
    };
  };

  async #send(records: readonly RelayRecord[]): Promise<ReadonlyMap<string, bigint>> {
    await this.hold();
    const partitions = [...new Set(records.map((one) => one.partition))];
    const fault = this.fault({ partitions, bytes: records.reduce((sum, one) => sum + one.value.length, 0) });
    const failure = Object.assign(new Error('not sent'), { tooLarge: false });
    if (fault === 'before') throw failure;
    for (const partition of partitions) {
      const own = records.filter((one) => one.partition === partition);
      const bytes = own.reduce((sum, one) => sum + one.value.length, 0);
      if (bytes > this.bytesMax) throw Object.assign(new Error('too large'), { tooLarge: true });
    }
    const offsets = new Map<string, bigint>();
    for (const one of records) {
      const log = this.partitions.get(one.partition) ?? [];
      this.partitions.set(one.partition, log);
      const key = `${one.topic}:${one.partition}`;
      if (!offsets.has(key)) offsets.set(key, BigInt(log.length));
      log.push(one);
      this.copies++;
    }
    if (fault === 'after') throw failure;
    return fault === 'unsaid' ? new Map() : offsets;
  }

  seqs(partition: number): number[] {
    return (this.partitions.get(partition) ?? []).map((one) => readEnvelope(one.value).sequence);
  }
}

/** The faults of the first requests, in order. */
const firstly =
  (...faults: Fault[]) =>
  () =>
    faults.shift() ?? null;

/** The smallest CloudEvent: id, source and type, each one letter. */
const body = Buffer.from([0x0a, 1, 0x69, 0x12, 1, 0x73, 0x22, 1, 0x74]);

interface Given extends Partial<RelayOptions> {
  readonly unitOfWork?: UnitOfWork;
}

function relay(log: Pick<FakeLog, 'connect'>, instanceId: string, given: Given = {}): Relay {
  const { unitOfWork = database.unitOfWork, ...options } = given;
  const lane = { name: 'events', topics: [testTopic.name], connect: log.connect };
  const timing = {
    retentionMs: 86_400_000,
    pruneMs: 50,
    pollMs: 5,
    aloneMs: 5,
    retryMs: 20,
    retryMsMax: 100,
  };
  const made = new Relay(unitOfWork, { instanceId, lanes: [lane], ...timing, ...options });
  relays.push(made);
  return made;
}

async function stop(made: Relay): Promise<void> {
  relays.splice(relays.indexOf(made), 1);
  await made.stop();
}

const publish = (count: number, partition: number) =>
  database.unitOfWork.run(async (tx) =>
    tx.publish(Array.from({ length: count }, () => ({ ...record(partition, 'k'), body }))),
  );

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test('sends everything once, in order, more than a page at a time', async () => {
  const log = new FakeLog();
  await publish(1_234, 0);
  await publish(7, 3);
  await relay(log, 'a').start();
  await waitFor(() => log.seqs(0).length === 1_234 && log.seqs(3).length === 7, {
    what: 'the records',
  });
  expect(log.seqs(0)).toEqual(upTo(1_234));
  expect(log.seqs(3)).toEqual(upTo(7));
});

test('a lost answer repeats records under the same numbers and skips none', async () => {
  const log = new FakeLog();
  log.fault = firstly('after', 'before');
  await publish(40, 1);
  await relay(log, 'a').start();
  await waitFor(() => log.seqs(1).length === 80, { what: 'the resend' });
  expect(log.seqs(1)).toEqual([...upTo(40), ...upTo(40)]);
  const [first, again] = [log.partitions.get(1)![0]!, log.partitions.get(1)![40]!];
  expect(first.value.equals(again.value)).toBe(true);
});

test.each(['before', 'after'] as const)(
  'a partition that fails (%s the log took it) holds up no other, and repeats the others at most once',
  async (failure) => {
    const log = new FakeLog();
    let sick = true;
    log.fault = ({ partitions }) => (sick && partitions.includes(1) ? failure : null);
    for (let partition = 0; partition < 4; partition++) await publish(5, partition);
    const made = relay(log, 'a');
    await made.start();
    const healthy = [0, 2, 3];
    const sent = async () => {
      const sql = 'select sent_seq from relay where partition <> 1 order by partition';
      return (await database.unitOfWork.query<{ sent_seq: string }>(sql)).map((row) => row.sent_seq);
    };
    await waitFor(async () => (await sent()).every((seq) => seq === '5'), {
      what: 'the cursors of the others',
    });
    for (let round = 0; round < 10; round++) {
      for (const partition of healthy) await publish(1, partition);
      await waitFor(async () => (await sent()).every((seq) => seq === String(6 + round)), {
        what: 'what came later',
      });
    }
    for (const partition of healthy) {
      expect([...new Set(log.seqs(partition))]).toEqual(upTo(15));
      expect(log.seqs(partition).length).toBeLessThanOrEqual(20);
    }
    expect(made.lanes[0]!.failing).toMatchObject([{ partition: 1, error: { message: 'not sent' } }]);
    sick = false;
    await waitFor(() => new Set(log.seqs(1)).size === 5, {
      what: 'the failing partition',
    });
    await waitFor(() => made.lanes[0]!.failing.length === 0 && log.producers === 1, {
      what: 'one producer for all again',
    });
  },
);

test('an answer that leaves a partition out moves no cursor past what was not sent', async () => {
  const log = new FakeLog();
  log.fault = firstly('unsaid');
  await publish(5, 1);
  await relay(log, 'a').start();
  await waitFor(() => log.seqs(1).length === 10, { what: 'the records' });
  expect(log.seqs(1)).toEqual([...upTo(5), ...upTo(5)]);
});

test('what was acknowledged of a failed request is taken, and not sent again', async () => {
  const log = new FakeLog();
  const half = {
    connect: (): RelayProducer => {
      const inner = log.connect();
      return {
        ...inner,
        sendBatch: async (records) => {
          const offsets = await inner.sendBatch(records.filter((one) => one.partition !== 1));
          if (!records.some((one) => one.partition === 1)) return offsets;
          throw Object.assign(new Error('half of it'), { acknowledged: offsets });
        },
      };
    },
  };
  for (let partition = 0; partition < 4; partition++) await publish(5, partition);
  await relay(half, 'a').start();
  await waitFor(() => [0, 2, 3].every((p) => log.seqs(p).length >= 5), {
    what: 'the others',
  });
  await publish(1, 0);
  await waitFor(() => log.seqs(0).length >= 6, { what: 'one more' });
  expect(log.seqs(0)).toEqual(upTo(6));
});

test('a cursor that could not be written once is written though nothing more comes', async () => {
  const log = new FakeLog();
  let failures = 0;
  class Flaky extends UnitOfWork {
    override async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
      if (sql.includes('update relay') && sql.includes('sent_seq = c.sent') && failures++ < 1) {
        throw new Error('Connection terminated unexpectedly');
      }
      return super.query<Row>(sql, parameters);
    }
  }
  await publish(5, 1);
  await relay(log, 'a', { unitOfWork: new Flaky(database.dataSource) }).start();
  const cursor = () =>
    database.unitOfWork.query('select sent_seq, end_offset from relay where partition = 1');
  await waitFor(async () => JSON.stringify(await cursor()) === '[{"sent_seq":"5","end_offset":"5"}]', {
    what: 'the cursor',
  });
  expect(failures).toBeGreaterThan(1);
  expect(log.seqs(1)).toEqual(upTo(5));
});

test('a cursor that the database lost again is written anew', async () => {
  const log = new FakeLog();
  await publish(5, 1);
  await relay(log, 'a', { leaseMs: 300 }).start();
  const sentSeq = async () =>
    (
      await database.unitOfWork.query<{ s: string }>('select sent_seq as s from relay where partition = 1')
    )[0]!.s;
  await waitFor(async () => (await sentSeq()) === '5', { what: 'the cursor' });
  await database.unitOfWork.query('update relay set sent_seq = 2 where partition = 1');
  await waitFor(async () => (await sentSeq()) === '5', { what: 'the cursor again' });
  expect(log.seqs(1)).toEqual(upTo(5));
});

test('nothing is sent to a closed partition, nor its cursor written, until it opens', async () => {
  const log = new FakeLog();
  const open = new Set([0, 1]);
  const isOpen = (_: string, partition: number) => open.has(partition);
  await publish(5, 1);
  await publish(5, 2);
  const made = relay(log, 'a', { isOpen, leaseMs: 300 });
  await made.start();
  await waitFor(() => log.seqs(1).length === 5, { what: 'the open partition' });
  const sentSeqs = async () =>
    (
      await database.unitOfWork.query<{ s: string }>('select sent_seq as s from relay order by partition')
    ).map((row) => row.s);
  await waitFor(async () => (await sentSeqs())[1] === '5', { what: 'its cursor' });
  open.delete(1);
  // As in a database restored from before: memory knows better, and must not say so.
  await database.unitOfWork.query('update relay set sent_seq = 2 where partition = 1');
  await publish(1, 0);
  await waitFor(async () => (await sentSeqs())[0] === '1', { what: 'another partition' });
  expect(log.seqs(2)).toEqual([]);
  expect((await sentSeqs())[1]).toBe('2');
  open.add(1).add(2);
  made.wake(new Set([testTopic.name]));
  await waitFor(() => log.seqs(2).length === 5, { what: 'the closed partition' });
});

test('behind a new incarnation nothing is sent again from where the lease began', async () => {
  const log = new FakeLog();
  let isOpen = false;
  // Three were sent before the copy was taken that is the database now, and its cursor is behind them.
  await publish(3, 0);
  const first = relay(log, 'a', { isOpen: () => isOpen, leaseMs: 6_000 });
  await first.start();
  await waitFor(() => first.leads(testTopic.name, 0), { what: 'the lease' });
  await database.unitOfWork.query(
    `with begun as (update sequencer set next_seq = 10, incarnation = incarnation + 1 where topic = $1 and partition = 0)
     update relay set sent_seq = 9, end_offset = 9, epoch = epoch + 1 where topic = $1 and partition = 0`,
    [testTopic.name],
  );
  isOpen = true;
  await publish(1, 0);
  await waitFor(() => log.seqs(0).length > 0, { what: 'the first behind it' });
  expect(log.seqs(0)).toEqual([10]);
});

test('a dead letter that the broker never takes is set aside and counted; what is behind it goes on', async () => {
  const log = new FakeLog();
  log.bytesMax = 1_000;
  const letter = (size: number) => ({
    ...record(0, 'k'),
    body: Buffer.alloc(size),
    headers: { reason: 'rejected' },
  });
  await database.unitOfWork.run(async (tx) => tx.publish([300, 300, 5_000, 300, 900].map(letter)));
  const made = relay(log, 'a');
  await made.start();
  const sizes = () => (log.partitions.get(0) ?? []).map((one) => one.value.length);
  await waitFor(() => sizes().length >= 4, { what: 'the others' });
  expect(sizes()).toEqual([300, 300, 300, 900]);
  await waitFor(() => made.unsendable === 1, { what: 'the count' });
  const kept = await database.unitOfWork.query(
    'select seq, octet_length(body) as bytes, headers, reason from unsendable',
  );
  expect(kept).toEqual([{ seq: '3', bytes: 5_000, headers: { reason: 'rejected' }, reason: 'too large' }]);
  await stop(made);
  const next = relay(log, 'a');
  await next.start();
  expect(next.unsendable).toBe(1);
});

test('an event that the broker does not take waits, alone, and is sent when it may', async () => {
  const log = new FakeLog();
  log.bytesMax = 10;
  await publish(3, 1);
  await publish(3, 2);
  const made = relay(log, 'a');
  await made.start();
  await waitFor(() => made.lanes[0]!.failing.length === 2, { what: 'both failing' });
  log.bytesMax = 1_000_000;
  await waitFor(() => log.seqs(1).length >= 3 && log.seqs(2).length >= 3, { what: 'all' });
  expect([log.seqs(1), log.seqs(2)]).toEqual([upTo(3), upTo(3)]);
  expect(made.unsendable).toBe(0);
});

test('headers count in what is read at once', async () => {
  const log = new FakeLog();
  const wide = { ...record(0, 'k'), headers: { wide: 'x'.repeat(200_000) } };
  for (let n = 0; n < 4; n++) await database.unitOfWork.run(async (tx) => tx.publish(Array(5).fill(wide)));
  const requests: number[] = [];
  const counting = {
    connect: (): RelayProducer => {
      const inner = log.connect();
      return {
        ...inner,
        sendBatch: async (records) => {
          requests.push(records.length);
          return inner.sendBatch(records);
        },
      };
    },
  };
  await relay(counting, 'a').start();
  await waitFor(() => log.partitions.get(0)?.length === 20, { what: 'all' });
  // 256 KiB a page, and the row that passes it: two of 200 kB.
  expect(Math.max(...requests)).toBe(2);
});

test('instances whose produce calls take longer than a lease keep their leases and repeat nothing', async () => {
  const log = new FakeLog();
  const leaseMs = 900;
  log.hold = () => new Promise((resolve) => setTimeout(resolve, leaseMs * 1.3));
  for (let partition = 0; partition < 4; partition++) await publish(40, partition);
  await relay(log, 'a', { leaseMs }).start();
  await relay(log, 'b', { leaseMs }).start();
  const all = [0, 1, 2, 3];
  await waitFor(() => all.every((p) => new Set(log.seqs(p)).size === 40), { what: 'all' });
  for (let partition = 0; partition < 4; partition++) await publish(40, partition);
  await waitFor(() => all.every((p) => new Set(log.seqs(p)).size === 80), {
    what: 'more',
  });
  // The one handover when the second came may repeat a page.
  for (const partition of all) expect(log.seqs(partition).length).toBeLessThanOrEqual(120);
});

test('two live processes of one name never send the same; the later one takes over, then they share', async () => {
  const [one, two] = [new FakeLog(), new FakeLog()];
  await publish(5, 0);
  await relay(one, 'twin', { leaseMs: 600 }).start();
  await waitFor(() => one.seqs(0).length === 5, { what: 'the first twin' });
  await relay(two, 'twin', { leaseMs: 600 }).start();
  const owners = () =>
    database.unitOfWork.query<{ n: string }>('select owner, count(*) as n from relay group by owner');
  await waitFor(async () => (await owners()).map((row) => row.n).join() === '2,2', {
    what: 'two owners of two partitions each',
  });
  for (let partition = 0; partition < 4; partition++) await publish(5, partition);
  const both = (p: number) => [...one.seqs(p), ...two.seqs(p)];
  await waitFor(() => both(0).length >= 10 && [1, 2, 3].every((p) => both(p).length >= 5), {
    what: 'all',
  });
  expect([both(0), both(1), both(2), both(3)]).toEqual([upTo(10), upTo(5), upTo(5), upTo(5)]);
});

test('rows sent long ago are dropped, however many; rows not sent or young stay', async () => {
  const log = new FakeLog();
  await publish(5_200, 0);
  // Of more than a page of rows.
  await database.unitOfWork.query('select part_shared_rows($1, 0, 0)', [testTopic.name]);
  await publish(3, 1);
  const young = "update outbox set at = at + interval '1 hour' where partition = 0 and seq > 5190";
  await database.unitOfWork.query(young);
  log.fault = ({ partitions }) => (partitions.includes(1) ? 'before' : null);
  await relay(log, 'a', { retentionMs: 0 }).start();
  const left = () =>
    database.unitOfWork.query<{ partition: number; n: string }>(
      'select partition, count(*) as n from outbox_event group by partition order by partition',
    );
  await waitFor(async () => (await left())[0]?.n === '10', { what: 'old rows dropped' });
  // Some more rounds of pruning, seen by what else they drop.
  await publish(1, 2);
  await waitFor(async () => (await left()).every((row) => row.partition !== 2), {
    what: 'one more dropped',
  });
  expect(await left()).toEqual([
    { partition: 0, n: '10' },
    { partition: 1, n: '3' },
  ]);
});

test('of a row that was sent in part the rest is sent', async () => {
  await publish(20, 0);
  const sql = 'update relay set sent_seq = $2 where topic = $1 and partition = 0';
  await database.unitOfWork.query(sql, [testTopic.name, 7]);
  const log = new FakeLog();
  await relay(log, 'a').start();
  await waitFor(() => log.seqs(0).length >= 13, { what: 'the rest' });
  expect(log.seqs(0)).toEqual(Array.from({ length: 13 }, (_, n) => n + 8));
});

test('a commit whose answer is lost is sent at once, if it was done', async () => {
  const log = new FakeLog();
  const made = relay(log, 'a', { aloneMs: 600_000 });
  await made.start();
  const { dataSource } = database;
  let isLost = false;
  const unitOfWork = new UnitOfWork(
    new Proxy(dataSource, {
      get: (target, name) =>
        name === 'createQueryRunner' ? () => losing(target.createQueryRunner()) : undefined,
    }),
    made.wake,
  );
  const losing = (runner: QueryRunner) => {
    const connect = runner.connect.bind(runner);
    runner.connect = async () => {
      const client = await connect();
      const query = async (...asked: unknown[]) => {
        const answer = await client.query(...asked);
        if (isLost && asked[0] === 'commit') throw new Error('Connection terminated unexpectedly');
        return answer;
      };
      return { query };
    };
    return runner;
  };
  const one = () => unitOfWork.run(async (tx) => tx.publish([{ ...record(0, 'k'), body }]));
  await one();
  await waitFor(() => log.seqs(0).length === 1, { what: 'the first' });
  isLost = true;
  await expect(one()).rejects.toThrow('terminated');
  await waitFor(() => log.seqs(0).length === 2, { what: 'the second' });
});

test('a relay that is alone reads the outbox for what was committed, and not again behind each send', async () => {
  const asked = jest.spyOn(database.unitOfWork, 'query');
  const reads = () => asked.mock.calls.filter(([sql]) => sql.includes('from outbox_event where')).length;
  const log = new FakeLog();
  const made = relay(log, 'a', { aloneMs: 600_000, pruneMs: 600_000 });
  await made.start();
  await waitFor(() => reads() > 0, { what: 'the first look' });
  const before = reads();
  const commits = 5;
  for (let n = 1; n <= commits; n++) {
    await publish(1, 0);
    made.wake(new Set([testTopic.name]));
    await waitFor(() => isStored(n), { what: 'the cursor to be stored' });
  }
  // Leases that come or are renewed meanwhile are a reason to look as well; twice for each commit is none.
  expect(reads() - before).toBeLessThan(2 * commits);
  asked.mockRestore();
});

async function isStored(seq: number): Promise<boolean> {
  const [row] = await database.unitOfWork.query<{ sent_seq: string }>(
    'select sent_seq from relay where topic = $1 and partition = 0',
    [testTopic.name],
  );
  return Number(row!.sent_seq) === seq;
}

test('what is committed while a send is on its way is sent right after it', async () => {
  const log = new FakeLog();
  const made = relay(log, 'a', { aloneMs: 600_000 });
  await made.start();
  const taken = Promise.withResolvers<void>();
  let sends = 0;
  log.hold = () => (sends++ === 0 ? taken.promise : Promise.resolve());
  const wake = () => made.wake(new Set([testTopic.name]));
  await publish(1, 0);
  wake();
  await waitFor(() => log.inFlight === 1, { what: 'the first to be on its way' });
  await publish(1, 0);
  wake();
  taken.resolve();
  await waitFor(() => log.seqs(0).length === 2, { what: 'the second' });
});

test('what trickles in goes together, and a stop waits for no pause', async () => {
  const log = new FakeLog();
  const made = relay(log, 'a', { aloneMs: 600_000 });
  await made.start();
  const rows = 40;
  const begunMs = performance.now();
  for (let n = 0; n < rows; n++) {
    await publish(1, 0);
    made.wake(new Set([testTopic.name]));
  }
  await made.stop();
  expect(log.seqs(0)).toEqual(Array.from({ length: rows }, (_, n) => n + 1));
  // However slow the machine: one in twenty milliseconds, the first and the last of all besides; timers may be early by one.
  expect(log.sends).toBeLessThanOrEqual(2 + (performance.now() - begunMs) / 19);
});

test('two instances share the partitions, and one takes over what the other leaves', async () => {
  const [one, two] = [new FakeLog(), new FakeLog()];
  const leaving = relay(one, 'a', { leaseMs: 600 });
  await leaving.start();
  await relay(two, 'b', { leaseMs: 600 }).start();
  await waitFor(
    async () => {
      const rows = await database.unitOfWork.query<{ owner: string; n: string }>(
        'select owner, count(*) as n from relay group by owner order by owner',
      );
      return rows.length === 2 && rows.every((row) => row.n === '2');
    },
    { what: 'two owners of two partitions each' },
  );
  await stop(leaving);
  for (let partition = 0; partition < 4; partition++) await publish(5, partition);
  await waitFor(() => upTo(4).every((p) => two.seqs(p - 1).length === 5), {
    what: 'the takeover',
  });
});

test('an instance learns when another one has sent what it committed', async () => {
  const [one, two] = [new FakeLog(), new FakeLog()];
  await relay(one, 'a').start();
  const late = relay(two, 'b');
  // The first one has all the leases still: it sends what the second commits.
  const released = Promise.withResolvers<void>();
  one.hold = () => released.promise;
  const whenSent = late.watchSent();
  const committed = Promise.withResolvers<Stamped>();
  await database.unitOfWork.run(async (tx) => {
    tx.publish([{ ...record(1, 'a'), body }]);
    tx.afterCommit(([stamp]) => committed.resolve(stamp!));
  });
  let known: boolean | undefined;
  const waiting = whenSent(await committed.promise, performance.now() + 90_000).then((sent) => {
    known = sent;
  });
  await waitFor(() => one.inFlight === 1, { what: 'the send' });
  expect(known).toBeUndefined();
  released.resolve();
  await waiting;
  expect([known, one.seqs(1), two.seqs(1)]).toEqual([true, [1], []]);
});

test.each([
  ['paused beyond its lease', 'heir', 300],
  ['of a process that was started anew under its name', 'zombie', 60_000],
])('a relay %s moves no cursor when it wakes', async (_case, heirId, leaseMs) => {
  const [zombie, heir] = [new FakeLog(), new FakeLog()];
  const wakeUp = Promise.withResolvers<void>();
  zombie.hold = () => wakeUp.promise;
  await publish(3, 2);
  // Not renewed any more, as in a process that stands still.
  const paused = relay(zombie, 'zombie', { leaseMs, unitOfWork: new NeverRenewing(database.dataSource) });
  await paused.start();
  await waitFor(() => zombie.inFlight === 1, { what: 'the zombie in mid-send' });
  const living = relay(heir, heirId, { leaseMs });
  await living.start();
  await waitFor(() => heir.seqs(2).length === 3, { what: 'the heir' });
  await publish(2, 2);
  await waitFor(() => heir.seqs(2).length === 5, { what: 'more from the heir' });
  await stop(living); // nobody is left who would set the cursor right again
  wakeUp.resolve();
  await stop(paused); // with it the send in hand and whatever cursor follows it
  expect(zombie.seqs(2)).toEqual(upTo(3));
  const [row] = await database.unitOfWork.query<{ sent_seq: string }>(
    'select sent_seq from relay where partition = 2',
  );
  expect(row!.sent_seq).toBe('5');
});

/** Takes leases once. */
class NeverRenewing extends UnitOfWork {
  #runs = 0;

  override async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#runs++ > 0) throw new Error('paused');
    return super.run(work);
  }

  override async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    if (sql.includes('update instance')) throw new Error('paused');
    return super.query<Row>(sql, parameters);
  }
}

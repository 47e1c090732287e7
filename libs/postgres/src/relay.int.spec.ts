import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readEnvelope } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { waitFor } from '@slipstream/testing';
import { Relay, type RelayProducer, type RelayRecord } from './relay.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';

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

/** A log that can fail before or after it took a batch, as a broker whose answer is lost does. */
class FakeLog implements RelayProducer {
  readonly partitions = new Map<number, RelayRecord[]>();
  failures: ('before' | 'after' | 'unsaid')[] = [];
  /** A partition that it never takes. */
  refused: number | null = null;
  inFlight = 0;
  hold: Promise<void> | null = null;

  async sendBatch(records: readonly RelayRecord[]): Promise<ReadonlyMap<string, bigint>> {
    expect(++this.inFlight).toBe(1);
    try {
      await this.hold;
      const failure = this.failures.shift();
      if (failure === 'before') throw new Error('not sent');
      if (failure === 'unsaid') return new Map();
      if (records.some((one) => one.partition === this.refused)) {
        throw Object.assign(new Error('too large'), { retryable: false });
      }
      const offsets = new Map<string, bigint>();
      for (const one of records) {
        const log = this.partitions.get(one.partition) ?? [];
        this.partitions.set(one.partition, log);
        const key = `${one.topic}:${one.partition}`;
        if (!offsets.has(key)) offsets.set(key, BigInt(log.length));
        log.push(one);
      }
      if (failure === 'after') throw new Error('answer lost');
      return offsets;
    } finally {
      this.inFlight--;
    }
  }

  seqs(partition: number): number[] {
    return (this.partitions.get(partition) ?? []).map((one) => readEnvelope(one.value).sequence);
  }
}

/** The smallest CloudEvent: id, source and type, each one letter. */
const body = Buffer.from([0x0a, 1, 0x69, 0x12, 1, 0x73, 0x22, 1, 0x74]);

function relay(log: RelayProducer, instanceId: string, leaseMs = 3_000, retentionMs = 86_400_000): Relay {
  const made = new Relay(database.unitOfWork, log, {
    instanceId,
    retentionMs,
    pruneMs: 50,
    topics: [testTopic.name],
    pollMs: 5,
    leaseMs,
  });
  relays.push(made);
  return made;
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
    timeoutMs: 10_000,
    what: 'the records',
  });
  expect(log.seqs(0)).toEqual(upTo(1_234));
  expect(log.seqs(3)).toEqual(upTo(7));
});

test('a lost answer repeats records under the same numbers and skips none', async () => {
  const log = new FakeLog();
  log.failures = ['after', 'before'];
  await publish(40, 1);
  await relay(log, 'a').start();
  await waitFor(() => log.seqs(1).length === 80, { timeoutMs: 10_000, what: 'the resend' });
  expect(log.seqs(1)).toEqual([...upTo(40), ...upTo(40)]);
  const [first, again] = [log.partitions.get(1)![0]!, log.partitions.get(1)![40]!];
  expect(first.value.equals(again.value)).toBe(true);
});

test('a partition that the broker refuses holds up no other', async () => {
  const log = new FakeLog();
  log.refused = 1;
  for (let partition = 0; partition < 4; partition++) await publish(5, partition);
  await relay(log, 'a').start();
  await waitFor(() => [0, 2, 3].every((partition) => log.seqs(partition).length === 5), {
    timeoutMs: 10_000,
    what: 'the others',
  });
  await publish(3, 2);
  await waitFor(() => log.seqs(2).length === 8, { timeoutMs: 10_000, what: 'what came later' });
  expect(log.seqs(2)).toEqual(upTo(8));
  log.refused = null;
  await waitFor(() => log.seqs(1).length === 5, { timeoutMs: 10_000, what: 'the refused partition' });
});

test('an answer that leaves a partition out moves no cursor past what was not sent', async () => {
  const log = new FakeLog();
  log.failures = ['unsaid'];
  await publish(5, 1);
  await relay(log, 'a').start();
  await waitFor(() => log.seqs(1).length === 5, { timeoutMs: 10_000, what: 'the records' });
  expect(log.seqs(1)).toEqual(upTo(5));
});

test('rows sent long ago are dropped, however many; rows not sent or young stay', async () => {
  const log = new FakeLog();
  await publish(5_200, 0);
  await publish(3, 1);
  const young = "update outbox set at = at + interval '1 hour' where partition = 0 and seq > 5190";
  await database.unitOfWork.query(young);
  log.refused = 1;
  await relay(log, 'a', 3_000, 0).start();
  const left = () =>
    database.unitOfWork.query<{ partition: number; n: string }>(
      'select partition, count(*) as n from outbox group by partition order by partition',
    );
  await waitFor(async () => (await left())[0]?.n === '10', { timeoutMs: 20_000, what: 'old rows dropped' });
  expect(await left()).toEqual([
    { partition: 0, n: '10' },
    { partition: 1, n: '3' },
  ]);
});

test('two instances share the partitions, and one takes over what the other leaves', async () => {
  const [one, two] = [new FakeLog(), new FakeLog()];
  const first = relay(one, 'a', 600);
  await first.start();
  await relay(two, 'b', 600).start();
  await waitFor(
    async () => {
      const rows = await database.unitOfWork.query<{ owner: string; n: string }>(
        'select owner, count(*) as n from relay group by owner order by owner',
      );
      return rows.length === 2 && rows.every((row) => row.n === '2');
    },
    { timeoutMs: 10_000, what: 'two owners of two partitions each' },
  );
  await first.stop();
  relays.splice(relays.indexOf(first), 1);
  for (let partition = 0; partition < 4; partition++) await publish(5, partition);
  await waitFor(() => upTo(4).every((p) => two.seqs(p - 1).length === 5), {
    timeoutMs: 10_000,
    what: 'the takeover',
  });
});

test.each([
  ['paused beyond its lease', 'heir', 300],
  ['of a process that was started anew under its name', 'zombie', 60_000],
])('a relay %s moves no cursor when it wakes', async (_case, heirId, leaseMs) => {
  const [zombie, heir] = [new FakeLog(), new FakeLog()];
  let wakeUp = () => {};
  zombie.hold = new Promise((resolve) => {
    wakeUp = resolve;
  });
  await publish(3, 2);
  await relay(zombie, 'zombie', leaseMs).start();
  await waitFor(() => zombie.inFlight === 1, { timeoutMs: 5_000, what: 'the zombie in mid-send' });
  await relay(heir, heirId, leaseMs).start();
  await waitFor(() => heir.seqs(2).length === 3, { timeoutMs: 10_000, what: 'the heir' });
  await publish(2, 2);
  await waitFor(() => heir.seqs(2).length === 5, { timeoutMs: 10_000, what: 'more from the heir' });
  wakeUp();
  await waitFor(() => zombie.seqs(2).length === 3, { timeoutMs: 5_000, what: 'the zombie’s late send' });
  const [row] = await database.unitOfWork.query<{ sent_seq: string; owner: string }>(
    'select sent_seq, owner from relay where partition = 2',
  );
  expect(row!.sent_seq).toBe('5');
});

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { outboxRows } from './outbox-rows.ts';
import { openTestDatabase, record, type TestDatabase, testTopic } from './test-database.ts';
import type { OutboundRecord, Stamped } from './unit-of-work.ts';

const environment = sharedEnvironment();
let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(environment().databaseUrl);
});
afterAll(() => database?.close());

interface Row {
  partition: number;
  seq: string;
  at: string;
}

test('numbers are gapless and times never go back, seen by a reader beside concurrent writers, aborts and kills', async () => {
  const seed = Number(process.env.SEED ?? 20261122);
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const lastSeq = new Map<number, bigint>();
  const lastTime = new Map<number, string>();
  let writing = true;
  const anomalies: string[] = [];
  const read = async () => {
    const rows = await database.unitOfWork.query<Row>(
      'select partition, seq, at from outbox_event where seq > coalesce(($1::jsonb ->> partition::text)::bigint, 0) order by partition, seq',
      [JSON.stringify(Object.fromEntries([...lastSeq].map(([p, s]) => [p, String(s)])))],
    );
    for (const row of rows) {
      const expected = (lastSeq.get(row.partition) ?? 0n) + 1n;
      if (BigInt(row.seq) !== expected)
        anomalies.push(`partition ${row.partition}: ${row.seq} instead of ${expected}`);
      if (row.at < (lastTime.get(row.partition) ?? ''))
        anomalies.push(`partition ${row.partition}: time went back at ${row.seq}`);
      lastSeq.set(row.partition, BigInt(row.seq));
      lastTime.set(row.partition, row.at);
    }
  };
  const reader = (async () => {
    while (writing) await read();
  })();
  let committed = 0;
  const writer = async (name: number) => {
    for (let i = 0; i < 60; i++) {
      const records = Array.from({ length: 1 + Math.floor(random.next() * 8) }, (_, n) =>
        record(Math.floor(random.next() * testTopic.partitions), `${name}-${i}-${n}`),
      );
      const fate = random.next();
      try {
        await database.unitOfWork.run(async (tx) => {
          tx.publish(records);
          if (fate < 0.05) throw new Error('aborted');
          if (fate < 0.08) await tx.query('select pg_terminate_backend(pg_backend_pid())');
        });
        committed += records.length;
      } catch (error) {
        // Aborted or killed: none of its records may show. None waits for another in a ring.
        if (fate >= 0.08) anomalies.push(`writer ${name}: ${error}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, name) => writer(name)));
  writing = false;
  await reader;
  await read();
  expect(anomalies).toEqual([]);
  expect([...lastSeq.values()].reduce((sum, seq) => sum + seq, 0n)).toBe(BigInt(committed));
});

async function stampsOf(records: readonly OutboundRecord[]): Promise<readonly Stamped[]> {
  let stamps: readonly Stamped[] = [];
  await database.unitOfWork.run(async (tx) => {
    tx.publish(records);
    tx.afterCommit((told) => {
      stamps = told;
    });
  });
  return stamps;
}

test('a published record is told its number, in the order of publishing', async () => {
  const first = (await stampsOf([record(1, 'a')]))[0]!.seq;
  const stamps = await stampsOf([record(1, 'b'), record(2, 'c'), record(1, 'd')]);
  expect(stamps.map((stamp) => stamp.seq)).toEqual([first + 1n, expect.any(BigInt), first + 2n]);
  expect(stamps[0]!.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test.each([63, 64, 500])(
  '%i events of one transaction are numbered and written alike, however many they are',
  async (count) => {
    const random = seededRandom(count);
    const records = Array.from({ length: count }, (_, n) => ({
      ...record(random.integer(0, testTopic.partitions - 1), `many-${count}-${n}`),
      receivedAt: random.chance(0.2) ? '2026-01-01T00:00:00.000001Z' : null,
      ...(random.chance(0.2) ? { headers: { 'x-n': String(n) } } : {}),
    }));
    const stamps = await stampsOf(records);
    const rows = await database.unitOfWork.query<
      Record<string, unknown> & { at: string; received_at: string }
    >(
      "select topic, partition, seq, at, received_at, key, headers, body from outbox_event where key like $1 order by split_part(key, '-', 3)::int",
      [`many-${count}-%`],
    );
    expect(rows).toEqual(
      records.map(({ topic, partition, key, body, receivedAt, headers }, n) => ({
        ...{ topic, partition, key, at: stamps[n]!.at, seq: String(stamps[n]!.seq) },
        body: Buffer.from(body),
        headers: headers ?? null,
        received_at: receivedAt ?? stamps[n]!.at,
      })),
    );
    const last = new Map(stamps.map(({ partition, seq }) => [partition, seq]));
    const next = await database.unitOfWork.query<{ partition: number; next_seq: string }>(
      'select partition, next_seq from sequencer where topic = $1',
      [testTopic.name],
    );
    for (const { partition, next_seq } of next) {
      const seq = last.get(partition);
      if (seq !== undefined) expect(BigInt(next_seq)).toBe(seq + 1n);
    }
  },
);

const many = (count: number, of: (n: number) => Partial<OutboundRecord> = () => ({})) =>
  Array.from({ length: count }, (_, n) => ({ ...record(n % 2, `shared-${count}-${n}`), ...of(n) }));
interface SharedRow {
  partition: number;
  seq: string;
  events: number;
}
const rowsBehind = (last: ReadonlyMap<number, bigint>) =>
  database.unitOfWork.query<SharedRow>(
    `select o.partition, o.seq, 1 + coalesce(cardinality(o.earlier), 0) as events
     from outbox o join unnest($1::int[], $2::bigint[]) as w(partition, seq) on w.partition = o.partition and o.seq > w.seq
     order by o.partition, o.seq`,
    [[...last.keys()], [...last.values()]],
  );

test.each([2, 63, 64, 200])('%i events share rows alike, whichever way they are written', async (count) => {
  const raw = (n: number) => (n % 7 === 3 ? { headers: { 'x-n': String(n) } } : {});
  const records = many(count, (n) => ({ body: Buffer.alloc((n * 137) % 1_500, 'x'), ...raw(n) }));
  const stamps = await stampsOf(records);
  const before = new Map(stamps.toReversed().map(({ partition, seq }) => [partition, seq - 1n]));
  const numbered = records.map(({ topic, partition, key, body, headers }, n) => ({
    ...{ topic, partition, key, body, seq: stamps[n]!.seq, at: stamps[n]!.at, received_at: stamps[n]!.at },
    headers: headers ? JSON.stringify(headers) : null,
  }));
  const expected = outboxRows(numbered, true)
    .map((row) => ({
      ...{ partition: row.partition!, seq: String(row.seq), events: 1 + (row.earlier?.length ?? 0) },
    }))
    .toSorted((a, b) => a.partition - b.partition || Number(a.seq) - Number(b.seq));
  expect(await rowsBehind(before)).toEqual(expected);
  expect(expected.some(({ events }) => events > 1)).toBe(count > 2);
});

test.each([4, 100])('%i events have a row each while a release that shares none lives', async (count) => {
  await database.unitOfWork.query("insert into instance (id, seen_at) values ('before', clock_timestamp())");
  try {
    const stamps = await stampsOf(many(count));
    const before = new Map(stamps.toReversed().map(({ partition, seq }) => [partition, seq - 1n]));
    const rows = await rowsBehind(before);
    expect(rows.map(({ events }) => events)).toEqual(rows.map(() => 1));
    expect(rows).toHaveLength(count);
  } finally {
    await database.unitOfWork.query("delete from instance where id = 'before'");
  }
});

test('of rows of up to 4 KB nothing is compressed or stored elsewhere', async () => {
  await stampsOf(many(60, () => ({ body: Buffer.alloc(450, 'x') })));
  const [found] = await database.unitOfWork.query(
    `select pg_relation_size(c.reltoastrelid)::int as elsewhere, (
       select max(pg_column_size(o.*)) from outbox o)::int as largest from pg_class c where c.oid = 'outbox'::regclass`,
  );
  expect(found).toMatchObject({ elsewhere: 0, largest: expect.any(Number) });
  expect((found as { largest: number }).largest).toBeGreaterThan(3_000);
});

test('a query error swallowed inside a transaction fails it', async () => {
  const swallowing = database.unitOfWork.run(async (tx) => {
    await tx.query('select 1 / 0').catch(() => {});
    return 'done';
  });
  await expect(swallowing).rejects.toThrow('swallowed');
});

test('publishing to a topic without sequencer rows fails loudly', async () => {
  await expect(
    database.unitOfWork.run(async (tx) => tx.publish([{ ...record(0, 'x'), topic: 'nobody.knows' }])),
  ).rejects.toThrow('sequencer');
  const many = Array.from({ length: 100 }, (_, n) => ({ ...record(n % 2, 'x'), topic: 'nobody.knows' }));
  await expect(database.unitOfWork.run(async (tx) => tx.publish(many))).rejects.toThrow('sequencer');
});

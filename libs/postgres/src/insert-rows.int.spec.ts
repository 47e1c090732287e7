import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { instantFromMicros, type SeededRandom, seededRandom } from '@slipstream/kernel';
import type { DataSource } from 'typeorm';
import {
  arrayOf,
  binaryString,
  bool,
  bytea,
  int2,
  int4,
  int8,
  jsonb,
  numeric,
  text,
  timestamptz,
  uuid,
} from './column-types.ts';
import { columns, type RowOf, table } from './columns.ts';
import { openDataSource } from './data-source.ts';
import { isTransient } from './transient.ts';
import { UnitOfWork } from './unit-of-work.ts';

const everyType = {
  ...{ n: int4, bool, int2, int4, int8, text, bytea, uuid, timestamptz, numeric, jsonb },
  chars: binaryString,
};
type Row = RowOf<typeof everyType>;
const target = table('every_type', everyType);

const environment = sharedEnvironment();
let dataSource: DataSource;
let unitOfWork: UnitOfWork;

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'insert_rows');
  // One connection: what follows an error is asked over the same one.
  dataSource = await openDataSource({ url, applicationName: 'test', poolMax: 1 });
  unitOfWork = new UnitOfWork(dataSource);
  const list = target.names.map((name, index) => `"${name}" ${target.types[index]!.sqlName}`).join(', ');
  await unitOfWork.query(`create table every_type (${list}, primary key (n))`);
});
afterAll(() => dataSource?.destroy());
beforeEach(() => unitOfWork.query('truncate every_type'));

const insert = (rows: readonly Row[]) => unitOfWork.run((tx) => tx.insert(target, rows));
const backend = async () =>
  (await unitOfWork.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]!.pid;

/** What the driver gives for a row that was written. */
const asRead = (row: Row) => ({
  ...row,
  int8: row.int8 === null ? null : String(row.int8),
  numeric: row.numeric === null ? null : String(row.numeric),
  jsonb: row.jsonb === null ? null : JSON.parse(row.jsonb),
  chars: row.chars === null ? null : Buffer.from(row.chars, 'latin1'),
});
const stored = () =>
  unitOfWork.query<Record<string, unknown>>(`select ${target.names.join(', ')} from every_type order by n`);
const nothing: Omit<Row, 'n'> = {
  ...{ bool: null, int2: null, int4: null, int8: null, text: null, bytea: null, uuid: null },
  ...{ timestamptz: null, numeric: null, jsonb: null, chars: null },
};

const texts = [
  '',
  'NULL',
  '{a,"b"}',
  'back\\slash\ttab\n',
  'é\u2028💸',
  'ascii, then é',
  'x'.repeat(300),
  '\\.',
  '\\N',
];
const hex = (random: SeededRandom, digits: number) =>
  Array.from({ length: digits }, () => random.integer(0, 15).toString(16)).join('');
const big = (random: SeededRandom, digits: number) =>
  BigInt(
    `${random.chance(0.5) ? '-' : ''}${Array.from({ length: random.integer(1, digits) }, () => random.integer(0, 9)).join('')}`,
  );

function randomRow(random: SeededRandom, n: number): Row {
  const maybe = <T>(value: T): T | null => (random.chance(0.2) ? null : value);
  const int64 = random.pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, big(random, 18)]);
  return {
    n,
    bool: maybe(random.chance(0.5)),
    int2: maybe(random.integer(-32_768, 32_767)),
    int4: maybe(random.pick([-2_147_483_648, 2_147_483_647, random.integer(-1000, 1000)])),
    int8: maybe(
      random.chance(0.5) ? int64 : random.pick([-1, 0, 2 ** 53 - 1, -(2 ** 53 - 1), 4_294_967_296]),
    ),
    text: maybe(random.pick(texts)),
    bytea: maybe(Buffer.from(hex(random, 2 * random.integer(0, 40)), 'hex')),
    chars: maybe(Buffer.from(hex(random, 2 * random.integer(0, 40)), 'hex').toString('latin1')),
    uuid: maybe(`${hex(random, 8)}-${hex(random, 4)}-${hex(random, 4)}-${hex(random, 4)}-${hex(random, 12)}`),
    timestamptz: maybe(
      random.pick([
        '0001-01-01T00:00:00.000000Z',
        '1969-12-31T23:59:59.999999Z',
        '2000-01-01T00:00:00.000000Z',
        '9999-12-31T23:59:59.999999Z',
        instantFromMicros(
          BigInt(random.integer(0, 2 ** 31)) * 1_000_000n + BigInt(random.integer(0, 999_999)),
        ),
      ]),
    ),
    numeric: maybe(random.pick([0n, 10_000n, -9_999n, 100_000_000n, big(random, 38)])),
    jsonb: maybe(JSON.stringify({ [random.pick(['a', 'é'])]: random.pick(texts) })),
  };
}

describe('rows that are written', () => {
  // Below, at and above where COPY begins, and over several of its messages.
  it.each([1, 63, 64, 65, 3_000])(
    'are read back as they were: %i of them, of every type and NULL',
    async (count) => {
      const seed = Number(process.env.SEED ?? 20261126) + count;
      console.log(`seed ${seed}`);
      const random = seededRandom(seed);
      const rows = Array.from({ length: count }, (_, n) => randomRow(random, n));
      await insert(rows);
      expect(await stored()).toEqual(rows.map(asRead));
    },
  );

  it('may be large: values above 64 KiB, among small ones', async () => {
    const sizes = [0, 65_530, 65_536, 70_000, 1, 300_000, 65_525];
    const rows = Array.from({ length: 100 }, (_, n) => ({
      ...{ ...nothing, n },
      text: 'é'.repeat(sizes[n % sizes.length]! / 2),
      bytea: Buffer.alloc(sizes[(n + 3) % sizes.length]!, n),
    }));
    await insert(rows);
    const digests = await unitOfWork.query(
      'select md5(text) as text, md5(bytea) as bytea from every_type order by n',
    );
    const md5 = (value: string | Uint8Array) => createHash('md5').update(value).digest('hex');
    expect(digests).toEqual(rows.map((row) => ({ text: md5(row.text), bytea: md5(row.bytea) })));
  });

  it('may hold arrays, with NULL in them, larger than a message', async () => {
    const arrays = table('with_arrays', {
      n: int4,
      texts: arrayOf(text),
      times: arrayOf(timestamptz),
      bytes: arrayOf(bytea),
    });
    await unitOfWork.query(
      'create table with_arrays (n int, texts text[], times timestamptz[], bytes bytea[])',
    );
    const time = '2026-11-27T12:00:00.000001Z';
    const rows = Array.from({ length: 100 }, (_, n) => ({
      n,
      texts: ['é,"', null, ''],
      times: n % 3 === 0 ? null : [time, null],
      bytes: [Buffer.alloc(n * 1_500, n), Buffer.alloc(0)],
    }));
    await unitOfWork.run((tx) => tx.insert(arrays, rows));
    const read = await unitOfWork.query(
      'select n, texts, to_json(times)::text as times, md5(bytes[1]) as first, bytes[2] as second, cardinality(bytes) as count from with_arrays order by n',
    );
    expect(read).toEqual(
      rows.map(({ n, texts, times, bytes }) => ({
        ...{ n, texts, times: times && `["2026-11-27T12:00:00.000001+00:00",null]` },
        ...{ first: createHash('md5').update(bytes[0]!).digest('hex'), second: Buffer.alloc(0), count: 2 },
      })),
    );
  });

  it('may be none', async () => {
    await insert([]);
    expect(await stored()).toEqual([]);
  });

  it('may come one after the other in the same object, and a UUID as its bytes', async () => {
    const one = { ...nothing, n: 0, uuid: Buffer.alloc(16, 0xab) as string | Uint8Array };
    const rows = {
      length: 200,
      *[Symbol.iterator]() {
        for (one.n = 0; one.n < 200; one.n++) yield one;
      },
    };
    await unitOfWork.run((tx) => tx.insert(target, rows));
    const read = await stored();
    expect(read.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(read[0]!.uuid).toBe('abababab-abab-abab-abab-abababababab');
  });

  it('commit with their transaction or not at all', async () => {
    const rows = Array.from({ length: 100 }, (_, n) => ({ ...nothing, n }));
    const aborted = unitOfWork.run(async (tx) => {
      await tx.insert(target, rows);
      throw new Error('aborted');
    });
    await expect(aborted).rejects.toThrow('aborted');
    expect(await stored()).toEqual([]);
  });
});

describe('an error in the middle', () => {
  const rows = (bad: Partial<Row>) =>
    Array.from({ length: 5_000 }, (_, n) => ({ ...nothing, n, ...(n === 4_000 ? bad : {}) }));

  it.each<[string, Partial<Row>, RegExp]>([
    ['a number that is too large', { int4: 2 ** 40 }, /out of range/],
    ['a fraction', { int8: 0.5 }, /no whole number/],
    ['what is no UUID', { uuid: 'slip-1' }, /no UUID/],
    ['a UUID with another letter', { uuid: '0000000g-0000-4000-8000-000000000000' }, /no UUID/],
    ['a UUID with another sign', { uuid: '00000000-0000-4000-8000+000000000000' }, /no UUID/],
    ['a UUID with a letter of no byte', { uuid: '0000000\u0141-0000-4000-8000-000000000000' }, /no UUID/],
    ['a character that is no byte', { chars: 'a\u0100' }, /no such character/],
    ['what is no time', { timestamptz: 'yesterday' }, /no instant/],
    ['what is missing', { text: undefined as unknown as null }, /has no value/],
    ['the database: a key that is there', { n: 7 }, /duplicate key/],
    ['the database: a text that it cannot hold', { text: 'a\0b' }, /invalid byte sequence/],
    ['the database: no JSON', { jsonb: '{' }, /json/],
  ])('%s fails the transaction, and its connection is used on', async (_, bad, reason) => {
    const before = await backend();
    await expect(insert(rows(bad))).rejects.toThrow(reason);
    expect(await stored()).toEqual([]);
    await insert(rows({}));
    expect(await stored()).toHaveLength(5_000);
    expect(await backend()).toBe(before);
  });

  it('that is swallowed fails the transaction all the same', async () => {
    const swallowed = unitOfWork.run((tx) => tx.insert(target, rows({ n: 7 })).catch(() => {}));
    await expect(swallowed).rejects.toThrow('was swallowed');
  });

  it('a connection that is gone is replaced', async () => {
    const before = await backend();
    const failure = await unitOfWork
      .run(async (tx) => {
        await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {});
        await tx.insert(target, rows({}));
      })
      .catch((error) => error);
    expect(isTransient(failure)).toBe(true);
    await insert(rows({}));
    expect(await backend()).not.toBe(before);
  });
});

describe('arrays of named columns', () => {
  it('are the rows of a statement, from any place on', async () => {
    const seed = Number(process.env.SEED ?? 7);
    const rows = Array.from({ length: 500 }, (_, n) => randomRow(seededRandom(seed + n), n));
    const set = columns(everyType);
    const sql = `select r.*, $1::text as first from ${set.unnest('r', 2)} order by n`;
    const read = await unitOfWork.query<Record<string, unknown>>(sql, ['given', ...set.parameters(rows)]);
    expect(read).toEqual(rows.map((row) => ({ ...asRead(row), first: 'given' })));
    expect(await unitOfWork.query(sql, ['given', ...set.parameters([])])).toEqual([]);
  });
});

describe('a statement', () => {
  const prepared = (like: string) =>
    unitOfWork.query('select name from pg_prepared_statements where statement like $1', [like]);

  it('that is asked often is prepared, once a connection; one that fails then does no harm', async () => {
    const sql = 'select 10 / $1::int as often';
    for (let time = 0; time < 4; time++) await unitOfWork.query(sql, [5]);
    expect(await prepared('%as often')).toEqual([]);
    for (let time = 0; time < 4; time++) {
      await expect(unitOfWork.query(sql, [0])).rejects.toThrow('division by zero');
      expect(await unitOfWork.query(sql, [5])).toEqual([{ often: 2 }]);
    }
    expect(await prepared('%as often')).toHaveLength(1);
  });

  it('whose text is new each time never is, nor are more than a bounded number', async () => {
    for (let n = 0; n < 1_500; n++) await unitOfWork.query(`select ${n} as other, $1::int as n`, [n]);
    expect(await prepared('%as other%')).toEqual([]);
    for (let n = 0; n < 250; n++) {
      for (let time = 0; time < 5; time++) await unitOfWork.query(`select ${n} as again, $1::int as n`, [n]);
    }
    const { length } = await prepared('%as again%');
    expect(length).toBeGreaterThan(150);
    expect(length).toBeLessThanOrEqual(200);
  });
});

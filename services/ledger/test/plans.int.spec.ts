import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sources, topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { slipStatuses } from '@slipstream/slip';
import { Plans, type Scan } from '@slipstream/testing';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import { buildTrees } from '../src/adapters/postgres/log-trees.ts';
import { slipLogs } from '../src/adapters/postgres/rebuild/page.ts';
import { nextIds } from '../src/adapters/postgres/rebuild/rebuild.ts';
import { suspenseReads } from '../src/adapters/postgres/suspense.ts';
import { consumerGroup } from '../src/application/consumer-group.ts';
import {
  type EventFilter,
  type EventListFilter,
  type LedgerQueries,
  type SlipField,
  type SlipFilter,
  slipFields,
} from '../src/application/queries.ts';
import type { DecisionFilter, SuspenseFilter, SuspenseReads } from '../src/application/suspense/ports.ts';
import { checkpointText } from '../src/domain/log/checkpoint.ts';
import { type Books, noWaits, openBooks } from './books.ts';
import { at } from './builders.ts';
import { fillBooks, growing, idOf, isDenied, listedAt, partitions } from './full-books.ts';
import { pageUnderWrites, pagingWays } from './paging.ts';

const environment = sharedEnvironment();
/** Slips in the books: twice what a page looks at, and more. */
const slips = 40_000;
const examinedMax = 10_000;

let books: Books;
let queries: LedgerQueries;
let suspense: SuspenseReads;
const plans = new Plans();

const decisionsSql = `
insert into suspense_decision (decision_id, slip_id, entry, decision, reason, proposed_by, proposed_at, request_key, digest)
select gen_random_uuid(), 'slip-' || n, 1, 'uphold', '', 'ann', timestamptz '2026-01-01' + n * interval '1 s', n::text, ''
  from generate_series(1, $1::int) n`;

beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
  await fillBooks(books.unitOfWork, slips);
  await books.unitOfWork.query(decisionsSql, [slips / 2]);
  await books.unitOfWork.query('analyze suspense_decision');
  const watched = plans.watched(books.unitOfWork);
  queries = ledgerQueries(watched, noWaits);
  suspense = suspenseReads(watched);
}, 300_000);
afterAll(() => books?.close());

/** Every scan of a table that grows, none of which reads all of it. */
async function scansOf(ask: () => Promise<unknown>): Promise<readonly Scan[]> {
  const scans = (await plans.scansOf(ask)).filter(({ table }) =>
    [...growing, 'suspense_decision'].includes(table),
  );
  expect(scans.filter(({ by }) => by === 'Seq Scan')).toEqual([]);
  return scans;
}

const looked = (scans: readonly Scan[], of: string) =>
  scans.reduce((sum, { table, rows }) => sum + (table === of ? rows : 0), 0);

const values: Partial<Record<SlipField, string[]>> = {
  reference: ['ord-77', 'ord-78'],
  reference_prefix: ['ord-777'],
  account: ['cust-7'],
  counterparty: ['shop-7'],
  provider: ['provider-3'],
  provider_reference: ['p-777'],
  status: ['refunded'],
  outcome: ['succeeded'],
  cause: ['callback_lost', 'third_party'],
  cause_code: ['callback_lost'],
  case: ['open'],
  overdue: ['true'],
  not_returned: ['true'],
  lacks: ['cause'],
};
const anything: SlipFilter = { clock: 'wall', terms: [], metadata: [], caller: null };
const middle = ['2026-01-01T05:00:00.000000Z', 'slip-18000'];

/** `times`: slips that were submitted later than they came are looked for apart. */
async function expectBounded(filter: Partial<SlipFilter>, times = 1): Promise<void> {
  for (const order of ['asc', 'desc'] as const) {
    const start = await queries.slips(anything, order, { limit: 1, from: null });
    const known = start.next![2]!;
    for (const side of [null, 'after', 'before'] as const) {
      const from = side && { side, key: [...middle, known] };
      const scans = await scansOf(() =>
        queries.slips({ ...anything, ...filter }, order, { limit: 50, from }),
      );
      expect([filter, order, side, looked(scans, 'slip') <= times * examinedMax + 200]).toEqual([
        filter,
        order,
        side,
        true,
      ]);
    }
  }
}

it.each(slipFields)(
  'a page of slips by %s reads no table whole, and looks at a bounded number of slips',
  async (field) => {
    for (const isNot of [false, true]) {
      await expectBounded({ terms: [{ field, values: values[field] ?? ['none'], isNot }] });
    }
  },
);

it.each(slipStatuses)('neither does a page of slips that are %s', async (status) => {
  await expectBounded({ terms: [{ field: 'status', values: [status], isNot: false }] });
});

it('neither does one of a busy account, on whatever clock, or of what was submitted later than it came', async () => {
  const during = { submittedFrom: '2026-01-01T03:00:00Z', submittedTo: '2026-01-01T06:00:00Z' };
  const busy = { field: 'account' as const, values: ['busy'], isNot: false };
  const refunded = { field: 'status' as const, values: ['refunded', 'draft'], isNot: false };
  // By time alone, where PostgreSQL takes that for cheaper: of this account is a slip in three.
  await expectBounded({ terms: [busy] }, 3);
  await expectBounded({ terms: [busy], clock: 'nowhere' }, 3);
  await expectBounded({ terms: [busy], ...during }, 3);
  await expectBounded({ terms: [refunded], ...during }, 3);
  await expectBounded({ ...during, amountMin: 10n ** 18n }, 3);
});

it('neither does one by time, amount, metadata, caller or clock', async () => {
  await expectBounded({});
  await expectBounded({ submittedFrom: '2026-01-01T03:00:00Z', submittedTo: '2026-01-01T06:00:00Z' }, 3);
  await expectBounded({ deadlineFrom: at(1), deadlineTo: at(2) });
  await expectBounded({ amountMin: 39_000n, amountMax: 39_001n });
  await expectBounded({ metadata: [{ key: 'a', values: ['b'], isNot: false }] });
  await expectBounded({ caller: 'nobody' });
  await expectBounded({ clock: 'import-1' });
  await expectBounded({ clock: 'nowhere' });
});

describe('a slip that is asked for by what only its events tell', () => {
  it.each([
    ['one has it', { terms: [{ field: 'provider_reference' as const, values: ['p-777'], isNot: false }] }],
    ['none has it', { terms: [{ field: 'provider_reference' as const, values: ['p-0'], isNot: false }] }],
    ['none has the key', { metadata: [{ key: 'order_no', values: ['7', '8'], isNot: false }] }],
    [
      'one has it, and each second one has the other',
      {
        terms: [{ field: 'provider_reference' as const, values: ['p-777'], isNot: false }],
        metadata: [{ key: 'channel', values: ['web'], isNot: false }],
      },
    ],
  ])('is found by its tag, and the page has no other behind it (%s)', async (_, filter) => {
    let page: Awaited<ReturnType<typeof queries.slips>> | undefined;
    const scans = await scansOf(async () => {
      page = await queries.slips({ ...anything, ...filter }, 'desc', { limit: 50, from: null });
    });
    expect(page).toMatchObject({ next: null, previous: null });
    // A range of pages or two of the many that the table has, and what came since the last was summarised.
    expect(looked(scans, 'slip_tag')).toBeLessThan(examinedMax);
    expect(looked(scans, 'slip')).toBeLessThan(10);
  });

  it('is looked for among the slips where many have it', async () => {
    await expectBounded({ metadata: [{ key: 'channel', values: ['web'], isNot: false }] });
  });
});

const accountFilters = [
  {},
  { clock: 'import-1' },
  { clock: 'nowhere' },
  { owner: 'cust-7' },
  { currency: 'KWD' },
  { currency: 'none' },
  { kind: 'suspense' as const },
  { kind: 'receivable' as const },
  { kind: 'held' as const, currency: 'KWD' },
  { kind: 'settlement' as const, currency: 'KWD', clock: 'import-1' },
  { owner: 'provider-3', kind: 'settlement' as const },
];

it.each(accountFilters)('a page of accounts by %j looks at a bounded number of rows', async (filter) => {
  for (const side of [null, 'after', 'before'] as const) {
    const from = side && { side, key: ['cust-4000', 'available', 'wall', 'EUR'] };
    const scans = await scansOf(() => queries.accounts({ clock: 'wall', ...filter }, { limit: 50, from }));
    expect(looked(scans, 'account')).toBeLessThanOrEqual(
      ('kind' in filter && filter.kind !== 'held') || 'owner' in filter ? 2_000 : 2 * examinedMax,
    );
  }
});

it.each(accountFilters)('pages of accounts by %j have each of them once, both ways', async (filter) => {
  const conditions = Object.entries({ clock: 'wall', ...filter });
  const expected = await books.unitOfWork.query<{ key: string }>(
    `select concat_ws(' ', owner, kind, clock, currency) as key from account
     where ${conditions.map(([column], n) => `${column} = $${n + 1}`).join(' and ')}
     group by owner, kind, clock, currency order by owner, kind, clock, currency`,
    conditions.map(([, value]) => value),
  );
  for (const side of ['after', 'before'] as const) {
    const found: string[] = [];
    let key = side === 'after' ? null : (['~', '~', '~', '~'] as readonly string[]);
    do {
      const page = await queries.accounts(
        { clock: 'wall', ...filter },
        { limit: 700, from: key && { side, key } },
      );
      const shown = page.items.map(({ owner, kind, clock, currency }) =>
        [owner, kind, clock, currency].join(' '),
      );
      if (side === 'after') found.push(...shown);
      else found.unshift(...shown);
      key = side === 'after' ? page.next : page.previous;
    } while (key !== null);
    expect(found).toEqual(expected.map((row) => row.key));
  }
});

it.each(['cust-7', 'provider-3', 'provider:provider-3:settlement', 'nobody'])(
  'a page of the transactions of %s looks at as many entries as it may show, in each partition',
  async (id) => {
    for (const side of [null, 'after', 'before'] as const) {
      const key = ['2026-01-01T05:00:00.000000Z', '80000000-0000-4000-8000-000000000000'];
      const scans = await scansOf(() =>
        queries.transactions({ account: { id, clock: 'wall' } }, { limit: 50, from: side && { side, key } }),
      );
      expect(looked(scans, 'entry')).toBeLessThan(1_000);
    }
  },
);

it('a page of all transactions has each once, both ways, and looks at no more than it shows', async () => {
  for (const side of [null, 'after', 'before'] as const) {
    const from = side && { side, key: ['slip-2', '1'] };
    const scans = await scansOf(() => queries.transactions({}, { limit: 50, from }));
    expect(looked(scans, 'entry')).toBeLessThan(60);
  }
  const start = ['slip-103', '1'];
  const after = await queries.transactions({}, { limit: 5, from: { side: 'after', key: start } });
  const back = await queries.transactions({}, { limit: 4, from: { side: 'before', key: after.next! } });
  expect(back.items).toEqual(after.items.slice(0, 4));
  expect(after.items.map(({ slipId, type }) => `${slipId} ${type}`).slice(0, 4)).toEqual([
    'slip-10299 settle',
    'slip-10299 hold',
    'slip-10298 settle',
    'slip-10298 hold',
  ]);
});

it('a stretch of the log is a bounded one, whatever is asked for', async () => {
  const some: EventFilter = { slips: [], types: [], clock: null, terms: [], caller: null };
  for (const filter of [some, { ...some, slips: ['slip-7'] }, { ...some, clock: 'nowhere' }]) {
    const scans = await scansOf(() =>
      queries.logAfter(
        filter,
        Array.from({ length: 12 }, () => 0),
      ),
    );
    expect(looked(scans, 'event_log')).toBeLessThan(slips);
  }
});

const log: EventListFilter = {
  ...{ slips: [], types: [], clock: null, terms: [], caller: null, trace: null },
};
const only = (field: SlipField, ...them: string[]) => [{ field, values: them, isNot: false }];

it.each([
  [{}, 5_000],
  [{ clock: 'nowhere' }, 5_000],
  [{ types: ['slipstream.slip.returned.v1'] }, 5_000],
  [{ trace: '0af7651916cd43dd8448eb211c80319c' }, 5_000],
  [{ receivedFrom: at(1), receivedTo: at(2) }, 5_000],
  [{ caller: 'nobody' }, 5_000],
  [{ terms: only('provider', 'provider-3') }, 5_000],
  [{ terms: only('account', 'busy') }, 5_000],
  [{ terms: only('counterparty', 'nobody') }, 5_000],
  [{ terms: only('account', 'cust-6', 'cust-9') }, 100],
  [{ terms: only('reference', 'ord-77') }, 10],
  [{ slips: ['slip-7', 'slip-8'] }, 10],
] satisfies [Partial<EventListFilter>, number][])(
  'a page of the log by %j looks at a bounded number of events',
  async (filter, most) => {
    const start = await queries.log(log, { limit: 1, from: null });
    for (const side of [null, 'after', 'before'] as const) {
      const from = side && { side, key: ['6', '40000', start.next![2]!] };
      const scans = await scansOf(() => queries.log({ ...log, ...filter }, { limit: 50, from }));
      // The half of a partition that lies on this side, and what the next one has.
      expect([side, looked(scans, 'event_log') <= 2 * most + 200]).toEqual([side, true]);
    }
  },
);

it('a page of the log from a time on begins where a checkpoint shows that all before it was logged', async () => {
  await buildTrees(books.unitOfWork);
  const signed = slips - 2_000;
  // The n-th slip has two events, in the partition that its number says.
  const heads = Array.from({ length: partitions }, (_, partition) => ({
    ...{ partition, size: 2 * Math.floor((signed - partition) / partitions), root: '\0'.repeat(32) },
  }));
  const note = checkpointText({ id: checkpointId, at: listedAt(signed), heads });
  await books.unitOfWork.query("insert into signing_key (id, verifier_key) values ('k', 'k')");
  await books.unitOfWork.query("insert into checkpoint (id, at, note, key_id) values ($1, $2, $3, 'k')", [
    ...[checkpointId, listedAt(signed), note],
  ]);
  // Six minutes and a little later.
  const receivedFrom = listedAt(signed + 400);
  const ask = () => queries.log({ ...log, clock: 'wall', receivedFrom }, { limit: 50, from: null });
  const scans = await scansOf(ask);
  expect(looked(scans, 'event_log')).toBeLessThan(700);
  expect((await ask()).items.map(({ receivedTime }) => receivedTime).toSorted()[0]! >= receivedFrom).toBe(
    true,
  );
  expect((await ask()).items).toHaveLength(50);
  // An import's times are its own: they say nothing about when it was logged.
  const imported = await queries.log(
    { ...log, clock: 'import-1', receivedFrom: listedAt(1) },
    { limit: 50, from: null },
  );
  expect(imported.items[0]?.receivedTime).toBe(listedAt(60));
});
const checkpointId = '019b0000-0000-7000-8000-000000000001';

const suspenseFilters: readonly [Partial<SuspenseFilter>, number][] = [
  [{}, 1_000],
  [{ origin: 'denied' }, 1_000],
  [{ origin: 'claimed' }, 1_000],
  [{ origin: 'claimed', provider: 'nobody' }, 1_000],
  [{ account: 'nobody' }, 1_000],
  [{ currency: 'KWD' }, 1_000],
  [{ proposed: true }, 1_000],
  [{ clock: 'nowhere' }, 1],
  [{ slip: 'slip-69' }, 1],
];

it.each(suspenseFilters)(
  'a page of money in suspense by %j looks at a bounded number of slips',
  async (filter, most) => {
    for (const from of [
      null,
      { side: 'after' as const, key: middle },
      { side: 'before' as const, key: middle },
    ]) {
      const scans = await scansOf(() => suspense.list({ clock: 'wall', ...filter }, { limit: 50, from }));
      // Each of both statuses is read as far as the page may go, and not all of what is read is of one of them.
      expect([from, looked(scans, 'slip') <= 2 * most]).toEqual([from, true]);
      expect([from, looked(scans, 'entry') <= 12 * most]).toEqual([from, true]);
    }
  },
);

it.each(suspenseFilters)(
  'pages of money in suspense by %j have all of it once, both ways',
  async (filter) => {
    const all = async (side: 'after' | 'before') => {
      const found: string[] = [];
      let key: readonly string[] | null = side === 'after' ? null : ['2027-01-01T00:00:00.000000Z', ''];
      do {
        const page = await suspense.list(
          { clock: 'wall', ...filter },
          { limit: 70, from: key && { side, key } },
        );
        const shown = page.items.map(({ slipId, origin }) => `${slipId} ${origin}`);
        if (side === 'after') found.push(...shown);
        else found.unshift(...shown);
        key = side === 'after' ? page.next : page.previous;
      } while (key !== null);
      return found;
    };
    // On the wall clock, of payers whose accounts are in euros.
    const denied = (n: number) => isDenied(n) && n % 10 > 0 && n % 1_000 !== 7;
    const numbers = Array.from({ length: slips }, (_, n) => n + 1).filter(denied);
    const isReversed = (n: number) => n % 230 === 69;
    const { origin = 'denied', slip, provider, account, currency, proposed, clock } = filter;
    const wanted = numbers.filter((n) => {
      if (provider ?? account ?? currency ?? clock) return false;
      if (slip !== undefined) return idOf(n) === slip;
      return isReversed(n) === (origin === 'denied') && (proposed === undefined || n <= slips / 2);
    });
    // Decisions are about the first entry, which put none of it where it lies.
    const expected = proposed ? [] : wanted.map((n) => `${idOf(n)} ${isReversed(n) ? 'denied' : 'claimed'}`);
    expect(await all('after')).toEqual(expected);
    expect(await all('before')).toEqual(expected);
  },
);

it.each<[DecisionFilter, number]>([
  [{}, 200],
  [{ slip: 'slip-7' }, 200],
  [{ proposedBy: 'nobody' }, 1_100],
  // Of each slip its entries.
  [{ status: 'booked' }, 3_100],
])('a page of decisions about it by %j looks at a bounded number of them', async (filter, most) => {
  const key = ['2026-01-01T02:00:00.000000Z', '80000000-0000-4000-8000-000000000000'];
  for (const from of [null, { side: 'after' as const, key }, { side: 'before' as const, key }]) {
    const scans = await scansOf(() => suspense.decisions(filter, { limit: 50, from }));
    expect([from, scans.filter(({ rows }) => rows > most)]).toEqual([from, []]);
  }
});

/** Of one slip more than are looked at, of both kinds, among those of many others. */
const lettersSql = `
insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, key, headers, reason, error_class, detail, attempts)
select 'ledger', $1, 0, n, case when n % 2 = 0 then k.key end, convert_to(k.key, 'UTF8'), '{}',
       case when n % 2 = 0 then 'parked_behind' else 'stranger' end, '', '', 0
  from generate_series(1, 20000) n, lateral (select case when n > 14000 then 'slip-7' else 'slip-' || 100 + n end as key) k`;

it("a slip's dead letters are found without those of others, however many it has", async () => {
  await books.unitOfWork.query(lettersSql, [topics.events.name]);
  await books.unitOfWork.query('analyze dead_letter');
  for (const [slip, count] of [
    ['slip-7', 1_000],
    ['slip-101', 1],
    ['slip-102', 1],
    ['nobody', 0],
  ] as const) {
    const scans = await plans.scansOf(() => queries.deadLetters(slip));
    const read = scans.filter(({ table }) => table === 'dead_letter');
    expect(read.length).toBeGreaterThan(0);
    expect(read.filter(({ by, rows }) => by === 'Seq Scan' || rows > 1_001)).toEqual([]);
    expect((await queries.deadLetters(slip)).count).toBe(count);
  }
});

it('nothing else that can be asked reads a table whole', async () => {
  await scansOf(() => queries.slip('slip-7'));
  await scansOf(() => queries.slip('slip-7', at(3_000)));
  await scansOf(() => queries.account('cust-7', 'wall'));
  await scansOf(() => queries.account('cust-7', 'wall', at(3_000)));
  await scansOf(() => queries.events('slip-7', { limit: 50, from: null }));
  await scansOf(() => queries.events('slip-7', { limit: 50, from: { side: 'before', key: ['2'] } }));
  await scansOf(() => queries.transactions({ slip: 'slip-7' }, { limit: 50, from: null }));
  await scansOf(() => suspense.of('slip-7'));
  for (const grouping of ['provider', 'cause', 'hour'] as const) {
    await scansOf(() => queries.notReturned(anything, grouping));
  }
});

it('pages of many slips show each that was known at the first one, once, while slips come and change', async () => {
  const unwatched = ledgerQueries(books.unitOfWork, noWaits);
  const random = seededRandom(Number(process.env.SEED ?? 20_261_127));
  // Whoever asks, or writes, is cut off now and then: that costs nobody a slip.
  const cutOff = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;
  const cuts: Promise<unknown>[] = [];
  const cut = (shown: number) => {
    if (shown >= (cuts.length + 1) * 1_500) cuts.push(books.unitOfWork.query(cutOff).catch(() => {}));
  };
  const library = { books, queries: unwatched, slips, random };
  // None of them may meet what is tested next.
  const under = pageUnderWrites(library, pagingWays, cut).finally(() => Promise.all(cuts));
  const { paged, written } = await under;
  expect(cuts.length).toBeGreaterThan(2);
  expect(written).toBeGreaterThan(100);
  for (const { known, shown, twice, missing, unknown } of paged) {
    expect({ shown, twice, missing, unknown }).toEqual({ shown: known, twice: 0, missing: 0, unknown: 0 });
    expect(known).toBeGreaterThan(700);
  }
}, 240_000);

/** What was sent and read back stays in the outbox for days: 2,000 of each partition more, behind what the specs above said. */
const readBack = [
  `insert into outbox (topic, partition, seq, at, key, body)
   select topic, partition, next_seq + n, now(), 'slip-' || n, '' from sequencer, generate_series(0, 1999) n where topic = $1`,
  'update sequencer set next_seq = next_seq + 2000 where topic = $1',
];
const readBackSql = `insert into consumer_sequence (consumer_group, topic, partition, source, seq)
  select $2, topic, partition, $3, next_seq - 1 from sequencer where topic = $1
  on conflict (consumer_group, topic, partition, source) do update set seq = excluded.seq`;

it('a page of slips that are rebuilt reads their events alone, however much was logged and sent', async () => {
  const topic = topics.events.name;
  for (const sql of readBack) await books.unitOfWork.query(sql, [topic]);
  await books.unitOfWork.query(readBackSql, [topic, consumerGroup, sources.ledger]);
  await books.unitOfWork.query('analyze outbox');
  const scans = await plans.scansOf(() =>
    plans.watched(books.unitOfWork).run(async (tx) => {
      const ids = await nextIds(tx, 'slip-2');
      expect((await slipLogs(tx, ids)).size).toBe(ids.length);
    }),
  );
  expect(looked(scans, 'outbox')).toBeLessThan(100);
  expect(looked(scans, 'event_log')).toBeLessThan(10_000);
  expect(looked(scans, 'entry')).toBeLessThan(10_000);
  expect(scans.filter(({ table, by }) => table !== 'sequencer' && by === 'Seq Scan')).toEqual([]);
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { DeadLetters, type Tx, type UnitOfWork } from '@slipstream/postgres';
import { Plans, type Scan } from '@slipstream/testing';
import { createActionDesk } from '../src/adapters/postgres/action-desk.ts';
import { createIncidentReads } from '../src/adapters/postgres/incident-reads.ts';
import { createReads } from '../src/adapters/postgres/reads.ts';
import { closeRepaired } from '../src/adapters/postgres/repairs.ts';
import { statementViews } from '../src/adapters/postgres/statement-views.ts';
import type { ActionDesk, ActionFilter } from '../src/application/actions/ports.ts';
import type { IncidentFilter, IncidentReads } from '../src/application/incidents/reads.ts';
import type { Place } from '../src/application/newest-first.ts';
import type { CaseFilter, Reads } from '../src/application/reads.ts';
import type { BreakFilter, StatementViews } from '../src/application/statements/ports.ts';
import type { BookedPatch } from '../src/domain/statement/booked-fold.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
const rows = 4_000;
/** Lines that were of no slip, each with the names that it has. */
const lines = `insert into statement_break (id, kind, statement_id, provider, currency, difference, expected, seen, status, opened_at, names)
   select md5('m' || n)::uuid, 'missing_here', md5((1 + n % ($1::int / 100))::text)::uuid, 'acme', 'EUR', 1, '', '', 'open',
     timestamptz '2026-01-01' + n * interval '1 s', array['ours-' || n, 'theirs-' || n] from generate_series(1, $1::int) n`;
/** What busy months leave: of a hundred things that people had to look at, one is open. */
const fill = [
  `insert into case_file (slip_id, partition, status, reason, summary, opened_at, provider, cause_class, cause_code, closed_at, reason_codes,
     assignee, cause, reasons)
   select 'slip-' || n, n % 12, case when n % 100 = 0 then 'open' else 'closed' end, 'inquiry_exhausted', '', timestamptz '2026-01-01' + n * interval '1 s',
     'provider-' || n % 5, 'third_party', 'callback_lost', case when n % 100 = 0 then null else now() end, '{inquiry_exhausted}', 'ann', null, '[]'
   from generate_series(1, $1::int) n`,
  `insert into missed_slip (slip_id, partition, side, route, kind, at, deadline, fate, has_open_case, incident)
   select 'slip-' || n, 0, 'acme', 'default', 'order', timestamptz '2026-01-01' + n * interval '1 s', now(), 'returned', false, 'incident-' || n % 200
   from generate_series(1, $1::int) n`,
  `insert into incident (id, side, since, until, opened_at, closed_at)
   select 'incident-' || n, case when n % 2 = 0 then '' else 'acme' end, now(), now(), timestamptz '2026-01-01' + n * interval '1 s', now() from generate_series(1, $1::int / 100) n`,
  `insert into statement (id, source, provider, format, digest, bytes, accounts, lines, status, read_to, accepted_at, accepted_by)
   select md5(n::text)::uuid, 'day', 'acme', 'camt053', n::text, 1, '[]', 1, 'matched', '{}', timestamptz '2026-01-01' + n * interval '1 s', 'ann'
   from generate_series(1, $1::int / 100) n`,
  `insert into statement_break (id, kind, statement_id, provider, slip_id, currency, difference, expected, seen, status, opened_at)
   select md5('b' || n)::uuid, 'amount', md5((1 + n % ($1::int / 100))::text)::uuid, 'acme', 'slip-' || n, 'EUR', 1, '', '',
     case when n % 100 = 0 then 'open' when n % 100 = 1 then 'snoozed' else 'resolved' end, timestamptz '2026-01-01' + n * interval '1 s'
   from generate_series(1, $1::int) n`,
  `insert into statement_balance (statement_id, account_n, provider, source, account, name, line, currency, closes_on, opening, closing, first_on, last_on)
   select md5((1 + n % ($1::int / 100))::text)::uuid, n / ($1::int / 100), 'acme', '', 'DE1', n::text, 1, 'EUR', date '2016-01-01' + n, n, n + 1,
     date '2016-01-01' + n, date '2016-01-01' + n from generate_series(1, $1::int) n`,
  `insert into case_bulk (bulk_id, action, details, asked_by, reason, request_key, digest, size)
   select md5('k' || n)::uuid, 'note', '{}', 'ann', '', n::text, '', 1 from generate_series(1, $1::int / 100) n`,
  `insert into case_action (action_id, bulk_id, slip_id, partition, action, details, asked_by, reason, asked_at, status, finished_at)
   select md5('a' || n)::uuid, md5('k' || (1 + n % ($1::int / 100)))::uuid, 'slip-' || n, 0, 'note', '{}', 'ann', '',
     timestamptz '2026-01-01' + n * interval '1 s', 'done', now() from generate_series(1, $1::int) n`,
  `insert into dead_letter (consumer_group, topic, partition, kafka_offset, key, value, headers, reason, error_class, detail, attempts, park_key)
   select 'reconciliation', 'slips.events.v1', n % 12, n, convert_to('slip-' || n, 'UTF8'), '', '{}', 'failed', '', '', 1, 'slip-' || n
   from generate_series(1, $1::int) n`,
];
const growing = [
  ...[
    'case_file',
    'missed_slip',
    'waiting_slip',
    'incident',
    'statement',
    'statement_break',
    'statement_balance',
  ],
  ...['case_action', 'case_bulk', 'dead_letter'],
];

let database: DatabaseUnderTest;
let watched: UnitOfWork;
let reads: Reads;
let incidents: IncidentReads;
let statements: StatementViews;
let desk: ActionDesk;
let letters: DeadLetters;
const plans = new Plans();

beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
  for (const sql of fill) await database.unitOfWork.query(sql, [rows]);
  for (const table of growing) await database.unitOfWork.query(`analyze ${table}`);
  const unitOfWork = plans.watched(database.unitOfWork);
  watched = unitOfWork;
  const unasked = () => {
    throw new Error('not asked');
  };
  reads = createReads(unitOfWork, 12);
  incidents = createIncidentReads(unitOfWork);
  statements = statementViews({ unitOfWork, publish: unasked, publishOps: unasked, acted: unasked });
  desk = createActionDesk({ unitOfWork, encode: unasked, newId: unasked, partitionOf: unasked });
  letters = new DeadLetters(unitOfWork, () => []);
}, 300_000);
afterAll(() => database?.close());

const middle = '2026-01-01T02:00:00.000000Z';
const uuid = '80000000-0000-4000-8000-000000000000';
const placesOf = (id: string): (Place | null)[] => [
  null,
  { at: middle, id, back: false },
  { at: middle, id, back: true },
];

/** No table that grows is read whole: neither by a scan of it nor, where `most` is said, by one of its indexes. */
async function expectBounded(ask: () => Promise<unknown>, most = all): Promise<void> {
  const scans: readonly Scan[] = await plans.scansOf(ask);
  expect(scans.filter(({ table, by }) => by === 'Seq Scan' && growing.includes(table))).toEqual([]);
  expect(scans.filter(({ table, rows: looked }) => growing.includes(table) && looked > most)).toEqual([]);
}

/** Rows that a page looks at which an index leads to, and one that judges as it goes. */
const few = 400;
const all = Number.POSITIVE_INFINITY;
const anyCase: CaseFilter = {
  ...{ status: null, cause: null, provider: null, assignee: null, reason: null },
  ...{ unassigned: null, escalated: null, minAgeS: null, incident: null },
};
it.each<[Partial<CaseFilter>, number]>([
  [{}, few],
  [{ status: 'open' }, few],
  [{ status: 'open', provider: 'nobody' }, few],
  [{ status: 'open', unassigned: true, escalated: true, minAgeS: 60 }, few],
  [{ status: 'closed' }, few],
  [{ incident: 'incident-7' }, few],
  [{ cause: 'nothing' }, all],
  [{ provider: 'nobody' }, all],
  [{ assignee: 'nobody' }, all],
  [{ reason: 'nothing' }, all],
  [{ unassigned: true }, all],
  [{ escalated: true }, all],
  [{ minAgeS: 1_000_000_000 }, all],
])('a page of cases by %j reads no table whole', async (filter, most) => {
  for (const from of placesOf('slip-7200'))
    await expectBounded(() => reads.cases({ ...anyCase, ...filter }, from, 50), most);
  await expectBounded(() => desk.listed({ filter: { ...anyCase, ...filter } }));
});

const anyAction: ActionFilter = { slipId: null, bulkId: null, status: null, action: null, by: null };
it.each<[Partial<ActionFilter>, number]>([
  [{}, few],
  [{ slipId: 'slip-7' }, few],
  [{ bulkId: uuid }, few],
  [{ status: 'proposed' }, all],
  [{ action: 'refund' }, all],
  [{ by: 'nobody' }, all],
])('neither does one of actions by %j', async (filter, most) => {
  for (const from of placesOf(uuid))
    await expectBounded(() => desk.actions({ ...anyAction, ...filter }, from, 50), most);
});

const anyBreak: BreakFilter = { status: null, type: null, provider: null, statement: null, slip: null };
it.each<[Partial<BreakFilter>, number]>([
  [{}, few],
  [{ status: 'open' }, few],
  [{ status: 'open', provider: 'nobody' }, few],
  [{ status: 'acknowledged' }, few],
  [{ status: 'snoozed' }, few],
  [{ status: 'resolved' }, few],
  [{ status: 'open', slip: 'slip-100' }, few],
  [{ statement: uuid }, few],
  [{ slip: 'slip-7' }, few],
  [{ type: 'missing_line' as BreakFilter['type'] }, few],
  [{ provider: 'nobody' }, few],
])('neither does one of breaks by %j', async (filter, most) => {
  for (const from of placesOf(uuid))
    await expectBounded(() => statements.breaks({ ...anyBreak, ...filter }, from, 50), most);
});

it.each<IncidentFilter>([
  { status: null, provider: null },
  { status: 'open', provider: null },
  { status: 'closed', provider: 'acme' },
])('neither does one of incidents by %j', async (filter) => {
  for (const from of placesOf('incident-7')) await expectBounded(() => incidents.incidents(filter, from, 50));
});

describe('neither does', () => {
  it('one of statements, or of the slips of an incident', async () => {
    for (const from of placesOf(uuid)) await expectBounded(() => statements.statements(from, 50));
    for (const from of placesOf('slip-7'))
      await expectBounded(() => incidents.slips('incident-7', from, 50), few);
  });

  it('one thing', async () => {
    await expectBounded(() => reads.caseOf('slip-7'), few);
    await expectBounded(() => incidents.incident('incident-7'), few);
    await expectBounded(() => statements.statement(uuid), few);
    await expectBounded(() => statements.bridge(uuid), few);
    await expectBounded(() => statements.dayBridges('acme', '2020-01-01'), few);
    await expectBounded(() => letters.one('7'), few);
  });
});

it.each([
  {},
  { topic: 'nothing' },
  { partition: 99 },
  { slip: 'slip-7' },
  { reason: 'unknown_type' },
  { status: 'dismissed' as const },
])('neither does one of dead letters by %j', async (filter) => {
  for (const side of [null, 'after', 'before'] as const)
    await expectBounded(() => letters.list(filter, 50, side && { side, id: '9000' }));
});

it('the look for lines that name a slip reads none whole, however many are read at once', async () => {
  await database.unitOfWork.query(lines, [rows]);
  await database.unitOfWork.query('analyze statement_break');
  const patches = Array.from(
    { length: 300 },
    (_, n): BookedPatch => ({
      ...{
        slipId: `slip-${n}`,
        provider: 'acme',
        providerReference: `theirs-${n}`,
        outcome: null,
        fee: null,
      },
      terms: { kind: 'order', reference: `ref-${n}`, amount: null },
      ...{ dispatchedOn: null, returnedOn: null, returnedBy: null },
    }),
  );
  const work = (tx: Tx) => closeRepaired(tx, patches);
  await expectBounded(() => watched.run(work), few);
  const named = await database.unitOfWork.query('select id from statement_break where is_named');
  expect(named).toHaveLength(299);
});

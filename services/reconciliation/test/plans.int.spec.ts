import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { DeadLetters, type LetterFilter, type Tx, type UnitOfWork } from '@slipstream/postgres';
import { fillTables, Plans, type Scan } from '@slipstream/testing';
import { createActionDesk } from '../src/adapters/postgres/action-desk.ts';
import { withEscalations } from '../src/adapters/postgres/actions-unit.ts';
import { createIncidentReads } from '../src/adapters/postgres/incident-reads.ts';
import { createLookout } from '../src/adapters/postgres/lookout.ts';
import { createReads } from '../src/adapters/postgres/reads.ts';
import { closeRepaired } from '../src/adapters/postgres/repairs.ts';
import { statementViews } from '../src/adapters/postgres/statement-views.ts';
import type { ActionDesk, ActionFilter } from '../src/application/actions/ports.ts';
import type { IncidentFilter, IncidentReads } from '../src/application/incidents/reads.ts';
import type { Place } from '../src/application/newest-first.ts';
import type { CaseFilter, Reads } from '../src/application/reads.ts';
import type { BreakFilter, StatementViews } from '../src/application/statements/ports.ts';
import { noWords, type Words } from '../src/application/words.ts';
import type { BookedPatch } from '../src/domain/statement/booked-fold.ts';
import type { BreakType } from '../src/domain/statement/breaks.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';
import { fullCases } from './full-cases.ts';

const environment = sharedEnvironment();
/** More than a page of cases or actions looks at. */
const rows = 12_000;
const growing: readonly string[] = fullCases.tables;
/** Lines that were of no slip, each with the names that it has. */
const lines = `insert into statement_break (id, kind, statement_id, provider, currency, difference, expected, seen, status, opened_at, names)
   select md5('m' || n)::uuid, 'missing_here', md5((1 + n % ($1::int / 100))::text)::uuid, 'acme', 'EUR', 1, '', '', 'open',
     timestamptz '2026-01-01' + n * interval '1 s', array['ours-' || n, 'theirs-' || n] from generate_series(1, $1::int) n`;

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
  await fillTables(database.unitOfWork, fullCases, rows);
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
const examined = 5_000;
const all = Number.POSITIVE_INFINITY;
const only = <Word extends string>(word: Word): Words<Word> => ({ any: [word], none: [] });
const anyCase: CaseFilter = {
  ...{ status: noWords, cause: noWords, provider: noWords, assignee: noWords, reason: noWords },
  ...{ unassigned: null, escalated: null, minAgeS: null, incident: null },
};
it.each<[Partial<CaseFilter>, number]>([
  [{}, few],
  [{ status: only('open') }, few],
  [{ status: only('open'), provider: only('nobody') }, few],
  [{ status: only('open'), unassigned: true, escalated: true, minAgeS: 60 }, few],
  [{ status: only('closed') }, few],
  [{ incident: 'incident-7' }, few],
  [{ cause: only('nothing') }, examined],
  [{ provider: only('nobody') }, examined],
  [{ assignee: only('nobody') }, examined],
  [{ reason: only('nothing') }, examined],
  [{ unassigned: true }, examined],
  [{ escalated: true }, examined],
  [{ minAgeS: 1_000_000_000 }, examined],
  [{ provider: { any: ['nobody', 'else'], none: ['acme'] } }, examined],
  [{ reason: { any: [], none: ['nothing'] } }, examined],
])('a page of cases by %j reads no table whole', async (filter, most) => {
  for (const from of placesOf('slip-7200'))
    await expectBounded(() => reads.cases({ ...anyCase, ...filter }, from, 50), most);
  await expectBounded(() => desk.listed({ filter: { ...anyCase, ...filter } }));
});

it.each<[Partial<CaseFilter>, (n: number) => boolean]>([
  [{}, () => true],
  [{ provider: only('provider-3') }, (n) => n % 5 === 3],
  [{ provider: only('provider-3'), status: only('closed') }, (n) => n % 5 === 3],
  [{ incident: 'incident-7', provider: only('provider-3') }, (n) => n % 5 === 3 && n >= 140 && n < 160],
  [{ assignee: only('nobody') }, () => false],
  [{ provider: { any: ['provider-1', 'provider-3'], none: [] } }, (n) => n % 5 === 1 || n % 5 === 3],
  [
    { provider: { any: [], none: ['provider-3'] }, status: { any: [], none: ['open'] } },
    (n) => n % 5 !== 3 && n % 100 !== 0,
  ],
  [{ status: { any: ['open'], none: ['open'] } }, () => false],
])('pages of cases by %j have each of them once, both ways', async (filter, isAsked) => {
  const unwatched = createReads(database.unitOfWork, 12);
  const expected = Array.from({ length: rows }, (_, n) => rows - n).filter(isAsked);
  for (const back of [false, true]) {
    const found: string[] = [];
    let from: Place | null = back ? { at: '2026-01-01T00:00:00.000000Z', id: '', back } : null;
    do {
      const page = await unwatched.cases({ ...anyCase, ...filter }, from, 700);
      const shown = page.items.map(({ slipId }) => slipId);
      if (back) found.unshift(...shown);
      else found.push(...shown);
      from = back ? page.previous : page.next;
    } while (from !== null);
    expect(found).toEqual(expected.map((n) => `slip-${n}`));
  }
});

const anyAction: ActionFilter = { slipId: null, bulkId: null, status: null, action: null, by: null };
it.each<[Partial<ActionFilter>, number]>([
  [{}, few],
  [{ slipId: 'slip-7' }, few],
  [{ bulkId: uuid }, few],
  [{ status: 'proposed' }, examined],
  [{ action: 'refund' }, examined],
  [{ by: 'nobody' }, examined],
])('neither does one of actions by %j', async (filter, most) => {
  for (const from of placesOf(uuid))
    await expectBounded(() => desk.actions({ ...anyAction, ...filter }, from, 50), most);
});

const anyBreak: BreakFilter = {
  ...{ status: noWords, type: noWords, provider: noWords },
  ...{ statement: null, slip: null },
};
it.each<[Partial<BreakFilter>, number]>([
  [{}, few],
  [{ status: only('open') }, few],
  [{ status: only('open'), provider: only('nobody') }, few],
  [{ status: only('acknowledged') }, few],
  [{ status: only('snoozed') }, few],
  [{ status: only('resolved') }, few],
  [{ status: only('open'), slip: 'slip-100' }, few],
  [{ statement: uuid }, few],
  [{ slip: 'slip-7' }, few],
  [{ type: only('missing_line' as BreakType) }, few],
  [{ provider: only('nobody') }, few],
  [
    { status: { any: ['acknowledged', 'snoozed'], none: [] }, provider: { any: [], none: ['acme'] } },
    examined,
  ],
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

it.each<[LetterFilter, number]>([
  [{}, few],
  [{ topic: 'nothing' }, all],
  [{ partition: 99 }, all],
  [{ slip: 'slip-7' }, few],
  [{ reason: 'unknown_type' }, few],
  [{ reason: 'none has it' }, few],
  [{ status: 'dismissed' }, few],
])('neither does one of dead letters by %j', async (filter, most) => {
  for (const side of [null, 'after', 'before'] as const)
    await expectBounded(() => letters.list(filter, 50, side && { side, id: '9000' }), most);
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

it('what is due is looked for without a look at what is not due yet', async () => {
  await database.unitOfWork.query(
    `insert into open_slip (slip_id, partition, clock, deadline, due_at, verdict, awaits_hold, next_step, next_step_at, finished, state, observations)
     select 'later-' || n, 0, 'wall', now(), now(), 'overdue', false, 'inquire', now() + n * interval '1 minute', false, '{}', '{}'
     from generate_series(1, ${rows}) n`,
  );
  await database.unitOfWork.query('analyze open_slip');
  const lookout = createLookout(watched, { group: 'reconciliation', topic: 'slips.events.v1' });
  const steps = await plans.scansOf(() => lookout.withStepsDue(new Map([[0, middle]])));
  expect(steps.filter(({ table, rows: looked }) => table === 'open_slip' && looked > 10)).toEqual([]);
  const tenYears = 10 * 365 * 86_400_000;
  const young = await plans.scansOf(() => withEscalations(watched, [0, 1, 2, 3], tenYears));
  expect(young.filter(({ table, rows: looked }) => table === 'case_file' && looked > 10)).toEqual([]);
});

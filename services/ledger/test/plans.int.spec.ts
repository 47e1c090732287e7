import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { slipStatuses } from '@slipstream/slip';
import { ledgerQueries } from '../src/adapters/postgres/ledger-queries.ts';
import { suspenseReads } from '../src/adapters/postgres/suspense.ts';
import {
  type LedgerQueries,
  type SlipField,
  type SlipFilter,
  slipFields,
} from '../src/application/queries.ts';
import type { SuspenseReads } from '../src/application/suspense/ports.ts';
import { type Books, noWaits, openBooks } from './books.ts';
import { at } from './builders.ts';
import { fillBooks } from './full-books.ts';

const environment = sharedEnvironment();
/** Slips in the books: twice what a page looks at, and more. */
const slips = 40_000;
const examinedMax = 10_000;
/** Tables that grow with the number of slips. */
const growing = new Set(['slip', 'event_log', 'entry', 'account', 'suspense_decision']);

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Node[];
}

let books: Books;
let queries: LedgerQueries;
let suspense: SuspenseReads;
/** What was asked since {@link plansOf} began, as PostgreSQL went about it. */
let plans: Node[] = [];

const decisionsSql = `
insert into suspense_decision (decision_id, slip_id, decision, reason, proposed_by, proposed_at, request_key, digest)
select gen_random_uuid(), 'slip-' || n, 'uphold', '', 'ann', timestamptz '2026-01-01' + n * interval '1 s', n::text, ''
  from generate_series(1, $1::int) n`;

beforeAll(async () => {
  books = await openBooks(environment().databaseUrl);
  await fillBooks(books.unitOfWork, slips);
  await books.unitOfWork.query(decisionsSql, [slips / 2]);
  await books.unitOfWork.query('analyze suspense_decision');
  const explain = async (tx: Pick<Tx, 'query'>, sql: string, parameters?: unknown[]) => {
    const [row] = await tx.query<{ 'QUERY PLAN': { Plan: Node }[] }>(
      `explain (analyze, timing off, format json) ${sql}`,
      parameters,
    );
    plans.push(row!['QUERY PLAN'][0]!.Plan);
  };
  const watched =
    (tx: Pick<Tx, 'query'>): Tx['query'] =>
    async (sql, parameters) => {
      if (/^\s*(select|with)/i.test(sql)) await explain(tx, sql, parameters);
      return tx.query(sql, parameters);
    };
  const { unitOfWork } = books;
  const asking = {
    run: <T>(work: (tx: Tx) => Promise<T>) =>
      unitOfWork.run((tx) => work({ ...tx, query: watched(tx) } as Tx)),
    query: watched(unitOfWork as Pick<Tx, 'query'>),
  };
  queries = ledgerQueries(asking as unknown as UnitOfWork, noWaits);
  suspense = suspenseReads(asking as unknown as UnitOfWork);
}, 300_000);
afterAll(() => books?.close());

/** Every scan of a table that grows, and how many of its rows it looked at. */
function scansIn(nodes: readonly Node[]): { table: string; by: string; rows: number }[] {
  return nodes.flatMap((node) => {
    const table = node['Relation Name'];
    const looked = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
    const own = table && growing.has(table) ? [{ table, by: node['Node Type'], rows: looked }] : [];
    return [...own, ...scansIn(node.Plans ?? [])];
  });
}

async function scansOf(ask: () => Promise<unknown>) {
  plans = [];
  await ask();
  expect(plans.length).toBeGreaterThan(0);
  const scans = scansIn(plans);
  expect(scans.filter(({ by }) => by === 'Seq Scan')).toEqual([]);
  return scans;
}

const values: Partial<Record<SlipField, string[]>> = {
  reference: ['ord-77', 'ord-78'],
  reference_prefix: ['ord-777'],
  account: ['cust-7'],
  counterparty: ['shop-7'],
  provider: ['provider-3'],
  provider_reference: ['p-1'],
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

async function expectBounded(filter: Partial<SlipFilter>): Promise<void> {
  for (const order of ['asc', 'desc'] as const) {
    const start = await queries.slips(anything, order, { limit: 1, from: null });
    const known = start.next![2]!;
    for (const side of [null, 'after', 'before'] as const) {
      const from = side && { side, key: [...middle, known] };
      const scans = await scansOf(() =>
        queries.slips({ ...anything, ...filter }, order, { limit: 50, from }),
      );
      const looked = scans.filter(({ table }) => table === 'slip').reduce((sum, { rows }) => sum + rows, 0);
      expect([filter, order, side, looked <= examinedMax + 200]).toEqual([filter, order, side, true]);
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

it('neither does one by time, amount, metadata, caller or clock', async () => {
  await expectBounded({});
  await expectBounded({ submittedFrom: '2026-01-01T03:00:00Z', submittedTo: '2026-01-01T06:00:00Z' });
  await expectBounded({ deadlineFrom: at(1), deadlineTo: at(2) });
  await expectBounded({ amountMin: 39_000n, amountMax: 39_001n });
  await expectBounded({ metadata: [{ key: 'a', values: ['b'], isNot: false }] });
  await expectBounded({ caller: 'nobody' });
  await expectBounded({ clock: 'import-1' });
  await expectBounded({ clock: 'nowhere' });
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
  for (const filter of [{}, { account: 'cust-7' }, { provider: 'provider-3' }, { proposed: true }]) {
    for (const from of [null, { side: 'after' as const, key: middle }])
      await scansOf(() => suspense.list({ clock: 'wall', ...filter }, { limit: 50, from }));
  }
  const decisions = await scansOf(() => suspense.decisions({}, { limit: 50, from: null }));
  expect(decisions.every(({ rows }) => rows <= 60)).toBe(true);
  await scansOf(() => suspense.decisions({ slip: 'slip-7' }, { limit: 50, from: null }));
  for (const grouping of ['provider', 'cause', 'hour'] as const) {
    await scansOf(() => queries.notReturned(anything, grouping));
  }
});

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, test } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, UnitOfWork } from '@slipstream/postgres';
import { fillTables, Plans } from '@slipstream/testing';
import { postgresStore } from '../src/adapters/postgres/store.ts';
import type { Store } from '../src/application/ports.ts';
import {
  type Unmatched,
  type UnmatchedFilter,
  type UnmatchedPage,
  type UnmatchedPlace,
  unmatchedReasons,
} from '../src/application/unmatched.ts';
import { fullUnmatched } from './support/full-unmatched.ts';
import { storeOptions } from './support/harness.ts';

const environment = sharedEnvironment();
const rows = 6_000;
const growing: readonly string[] = fullUnmatched.tables;

let destroy = async () => {};
let unitOfWork: UnitOfWork;
let store: Store;
const plans = new Plans();

beforeAll(async () => {
  const url = await createDatabase(environment().databaseUrl, 'gateway_plans');
  const dataSource = await openDataSource({ url, applicationName: 'gateway-test', poolMax: 2 });
  destroy = async () => void (await dataSource.destroy());
  const directory = fileURLToPath(new URL('../migrations', import.meta.url));
  await migrate(dataSource, [coreMigrations, { scope: 'provider-gateway', directory }]);
  unitOfWork = new UnitOfWork(dataSource);
  await fillTables(unitOfWork, fullUnmatched, rows);
  store = postgresStore(plans.watched(unitOfWork), storeOptions);
});
afterAll(() => destroy());

const anything: UnmatchedFilter = { kind: null, reason: null, sender: null };
const page = (filter: Partial<UnmatchedFilter>, after: UnmatchedPlace | null, limit = 50) =>
  store.run((tx) => tx.unmatched({ ...anything, ...filter }, after, limit));

const middle = '2026-01-01T00:50:00.000000Z';
const places: (UnmatchedPlace | null)[] = [
  null,
  { receivedAt: middle, kind: 'callback', sender: 'acme', id: 'wh-3000' },
  { receivedAt: middle, kind: 'report', sender: 'shop', id: 'r-3000' },
  { receivedAt: middle, kind: 'statement_line', sender: 'acme', id: '2026-01-04:3000' },
];

it.each<[Partial<UnmatchedFilter>, number]>([
  [{}, 60],
  [{ kind: 'callback' }, 60],
  [{ kind: 'report' }, 60],
  [{ kind: 'statement_line' }, 60],
  ...unmatchedReasons.map((reason): [Partial<UnmatchedFilter>, number] => [{ reason }, 2_000]),
  [{ sender: 'acme' }, 2_000],
  [{ sender: 'nobody' }, 2_000],
  [{ kind: 'callback', reason: 'unreadable', sender: 'rare' }, 2_000],
])(
  'a page of what has no slip by %j reads no table whole, and looks at a bounded number of rows',
  async (filter, most) => {
    for (const after of places) {
      const scans = await plans.scansOf(() => page(filter, after));
      const asked = scans.filter(({ table }) => growing.includes(table));
      expect(asked.filter(({ by, rows: looked }) => by === 'Seq Scan' || looked > most)).toEqual([]);
    }
  },
);

async function all(filter: Partial<UnmatchedFilter>, limit: number): Promise<Unmatched[]> {
  const found: Unmatched[] = [];
  for (let after: UnmatchedPlace | null = null, isFirst = true; isFirst || after !== null; isFirst = false) {
    const { data, next }: UnmatchedPage = await page(filter, after, limit);
    expect(data.length).toBeLessThanOrEqual(limit);
    found.push(...data);
    after = next;
  }
  return found;
}
const named = ({ receivedAt, kind, sender, id }: Unmatched) => `${receivedAt} ${kind} ${sender} ${id}`;

it.each<[Partial<UnmatchedFilter>, number, number]>([
  [{}, 3 * rows, 700],
  [{ kind: 'statement_line' }, rows, 1_000],
  [{ sender: 'rare' }, 240, 100],
  [{ reason: 'waits_for_slip' }, 60, 7],
  [{ reason: 'no_slip' }, rows - 60, 1_000],
  [{ reason: 'unreadable' }, 1, 50],
  [{ reason: 'other_provider', kind: 'callback' }, 60, 50],
])('pages by %j have each of them once, the oldest first', async (filter, count, limit) => {
  const found = await all(filter, limit);
  expect(found).toHaveLength(count);
  const names = found.map(named);
  expect(new Set(names).size).toBe(count);
  expect(found.map(({ receivedAt, kind }) => `${receivedAt} ${kind}`)).toEqual(
    found.map(({ receivedAt, kind }) => `${receivedAt} ${kind}`).toSorted(),
  );
});

test('what is due is taken without a look at what is not due yet', async () => {
  const expectFew = async (name: string, ask: () => Promise<unknown>) => {
    const scans = await plans.scansOf(ask);
    expect(scans.filter(({ table, rows: looked }) => table === name && looked > 10)).toEqual([]);
  };
  const later = "now() + interval '1 hour' + n * interval '1 s'";
  await unitOfWork.query(`update dispatch set poll_at = now() + interval '1 hour'`);
  await unitOfWork.query('analyze dispatch');
  // Asked before there are questions: one that is due answers it at once.
  await expectFew('dispatch', () => store.run((tx) => tx.dispatches.anyInHand()));
  await unitOfWork.query(
    `insert into inquiry (slip_id, n, provider, status, due_at) select 's-' || n, n % 2, 'acme', 'due', ${later} from generate_series(1, ${rows}) n`,
  );
  await unitOfWork.query(
    `insert into denial (slip_id, attempt, provider, kept, recheck_at) select 's-' || n, 1, 'acme', '{}', ${later} from generate_series(1, ${rows}) n`,
  );
  await unitOfWork.query('analyze inquiry, denial');
  const [free, leases] = [new Map([['acme', 32]]), new Map([['acme', 1_000]])];
  const asked: [string, () => Promise<unknown>][] = [
    ['dispatch', () => store.run((tx) => tx.dispatches.claimPolls(free, leases))],
    ['inquiry', () => store.run((tx) => tx.inquiries.claimDue(free, leases))],
    ['denial', () => store.run((tx) => tx.proofs.claimRechecks(free, leases))],
  ];
  for (const [name, ask] of asked) await expectFew(name, ask);
});

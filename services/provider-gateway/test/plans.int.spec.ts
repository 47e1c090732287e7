import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase, sharedEnvironment } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, UnitOfWork } from '@slipstream/postgres';
import { Plans } from '@slipstream/testing';
import { postgresStore } from '../src/adapters/postgres/store.ts';
import type { Store } from '../src/application/ports.ts';
import {
  type Unmatched,
  type UnmatchedFilter,
  type UnmatchedPage,
  type UnmatchedPlace,
  unmatchedReasons,
} from '../src/application/unmatched.ts';
import { storeOptions } from './support/harness.ts';

const environment = sharedEnvironment();
/** Of each kind; a third of them came at the same time as one of another kind. */
const rows = 6_000;
const at = "timestamptz '2026-01-01' + n * interval '1 s'";
const fill = [
  `insert into dispatch (slip_id, partition, clock, caller, reference, kind, account, counterparty, amount, currency, route, mode, provider,
     deadline, policy, traceparent, status, attempt, not_after, next_at, sent_maybe, acknowledged, closed_for_dispatch, refunded, seen_results)
   select 's-' || n, 3, 'wall', 'shop', 'ord-' || n, 'order', 'cust-42', 'shop-7', 1250, 'EUR', 'default', 'dispatched', 'acme',
     now() + interval '1 hour', '{}', '', 'returned', 1, now(), null, false, false, false, false, '{}' from generate_series(1, $1::int) n`,
  `insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
   select case when n % 100 = 0 then 'rare' else 'acme' end, 'wh-' || n, case when n % 2 = 0 then 's-' || n else 'none-' || n end, ${at}, 'said',
     case when n % 4 = 0 then 'orphan' else 'done' end from generate_series(1, 4 * $1::int) n`,
  `insert into parked_result (caller, result_id, reference, clock, received_at, position, data, orphan_at)
   select 'shop', 'r-' || n, 'rep-' || n, 'wall', ${at}, 0, '{}', case when n % 100 > 0 then now() end from generate_series(1, $1::int) n`,
  `insert into statement_line (provider, day, line, slip_id, received_at, said, problem)
   select 'acme', date '2026-01-01' + n / 1000, n, 's-' || n, ${at}, 'said', case when n = 17 then 'no amount' end
   from generate_series(1, $1::int) n`,
];
const growing = ['dispatch', 'callback', 'parked_result', 'statement_line'];

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
  for (const sql of fill) await unitOfWork.query(sql, [rows]);
  for (const table of growing) await unitOfWork.query(`analyze ${table}`);
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

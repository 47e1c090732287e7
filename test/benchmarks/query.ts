import { fileURLToPath } from 'node:url';
import { createDatabase } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, UnitOfWork } from '@slipstream/postgres';
import { ledgerQueries } from '../../services/ledger/src/adapters/postgres/ledger-queries.ts';
import {
  type AccountFilter,
  type LedgerQueries,
  type SlipField,
  type SlipFilter,
  slipFields,
} from '../../services/ledger/src/application/queries.ts';
import { fillBooks } from '../../services/ledger/test/full-books.ts';
import { withServers } from './core.ts';
import { type Spread, spread } from './measure.ts';
import { aligned, writeResult } from './report.ts';

export interface QueryOptions {
  /** Slips in the books; the first is what the others are held against. */
  readonly slips: readonly number[];
  /** How often each question is asked. */
  readonly rounds: number;
  readonly jsonFile: string;
}

/** A question may take so many times as long with many slips as with few. */
const ratioMax = 3;
/** Less is noise. */
const leastMs = 2;

const noWaits = {
  waitFor: () => Promise.reject(new Error('not asked')),
  logMoved: () => Promise.reject(new Error('not asked')),
};
const anything: SlipFilter = { clock: 'wall', terms: [], metadata: [], caller: null };
const page = { limit: 50, from: null };

/** One that most slips fit, one that few do, and one that none does. */
const values: Readonly<Record<SlipField, readonly string[]>> = {
  reference: ['ord-77'],
  reference_prefix: ['ord-77', 'none'],
  account: ['cust-7', 'nobody'],
  counterparty: ['shop-7', 'nobody'],
  provider: ['provider-3', 'nobody'],
  provider_reference: ['p-777', 'none'],
  route: ['default', 'none'],
  kind: ['order', 'payout'],
  currency: ['EUR', 'USD'],
  status: ['settled', 'held', 'refunded', 'draft'],
  outcome: ['succeeded', 'void'],
  cause: ['callback_lost', 'network'],
  cause_code: ['callback_lost', 'none'],
  case: ['open', 'none', 'closed'],
  overdue: ['true', 'false'],
  not_returned: ['true', 'false'],
  lacks: ['cause', 'amount'],
};

const accounts: readonly Partial<AccountFilter>[] = [
  {},
  { owner: 'cust-7' },
  { kind: 'receivable' },
  { kind: 'held', currency: 'KWD' },
  { clock: 'nowhere' },
];

function questions(queries: LedgerQueries): Readonly<Record<string, () => Promise<unknown>>> {
  const list = (filter: Partial<SlipFilter>) => () => queries.slips({ ...anything, ...filter }, 'desc', page);
  const terms = slipFields.flatMap((field) =>
    values[field].map(
      (value) =>
        [`slips by ${field}=${value}`, list({ terms: [{ field, values: [value], isNot: false }] })] as const,
    ),
  );
  return {
    'one slip': () => queries.slip('slip-777'),
    'the events of a slip': () => queries.events('slip-777', page),
    'the transactions of a slip': () => queries.transactions({ slip: 'slip-777' }, page),
    'slips, the latest': list({}),
    'slips of an hour': list({ submittedFrom: '2026-01-01T01:00:00Z', submittedTo: '2026-01-01T02:00:00Z' }),
    'slips by metadata that none has': list({ metadata: [{ key: 'a', values: ['b'], isNot: false }] }),
    'slips by metadata that half have': list({
      metadata: [{ key: 'channel', values: ['web'], isNot: false }],
    }),
    ...Object.fromEntries(
      accounts.map((filter) => [
        `accounts by ${JSON.stringify(filter)}`,
        () => queries.accounts({ clock: 'wall', ...filter }, page),
      ]),
    ),
    'transactions of a payer': () => queries.transactions({ account: { id: 'cust-7', clock: 'wall' } }, page),
    'transactions of a provider': () =>
      queries.transactions({ account: { id: 'provider:provider-3:settlement', clock: 'wall' } }, page),
    'slips by an amount that none has': list({ amountMin: 10n ** 18n }),
    ...Object.fromEntries(terms),
  };
}

/** What questions take with ever more slips in the books: a page of each list with each filter, and a slip. */
export async function query(options: QueryOptions, say: (line: string) => void): Promise<boolean> {
  const measured = new Map<string, Spread[]>();
  await withServers(1, async ({ databaseUrl }) => {
    for (const slips of options.slips) {
      say(`${slips.toLocaleString('en')} slips`);
      const url = await createDatabase(databaseUrl, `query_${slips}`);
      const dataSource = await openDataSource({ url, applicationName: 'bench', poolMax: 4 });
      try {
        const directory = fileURLToPath(new URL('../../services/ledger/migrations', import.meta.url));
        await migrate(dataSource, [coreMigrations, { scope: 'ledger', directory }]);
        const unitOfWork = new UnitOfWork(dataSource);
        await fillBooks(unitOfWork, slips);
        for (const [name, ask] of Object.entries(questions(ledgerQueries(unitOfWork, noWaits)))) {
          measured.set(name, [...(measured.get(name) ?? []), await millisecondsOf(ask, options.rounds)]);
        }
      } finally {
        await dataSource.destroy();
      }
    }
  });
  const rows = [...measured].map(([name, spreads]) => {
    const [first, ...others] = spreads.map(({ median }) => Math.max(median, leastMs));
    const ratio = Math.max(1, ...others.map((one) => one / first!));
    return { name, milliseconds: spreads, ratio, holds: ratio <= ratioMax };
  });
  const heads = options.slips.map((slips) => `ms at ${slips.toLocaleString('en')}`);
  const cells = rows.map(({ name, milliseconds, ratio, holds }) => [
    name,
    ...milliseconds.map(({ median }) => median.toFixed(1)),
    ratio.toFixed(1),
    holds ? 'holds' : 'MISSED',
  ]);
  console.log(aligned([['question', ...heads, 'ratio', `<= ${ratioMax}`], ...cells]));
  const charts = options.slips.map((_, i) => ({
    title: heads[i]!,
    bars: rows.map(({ name, milliseconds }) => ({ name, value: milliseconds[i]!.median })),
  }));
  writeResult(options.jsonFile, { options, rows }, charts);
  return rows.every(({ holds }) => holds);
}

/** The first answer warms up what the others find. */
async function millisecondsOf(ask: () => Promise<unknown>, rounds: number): Promise<Spread> {
  await ask();
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await ask();
    taken.push(performance.now() - started);
  }
  return spread(taken);
}

import { fileURLToPath } from 'node:url';
import { createDatabase } from '@slipstream/environment';
import { coreMigrations, migrate, openDataSource, UnitOfWork } from '@slipstream/postgres';
import { fillTables } from '@slipstream/testing';
import pg from 'pg';
import { fullReviews } from '../../services/intake/test/full-reviews.ts';
import { fillBooks } from '../../services/ledger/test/full-books.ts';
import { fullUnmatched } from '../../services/provider-gateway/test/support/full-unmatched.ts';
import { fullCases } from '../../services/reconciliation/test/full-cases.ts';
import { withServers } from './core.ts';
import { type Spread, spread } from './measure.ts';
import { besideBooks, ledgerQuestions } from './query-ledger.ts';
import { gatewayQuestions, intakeQuestions, reconciliationQuestions } from './query-others.ts';
import { aligned, writeResult } from './report.ts';

/** What is asked, by its name. */
export type Questions = Readonly<Record<string, () => Promise<unknown>>>;

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

interface Library {
  readonly service: string;
  fill(unitOfWork: UnitOfWork, slips: number): Promise<void>;
  questions(unitOfWork: UnitOfWork): Questions;
}

/** Every service that has lists; of each slip one thing of each kind that it lists. */
const libraries: readonly Library[] = [
  {
    service: 'ledger',
    async fill(unitOfWork, slips) {
      await fillBooks(unitOfWork, slips);
      await fillTables(unitOfWork, besideBooks, slips);
    },
    questions: ledgerQuestions,
  },
  {
    service: 'intake',
    fill: (unitOfWork, slips) => fillTables(unitOfWork, fullReviews, slips),
    questions: intakeQuestions,
  },
  {
    service: 'provider-gateway',
    fill: (unitOfWork, slips) => fillTables(unitOfWork, fullUnmatched, slips),
    questions: gatewayQuestions,
  },
  {
    service: 'reconciliation',
    fill: (unitOfWork, slips) => fillTables(unitOfWork, fullCases, slips),
    questions: reconciliationQuestions,
  },
];

/** All that is asked, by service and name, of databases that are not there: for whoever looks whether it is all that can be. */
export function questionsOf(unitOfWork: UnitOfWork): string[] {
  return libraries.flatMap(({ questions }) => Object.keys(questions(unitOfWork)));
}

/** What questions take with ever more slips in the books: a page of each list with each filter, and a slip. */
export async function query(options: QueryOptions, say: (line: string) => void): Promise<boolean> {
  const measured = new Map<string, Spread[]>();
  await withServers(1, async ({ databaseUrl }) => {
    for (const slips of options.slips) {
      say(`${slips.toLocaleString('en')} slips`);
      for (const library of libraries) {
        for (const [name, spread] of await askedOf(library, slips, databaseUrl, options.rounds))
          measured.set(name, [...(measured.get(name) ?? []), spread]);
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

/** In a database of its own, which is dropped: the next is as large again. */
async function askedOf(
  { service, fill, questions }: Library,
  slips: number,
  databaseUrl: string,
  rounds: number,
): Promise<(readonly [name: string, spread: Spread])[]> {
  const url = await createDatabase(databaseUrl, `query_${service}`);
  const dataSource = await openDataSource({ url, applicationName: 'bench', poolMax: 4 });
  const measured: (readonly [string, Spread])[] = [];
  try {
    const directory = fileURLToPath(new URL(`../../services/${service}/migrations`, import.meta.url));
    await migrate(dataSource, [coreMigrations, { scope: service, directory }]);
    const unitOfWork = new UnitOfWork(dataSource);
    await fill(unitOfWork, slips);
    for (const [name, ask] of Object.entries(questions(unitOfWork)))
      measured.push([`${service}: ${name}`, await millisecondsOf(ask, rounds)]);
  } finally {
    await dataSource.destroy();
    await dropDatabase(databaseUrl, url);
  }
  return measured;
}

async function dropDatabase(databaseUrl: string, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`drop database ${client.escapeIdentifier(new URL(url).pathname.slice(1))}`);
  await client.end();
}

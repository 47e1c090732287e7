import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { seededRandom } from '@slipstream/kernel';
import { v7 } from 'uuid';
import { readParts } from '../src/adapters/formats/read.ts';
import { toRecords } from '../src/adapters/kafka/outgoing.ts';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { statementStore } from '../src/adapters/postgres/statement-store.ts';
import { statementViews } from '../src/adapters/postgres/statement-views.ts';
import { acceptStatement } from '../src/application/statements/accept-statement.ts';
import { matchStatements } from '../src/application/statements/match-statements.ts';
import type { MatchTurn, StatementSource, StatementStore } from '../src/application/statements/ports.ts';
import type { BreakType } from '../src/domain/statement/breaks.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
/** `LINES=100000` is the size that the product is meant for. */
const linesWanted = Number(process.env.LINES ?? 4_000);
const seed = Number(process.env.SEED ?? 20_261_127);
let database: DatabaseUnderTest;
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
}, 120_000);
afterAll(() => database?.close());

const day = '2026-11-20';
const source: StatementSource = {
  ...{ name: 's', provider: 'acme', format: 'ndjson', terms: { daysMax: 2, tolerances: new Map() } },
  read: (body, name) => readParts(body, { format: 'ndjson', encoding: 'utf-8' }, name),
};

type Fate = BreakType | 'fine' | 'in_parts';
const fates: readonly Fate[] = [
  ...([
    'missing_here',
    'missing_there',
    'amount',
    'currency',
    'status',
    'duplicate',
    'late',
    'fee',
    'in_parts',
  ] as const),
];

/** Slips, the lines that tell of them, and the breaks that were planted: about one slip in twenty has one. */
function play() {
  const random = seededRandom(seed);
  const slips: { id: string; fate: Fate; amount: number }[] = [];
  const lines: object[] = [];
  const planted: string[] = [];
  let sum = 0;
  const line = (
    id: string,
    gross: number,
    more: { net?: number; currency?: string; booked_on?: string } = {},
  ) => {
    const { net = gross, currency = 'EUR', booked_on = day } = more;
    if (currency === 'EUR') sum += net;
    lines.push({ amount: String(net), gross: String(gross), currency, booked_on, references: [`ref-${id}`] });
  };
  while (lines.length < linesWanted) {
    const fate = random.next() < 0.05 ? fates[random.integer(0, fates.length - 1)]! : 'fine';
    const amount = random.integer(100, 1_000_000);
    const id = `slip-${String(slips.length).padStart(7, '0')}`;
    slips.push({ id, fate, amount });
    if (fate === 'missing_there') {
      planted.push(`${fate} ${id}`);
      continue;
    }
    if (fate === 'in_parts') line(id, amount - 40);
    if (fate === 'in_parts') line(id, 40);
    else if (fate === 'amount') line(id, amount - 1);
    else if (fate === 'currency') line(id, amount, { currency: 'USD' });
    else if (fate === 'late') line(id, amount, { booked_on: '2026-11-24' });
    else if (fate === 'fee') line(id, amount, { net: amount - 9 });
    else line(id, amount);
    if (fate === 'duplicate') line(id, amount);
    if (fate === 'missing_here') planted.push(`${fate} null`);
    else if (fate !== 'fine' && fate !== 'in_parts') planted.push(`${fate} ${id}`);
  }
  const closing = [{ amount: String(sum), currency: 'EUR' }];
  const head = { statement: 'all', opening: [{ amount: '0', currency: 'EUR' }], closing };
  const file = Buffer.from([head, ...lines].map((one) => JSON.stringify(one)).join('\n'));
  return {
    slips: slips.filter(({ fate }) => fate !== 'missing_here'),
    file,
    planted,
    lines: lines.length,
    sum,
  };
}

async function keepSlips(slips: ReturnType<typeof play>['slips']): Promise<void> {
  for (let at = 0; at < slips.length; at += 5_000) {
    const some = slips.slice(at, at + 5_000);
    await database.unitOfWork.query(
      `insert into booked_slip (slip_id, partition, provider, kind, reference, amount, currency, outcome, fee, dispatched_on, returned_on)
       select id, 0, 'acme', 'order', 'ref-' || id, amount, 'EUR', outcome, fee, $4::date, $4::date
         from unnest($1::text[], $2::bigint[], $3::text[], $5::bigint[]) as s(id, amount, outcome, fee)`,
      [
        some.map(({ id }) => id),
        some.map(({ amount }) => amount),
        some.map(({ fate }) => (fate === 'status' ? 'failed' : 'succeeded')),
        day,
        some.map(({ fate }) => (fate === 'fee' ? 4 : null)),
      ],
    );
  }
}

test(`finds every planted break of ${linesWanted} lines and invents none, in pages, killed now and then`, async () => {
  const { slips, file, planted, lines, sum } = play();
  await keepSlips(slips);
  const { unitOfWork } = database;
  const real = statementStore({
    ...{ unitOfWork, subscription, publishOps: () => {}, onPutOff: () => {} },
    publish: (tx, events) => tx.publish(toRecords(events)),
  });
  const pages: number[] = [];
  let heapMax = 0;
  let turns = 0;
  const watched = (turn: MatchTurn): MatchTurn => ({
    ...turn,
    async linesAfter(statement, limit) {
      const page = await turn.linesAfter(statement, limit);
      pages.push(page.length);
      return page;
    },
    async slipsAfter(statement, limit) {
      const page = await turn.slipsAfter(statement, limit);
      pages.push(page.reduce((all, one) => all + one.lines.length, 0));
      return page;
    },
  });
  const killed = new Error('killed before the commit');
  const store: StatementStore = {
    accept: real.accept,
    async putOff(_, error) {
      throw error;
    },
    match: (work) =>
      real.match(async (turn) => {
        const result = await work(watched(turn));
        heapMax = Math.max(heapMax, process.memoryUsage().heapUsed);
        if (++turns % 5 === 0) throw killed;
        return result;
      }),
  };
  const given = { source, body: file, digest: v7(), key: v7(), caller: 'ops', requestId: v7() };
  const before = process.memoryUsage().heapUsed;
  const startedMs = performance.now();
  const { id } = await acceptStatement(store, v7, given);
  const acceptedMs = performance.now();
  for (let more = true; more; ) {
    more = await matchStatements(store, new Map([['s', source]])).catch((error: unknown) => {
      if (error !== killed) throw error;
      return true;
    });
  }
  const endedMs = performance.now();
  const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);
  console.log(
    `seed ${seed}: ${lines} lines, accepted in ${Math.round(acceptedMs - startedMs)} ms, matched in ${Math.round(endedMs - acceptedMs)} ms, ` +
      `heap ${mib(before)} to ${mib(heapMax)} MiB`,
  );
  const found = await unitOfWork.query<{ told: string }>(
    `select kind || ' ' || coalesce(slip_id, 'null') as told from statement_break where statement_id = $1`,
    [id],
  );
  expect(found.map(({ told }) => told).sort()).toEqual(planted.sort());
  // So many are in memory, however many lines there are.
  expect(Math.max(...pages)).toBeLessThanOrEqual(1_100);
  const told = await unitOfWork.query<{ type: string; n: number }>(
    "select count(*)::int as n from outbox_event where topic = 'slips.events.v1'",
  );
  const matched =
    lines - planted.filter((one) => one.startsWith('duplicate') || one.startsWith('missing_here')).length;
  const opened = planted.filter((one) => !one.endsWith('null')).length;
  expect(told[0]!.n).toBe(matched + opened);
  const views = statementViews({ unitOfWork, publish: () => {}, publishOps: () => {}, acted: () => {} });
  const bridges = await views.bridge(id);
  const euro = bridges.find(({ currency }) => currency === 'EUR')!;
  expect(euro.days.at(-1)!.closing).toBe(BigInt(sum));
  expect(euro.statedClosing).toBe(String(sum));
}, 500_000);

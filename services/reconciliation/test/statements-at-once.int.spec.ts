import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { v7 } from 'uuid';
import { readParts } from '../src/adapters/formats/read.ts';
import { toRecords } from '../src/adapters/kafka/outgoing.ts';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { saveBooked } from '../src/adapters/postgres/booked-slips.ts';
import { closeRepaired } from '../src/adapters/postgres/repairs.ts';
import { statementStore } from '../src/adapters/postgres/statement-store.ts';
import { acceptStatement } from '../src/application/statements/accept-statement.ts';
import { matchStatements } from '../src/application/statements/match-statements.ts';
import type { StatementSource, StatementStore } from '../src/application/statements/ports.ts';
import type { BookedPatch } from '../src/domain/statement/booked-fold.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
let store: StatementStore;
const putOff: unknown[] = [];
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
  store = statementStore({
    ...{
      unitOfWork: database.unitOfWork,
      subscription,
      publishOps: () => {},
      onPutOff: (error) => putOff.push(error),
    },
    publish: (tx, events) => tx.publish(toRecords(events)),
  });
}, 120_000);
afterAll(() => database?.close());

const day = '2026-11-20';
const source: StatementSource = {
  ...{ name: 's', provider: 'acme', format: 'ndjson', terms: { daysMax: 2, tolerances: new Map() } },
  read: (body, name) => readParts(body, { format: 'ndjson', encoding: 'utf-8' }, name),
};
const sources = new Map([['s', source]]);
const both = new Map([...sources, ['other', { ...source, name: 'other', provider: 'borealis' }]]);

/** A statement that tells 5.00 EUR of the reference. */
async function accept(reference: string, from: 's' | 'other' = 's'): Promise<string> {
  const line = { amount: '500', currency: 'EUR', booked_on: day, references: [reference] };
  const body = Buffer.from([{ statement: v7() }, line].map((one) => JSON.stringify(one)).join('\n'));
  const given = { source: both.get(from)!, body, digest: v7(), key: v7(), caller: 'ops', requestId: v7() };
  return (await acceptStatement(store, v7, given)).id;
}

async function slip(told: Partial<BookedPatch> = {}): Promise<BookedPatch> {
  const slipId = v7();
  const terms = {
    ...({ kind: 'order', reference: `ref-${slipId}` } as const),
    amount: { amount: 500n, currency: 'EUR' },
  };
  const patch: BookedPatch = {
    ...{ slipId, terms, provider: 'acme', providerReference: null, outcome: null, fee: null },
    ...{ dispatchedOn: day, returnedOn: null, returnedBy: null, ...told },
  };
  await read(patch);
  return patch;
}

/** As the owner of the slip's partition does. */
const read = (patch: BookedPatch) =>
  database.unitOfWork.run(async (tx) => {
    saveBooked(tx, 0, 1, [patch], ['acme']);
    tx.publish(toRecords(await closeRepaired(tx, [patch.slipId])));
  });

const succeeded = { outcome: 'succeeded', returnedOn: day, returnedBy: 'e' } as const;

async function matchAll(): Promise<void> {
  while (await matchStatements(store, sources));
}

/** An instance that has looked at slips, and gets no further until `meanwhile` is done. */
async function matchAllBut(meanwhile: () => Promise<void>): Promise<void> {
  let isOver = false;
  const slow: StatementStore = {
    ...{ accept: store.accept, putOff: store.putOff },
    match: (work) =>
      store.match((turn) =>
        work({
          ...turn,
          async slipsAfter(statement, limit) {
            const slips = await turn.slipsAfter(statement, limit);
            if (!isOver) await meanwhile();
            isOver = true;
            return slips;
          },
        }),
      ),
  };
  while (await matchStatements(slow, sources));
}

const breaksOf = (slipId: string) =>
  database.unitOfWork.query(
    'select kind, status, resolution from statement_break where slip_id = $1 order by opened_at',
    [slipId],
  );

test('a break is closed by an answer that was read while it was found', async () => {
  const told = await slip();
  await accept(told.terms!.reference);
  await matchAllBut(() => read({ ...told, ...succeeded }));
  expect(await breaksOf(told.slipId)).toEqual([
    { kind: 'status', status: 'resolved', resolution: 'repaired' },
  ]);
});

test('two instances take no slip for unpaid that two statements tell', async () => {
  const { slipId, terms } = await slip(succeeded);
  await accept(terms!.reference);
  await accept(terms!.reference);
  await matchAllBut(matchAll);
  await matchAll();
  expect(await breaksOf(slipId)).toEqual([{ kind: 'duplicate', status: 'open', resolution: null }]);
});

test('a slip of which nothing is told but by a statement is matched', async () => {
  const { slipId, terms } = await slip({ dispatchedOn: null });
  const id = await accept(terms!.reference);
  await matchAll();
  expect(await breaksOf(slipId)).toEqual([{ kind: 'status', status: 'open', resolution: null }]);
  const matched = await database.unitOfWork.query('select status from statement where id = $1', [id]);
  expect(matched).toEqual([{ status: 'matched' }]);
});

test('a slip that a statement has named stays known when it is given to a provider without statements', async () => {
  const named = await slip();
  await accept(named.terms!.reference);
  await matchAll();
  const other = await slip();
  for (const { slipId } of [named, other])
    await read({ ...named, slipId, terms: null, provider: 'other', dispatchedOn: day });
  const kept = await database.unitOfWork.query<{ slip_id: string }>(
    'select slip_id from booked_slip where slip_id = any($1::text[])',
    [[named.slipId, other.slipId]],
  );
  expect(kept).toEqual([{ slip_id: named.slipId }]);
});

test('a statement that cannot be matched says why, is tried again later, and keeps no other provider’s waiting', async () => {
  const { terms } = await slip(succeeded);
  const stuck = await accept(terms!.reference);
  const other = await accept(terms!.reference, 'other');
  const wrong = new Error('a fault of ours');
  let fails = true;
  const failing: StatementStore = {
    ...store,
    match: (work) =>
      store.match((turn) =>
        work({
          ...turn,
          async linesAfter(statement, limit) {
            if (fails && statement.id === stuck) throw wrong;
            return turn.linesAfter(statement, limit);
          },
        }),
      ),
  };
  const shown = async (id: string) =>
    (
      await database.unitOfWork.query<object>(
        'select status, tries, problem, due_at > clock_timestamp() as later from statement where id = $1',
        [id],
      )
    )[0];
  while (await matchStatements(failing, both));
  expect(putOff).toEqual([wrong]);
  expect(await shown(stuck)).toEqual({
    status: 'accepted',
    tries: 1,
    problem: 'a fault of ours',
    later: true,
  });
  expect(await shown(other)).toMatchObject({ status: 'matched' });
  fails = false;
  await database.unitOfWork.query("update statement set due_at = '-infinity' where id = $1", [stuck]);
  while (await matchStatements(failing, both));
  expect(await shown(stuck)).toMatchObject({ status: 'matched', tries: 0, problem: null });
});

test('a database that is away is no fault of the statement', async () => {
  const away = new Error('Connection terminated unexpectedly');
  await expect(store.putOff({ id: v7() }, away)).rejects.toBe(away);
});

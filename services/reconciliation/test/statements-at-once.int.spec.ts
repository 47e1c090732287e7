import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import type { PendingEvent, PendingOpsEvent } from '@slipstream/slip';
import { v7 } from 'uuid';
import { readParts } from '../src/adapters/formats/read.ts';
import { toRecords } from '../src/adapters/kafka/outgoing.ts';
import { subscription } from '../src/adapters/kafka/slip-events.ts';
import { saveBooked } from '../src/adapters/postgres/booked-slips.ts';
import { closeRepaired } from '../src/adapters/postgres/repairs.ts';
import { statementStore } from '../src/adapters/postgres/statement-store.ts';
import { statementViews } from '../src/adapters/postgres/statement-views.ts';
import { acceptStatement } from '../src/application/statements/accept-statement.ts';
import { matchNamedLines } from '../src/application/statements/match-named-lines.ts';
import { matchStatements } from '../src/application/statements/match-statements.ts';
import type { StatementSource, StatementStore } from '../src/application/statements/ports.ts';
import type { BookedPatch } from '../src/domain/statement/booked-fold.ts';
import { type DatabaseUnderTest, databaseUnderTest } from './database-under-test.ts';

const environment = sharedEnvironment();
let database: DatabaseUnderTest;
let store: StatementStore;
const putOff: unknown[] = [];
const published: PendingEvent[] = [];
const told: PendingOpsEvent[] = [];
beforeAll(async () => {
  database = await databaseUnderTest(environment().databaseUrl);
  store = statementStore({
    ...{
      unitOfWork: database.unitOfWork,
      subscription,
      publishOps: (_, event) => told.push(event),
      onPutOff: (error) => putOff.push(error),
    },
    publish: (tx, events) => {
      published.push(...events);
      tx.publish(toRecords(events));
    },
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
async function accept(
  reference: string,
  from: 's' | 'other' = 's',
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const line = { amount: '500', currency: 'EUR', booked_on: day, references: [reference], ...more };
  const body = Buffer.from([{ statement: v7() }, line].map((one) => JSON.stringify(one)).join('\n'));
  const given = { source: both.get(from)!, body, digest: v7(), key: v7(), caller: 'ops', requestId: v7() };
  return (await acceptStatement(store, v7, given)).id;
}

function newSlip(told: Partial<BookedPatch> = {}): BookedPatch {
  const slipId = v7();
  const terms = {
    ...({ kind: 'order', reference: `ref-${slipId}` } as const),
    amount: { amount: 500n, currency: 'EUR' },
  };
  return {
    ...{ slipId, terms, provider: 'acme', providerReference: null, outcome: null, fee: null },
    ...{ dispatchedOn: day, returnedOn: null, returnedBy: null, ...told },
  };
}

async function slip(told: Partial<BookedPatch> = {}): Promise<BookedPatch> {
  const patch = newSlip(told);
  await read(patch);
  return patch;
}

/** As the owner of the slip's partition does. */
const read = (patch: BookedPatch) =>
  database.unitOfWork.run(async (tx) => {
    saveBooked(tx, 0, 1, [patch], ['acme']);
    tx.publish(toRecords(await closeRepaired(tx, [patch])));
  });

const succeeded = { outcome: 'succeeded', returnedOn: day, returnedBy: 'e' } as const;

async function matchAll(): Promise<void> {
  while (await matchStatements(store, sources));
  while (await matchNamedLines(store, sources));
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

describe('a break closes itself', () => {
  const breaksIn = (id: string) =>
    database.unitOfWork.query(
      'select kind, status, resolution from statement_break where statement_id = $1',
      [id],
    );
  const evidenceOf = (slipId: string) =>
    published.filter((one) => one.slipId === slipId && one.event.type === 'StatementLineMatched');

  test('when the slip that its line names is submitted after all', async () => {
    const later = newSlip();
    const id = await accept(later.terms!.reference);
    await matchAll();
    expect(await breaksIn(id)).toEqual([{ kind: 'missing_here', status: 'open', resolution: null }]);
    await read(later);
    await matchAll();
    expect(await breaksIn(id)).toEqual([
      { kind: 'missing_here', status: 'resolved', resolution: 'repaired' },
    ]);
    expect(evidenceOf(later.slipId)).toMatchObject([
      { event: { data: { statement: id, outcome: 'succeeded', amount: { amount: 500n, currency: 'EUR' } } } },
    ]);
    // Told once, and paid: what comes again was paid twice.
    await accept(later.terms!.reference);
    await matchAll();
    expect(await breaksOf(later.slipId)).toMatchObject([{ kind: 'duplicate' }]);
  });

  test('when the provider tells its name of the slip after all', async () => {
    const known = await slip();
    const providerReference = `p-${known.slipId}`;
    const id = await accept('', 's', { references: [], provider_reference: providerReference });
    await matchAll();
    await read({ ...known, terms: null, providerReference, ...succeeded });
    await matchAll();
    expect(await breaksIn(id)).toEqual([
      { kind: 'missing_here', status: 'resolved', resolution: 'repaired' },
    ]);
    expect(evidenceOf(known.slipId)).toHaveLength(1);
  });

  test('though the slip is written while its line is looked at', async () => {
    const later = newSlip();
    const id = await accept(later.terms!.reference);
    let isWritten = false;
    const slow: StatementStore = {
      ...store,
      match: (work) =>
        store.match((turn) =>
          work({
            ...turn,
            async named(...names) {
              const slips = await turn.named(...names);
              if (!isWritten) await read(later);
              isWritten = true;
              return slips;
            },
          }),
        ),
    };
    while (await matchStatements(slow, sources));
    await matchAll();
    expect(await breaksIn(id)).toEqual([
      { kind: 'missing_here', status: 'resolved', resolution: 'repaired' },
    ]);
  });

  test('but not for a slip of its name whose amount is another', async () => {
    const later = newSlip();
    const terms = { ...later.terms!, amount: { amount: 499n, currency: 'EUR' } };
    const id = await accept(terms.reference);
    await matchAll();
    await read({ ...later, terms });
    await matchAll();
    expect(await breaksIn(id)).toEqual([{ kind: 'missing_here', status: 'open', resolution: null }]);
    expect(evidenceOf(later.slipId)).toEqual([]);
  });

  test('of what is missing there, when it failed after all', async () => {
    const reversed = await slip(succeeded);
    await accept('', 's', { references: [], kind: 'fee', booked_on: '2026-11-25', amount: '-1' });
    await matchAll();
    expect(await breaksOf(reversed.slipId)).toMatchObject([{ kind: 'missing_there', status: 'open' }]);
    await read({ ...reversed, terms: null, ...succeeded, outcome: 'failed' });
    expect(await breaksOf(reversed.slipId)).toMatchObject([
      { kind: 'missing_there', status: 'resolved', resolution: 'repaired' },
    ]);
  });

  test('of a fee, when the provider tells the one that it took', async () => {
    const charged = await slip({ ...succeeded, fee: 10n });
    await accept(charged.terms!.reference, 's', { amount: '488', gross: '500' });
    await matchAll();
    expect(await breaksOf(charged.slipId)).toMatchObject([{ kind: 'fee', status: 'open' }]);
    await read({ ...charged, terms: null, ...succeeded, fee: 11n });
    expect(await breaksOf(charged.slipId)).toMatchObject([{ kind: 'fee', status: 'open' }]);
    await read({ ...charged, terms: null, ...succeeded, fee: 12n });
    expect(await breaksOf(charged.slipId)).toMatchObject([{ status: 'resolved', resolution: 'repaired' }]);
  });

  test('of what was paid once more, when it comes back, and the slip stays paid', async () => {
    const twice = await slip(succeeded);
    for (let times = 0; times < 2; times++) await accept(twice.terms!.reference);
    await matchAll();
    expect(await breaksOf(twice.slipId)).toMatchObject([{ kind: 'duplicate', status: 'open' }]);
    await accept(twice.terms!.reference, 's', { kind: 'return', amount: '-500' });
    await matchAll();
    expect(await breaksOf(twice.slipId)).toMatchObject([
      { kind: 'duplicate', status: 'resolved', resolution: 'told' },
      { kind: 'duplicate', status: 'resolved', resolution: 'told' },
    ]);
    // Once: what comes back besides is the payment itself.
    await accept(twice.terms!.reference, 's', { kind: 'return', amount: '-500' });
    await matchAll();
    expect((await breaksOf(twice.slipId)).at(-1)).toMatchObject({ kind: 'status', status: 'open' });
    const outcomes = evidenceOf(twice.slipId).map(({ event }) => (event.data as { outcome: string }).outcome);
    expect(outcomes).toEqual(['succeeded', 'failed']);
  });

  test('of an amount, when a later statement tells the rest', async () => {
    const parted = await slip(succeeded);
    for (const amount of ['200', '100']) {
      await accept(parted.terms!.reference, 's', { amount });
      await matchAll();
    }
    const amounts = (await breaksOf(parted.slipId)) as { kind: string; status: string }[];
    // The second one tells a part of what the first lacks.
    expect(amounts.map(({ kind, status }) => [kind, status])).toEqual([
      ['amount', 'open'],
      ['amount', 'resolved'],
    ]);
    await accept(parted.terms!.reference, 's', { amount: '200' });
    await matchAll();
    expect(await breaksOf(parted.slipId)).toEqual(
      Array(3).fill({ kind: 'amount', status: 'resolved', resolution: 'told' }),
    );
  });

  test('of several that one movement paid once more, when one movement takes it back', async () => {
    const slips = [await slip(succeeded), await slip(succeeded)];
    const references = slips.map(({ terms }) => terms!.reference);
    const together = async (...amounts: readonly number[]) => {
      const lines = amounts.map((amount) => ({
        ...{ amount: String(amount), currency: 'EUR', booked_on: day, references },
        ...(amount < 0 ? { kind: 'return' } : {}),
      }));
      const body = Buffer.from([{ statement: v7() }, ...lines].map((one) => JSON.stringify(one)).join('\n'));
      await acceptStatement(store, v7, {
        ...{ source, body, digest: v7(), key: v7(), caller: 'ops', requestId: v7() },
      });
      await matchAll();
    };
    const kinds = async () => Promise.all(slips.map(({ slipId }) => breaksOf(slipId)));
    await together(1_000);
    expect(await kinds()).toEqual([[], []]);
    const open = { kind: 'duplicate', status: 'open', resolution: null };
    await together(1_000);
    expect(await kinds()).toEqual([[open], [open]]);
    // Twice more, and one of them comes back, in one file.
    await together(-1_000, 1_000, -1_000);
    const told = { kind: 'duplicate', status: 'resolved', resolution: 'told' };
    for (const all of await kinds()) expect(all).toEqual(Array(4).fill(told));
    for (const { slipId } of slips)
      expect(evidenceOf(slipId).map(({ event }) => (event.data as { outcome: string }).outcome)).toEqual([
        'succeeded',
      ]);
    // That was the payment itself.
    await together(-1_000);
    for (const all of await kinds()) expect(all.at(-1)).toMatchObject({ kind: 'status', status: 'open' });
  });
});

test('what is about no slip is an event all the same, when it is found and when it is resolved', async () => {
  const later = newSlip();
  const id = await accept(later.terms!.reference);
  await matchAll();
  await read(later);
  await matchAll();
  const of = told.filter(({ subject }) => subject === id).map(({ event }) => event);
  expect(of).toMatchObject([
    { type: 'StatementAccepted' },
    {
      type: 'StatementBreakOpened',
      data: {
        kind: 'missing_here',
        statement: id,
        provider: 'acme',
        line: 2,
        difference: 500n,
        currency: 'EUR',
      },
    },
    {
      type: 'StatementBreakResolved',
      data: { kind: 'missing_here', resolution: 'repaired', slip: later.slipId, by: null },
    },
  ]);
  expect(of[2]!.data).toMatchObject({ breakId: (of[1]!.data as { breakId: string }).breakId });
});

describe('statements of an account', () => {
  interface Part {
    readonly account: string;
    readonly name?: string;
    readonly from: number;
    readonly to: number;
    readonly on: string;
    readonly currency?: string;
  }
  const acceptParts = (...parts: readonly Part[]) => acceptFrom(source, ...parts);
  const acceptFrom = async (from: StatementSource, ...parts: readonly Part[]) => {
    const json = parts.flatMap(({ account, name = v7(), from, to, on, currency = 'EUR' }) => {
      const balance = (amount: number) => [{ amount: String(amount), currency }];
      const moved = { amount: String(to - from), currency, booked_on: on, kind: 'transfer' };
      return [{ statement: name, account, opening: balance(from), closing: balance(to) }, moved];
    });
    const body = Buffer.from(json.map((one) => JSON.stringify(one)).join('\n'));
    const given = { source: from, body, digest: v7(), key: v7(), caller: 'ops', requestId: v7() };
    return (await acceptStatement(store, v7, given)).id;
  };
  const gapsOf = async (...statements: readonly string[]) =>
    database.unitOfWork.query(
      `select statement_id as of, status, difference::text as difference, line from statement_break
        where kind = 'gap' and statement_id = any($1::uuid[]) order by opened_at, id`,
      [statements],
    );
  const of = (kind: 'StatementBreakOpened' | 'StatementBreakResolved', statement: string) =>
    told.filter(({ subject, event }) => subject === statement && event.type === kind);

  test('go on from each other, and what lies between is named until a file tells it', async () => {
    const account = v7();
    const monday = await acceptParts({ account, from: 0, to: 1_000, on: '2026-11-16' });
    const wednesday = await acceptParts({ account, from: 1_250, to: 900, on: '2026-11-18' });
    expect(await gapsOf(monday, wednesday)).toEqual([
      { of: wednesday, status: 'open', difference: '250', line: 1 },
    ]);
    expect(of('StatementBreakOpened', wednesday)).toMatchObject([
      {
        event: {
          data: {
            ...{ kind: 'gap', provider: 'acme', difference: 250n, currency: 'EUR' },
            expected: `${account} goes on from 10.00 EUR, with which it closed on 2026-11-16`,
            seen: 'it opens with 12.50 EUR',
          },
        },
      },
    ]);
    // The day between leads nearer, and then all the way.
    const tuesday = await acceptParts({ account, from: 1_000, to: 1_100, on: '2026-11-17' });
    expect(await gapsOf(monday, tuesday, wednesday)).toEqual([
      { of: wednesday, status: 'resolved', difference: '250', line: 1 },
      { of: wednesday, status: 'open', difference: '150', line: 1 },
    ]);
    const later = await acceptParts({ account, from: 1_100, to: 1_250, on: '2026-11-17' });
    const all = await gapsOf(monday, tuesday, wednesday, later);
    expect(all).toMatchObject([{ status: 'resolved' }, { status: 'resolved' }]);
    expect(of('StatementBreakResolved', wednesday)).toHaveLength(2);
  });

  test('are told apart by account and currency, in one file or in two of one day', async () => {
    const [iban, other] = [v7(), v7()];
    const first = await acceptParts(
      { account: iban, from: 0, to: 10, on: '2026-11-16' },
      { account: other, from: 500, to: 700, on: '2026-11-16' },
      { account: iban, from: 9_000, to: 9_100, on: '2026-11-16', currency: 'CHF' },
    );
    const second = await acceptParts(
      { account: other, from: 700, to: 1, on: '2026-11-17' },
      { account: iban, from: 10, to: 11, on: '2026-11-17' },
      { account: iban, from: 9_101, to: 0, on: '2026-11-17', currency: 'CHF' },
    );
    expect(await gapsOf(first, second)).toEqual([{ of: second, status: 'open', difference: '1', line: 5 }]);
  });

  test('may be many in one file, each from where the one before closed', async () => {
    const account = v7();
    const days = [16, 17, 18, 18, 19];
    const parts = days.map((one, at) => ({
      ...{ account, from: at, to: at + 1, on: `2026-11-${one}` },
    }));
    expect(await gapsOf(await acceptParts(...parts))).toEqual([]);
  });

  test('are not told again with other lines: that is refused, and nothing of it is kept', async () => {
    const account = v7();
    const name = v7();
    const day = '2026-11-16';
    const first = await acceptParts({ account, name, from: 0, to: 10, on: day });
    const corrected = acceptParts({ account, name, from: 0, to: 12, on: day });
    await expect(corrected).rejects.toMatchObject({
      line: 1,
      why: `${name} of ${account} from 0.00 EUR on was told by statement ${first} before, in another file; a corrected one does not take its place`,
    });
    const kept = await database.unitOfWork.query<{ count: number }>(
      'select count(*)::int as count from statement_balance where account = $1',
      [account],
    );
    expect(kept).toEqual([{ count: 1 }]);
    // Under another name it is another one of the day.
    await acceptParts({ account, from: 0, to: 12, on: day });
  });

  test('are not told again in another form, unless they come to nothing', async () => {
    const other: StatementSource = { ...source, name: 'another-form' };
    const [account, swept] = [v7(), v7()];
    const on = '2026-11-16';
    const first = await acceptParts({ account, from: 0, to: 10, on }, { account: swept, from: 5, to: 5, on });
    await expect(acceptFrom(other, { account, from: 0, to: 10, on })).rejects.toMatchObject({
      why: expect.stringContaining(first),
    });
    // Another part of the day, and an account that is emptied at its end.
    await acceptFrom(other, { account, from: 10, to: 11, on }, { account: swept, from: 5, to: 5, on });
    await acceptFrom({ ...other, provider: 'borealis' }, { account, from: 0, to: 10, on });
  });

  describe('of several files are one bridge a day', () => {
    const asked = () => {
      throw new Error('not asked');
    };
    const bridgesOf = (provider: string, on: string) =>
      statementViews({
        ...{ unitOfWork: database.unitOfWork, publish: asked, publishOps: asked, acted: asked },
      }).dayBridges(provider, on);
    const move = (amount: number, on: string, more: Readonly<Record<string, unknown>> = {}) => ({
      ...{ amount: String(amount), currency: 'EUR', booked_on: on, kind: 'transfer', ...more },
    });
    const euro = (amount: number) => [{ amount: String(amount), currency: 'EUR' }];
    const fileOf = (name: string, account: string, from: number, lines: readonly { amount: string }[]) => {
      const to = lines.reduce((sum, { amount }) => sum + Number(amount), from);
      return [{ statement: name, account, opening: euro(from), closing: euro(to) }, ...lines];
    };
    const files = [
      fileOf('w', 'DE1', 0, [move(10, '2026-11-14'), move(20, '2026-11-15')]),
      // Nobody gave us 5.00 between.
      fileOf('m1', 'DE1', 530, [
        move(-7, '2026-11-16', { kind: 'fee' }),
        move(33, '2026-11-16', { kind: 'payment', references: ['nobody'] }),
        move(2, '2026-11-15'),
      ]),
      fileOf('m2', 'DE1', 558, [move(100, '2026-11-16')]),
      fileOf('m3', 'DE1', 658, [move(1, '2026-11-16'), move(2, '2026-11-17')]),
      [...fileOf('other', 'DE2', 0, [move(4, '2026-11-16')])],
      [{ statement: 'notice', account: 'DE1' }, move(100, '2026-11-16')],
    ];
    const given = async (order: readonly number[]) => {
      const provider = v7();
      for (const at of order) {
        const body = Buffer.from(files[at]!.map((one) => JSON.stringify(one)).join('\n'));
        const file = { source: { ...source, provider }, body, digest: `${at} of ${provider}`, key: v7() };
        await acceptStatement(store, v7, { ...file, caller: 'ops', requestId: v7() });
      }
      return provider;
    };

    test('that adds up to the minor unit, the same whatever came first', async () => {
      const days = ['2026-11-15', '2026-11-16', '2026-11-17', '2026-11-18'];
      const told: unknown[] = [];
      for (const order of [
        [0, 1, 2, 3, 4, 5],
        [5, 3, 2, 4, 0, 1],
      ]) {
        const provider = await given(order);
        expect(await bridgesOf(provider, '2026-11-16')).toBeNull();
        await matchAll();
        const all = [];
        for (const on of days) all.push(await bridgesOf(provider, on));
        told.push(all);
        expect(await bridgesOf(provider, '2026-11-16')).toEqual(all[1]);
      }
      expect(told[1]).toEqual(told[0]);
      const nothing = { movements: 0n, fees: 0n, transfers: 0n, conversions: 0n, breaks: [] };
      expect(told[0]).toMatchObject([
        [
          {
            ...{ account: 'DE1', source: null, opening: 10n, transfers: 22n, statedClosing: null },
            ...{ breaks: [{ type: 'gap', count: 1, amount: 500n }], closing: 532n, names: ['m1', 'w'] },
          },
        ],
        [
          {
            ...{
              account: 'DE1',
              opening: 532n,
              fees: -7n,
              transfers: 101n,
              closing: 659n,
              statedClosing: null,
            },
            breaks: [{ type: 'missing_here', count: 1, amount: 33n }],
            names: ['m1', 'm2', 'm3'],
          },
          { account: 'DE2', ...nothing, opening: 0n, transfers: 4n, closing: 4n, statedClosing: 4n },
          {
            account: 'DE1',
            ...nothing,
            opening: 0n,
            transfers: 100n,
            names: ['notice'],
            statedClosing: null,
          },
        ],
        [{ account: 'DE1', opening: 659n, transfers: 2n, closing: 661n, statedClosing: 661n }],
        [],
      ]);
    });
  });
});

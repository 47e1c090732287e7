import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sources } from '@slipstream/contracts';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { v7 } from 'uuid';
import { inMs, type ReconciliationUnderTest, reconciliationUnderTest } from './reconciliation-under-test.ts';
import { intended, returned, submitted } from './story.ts';

const { intake, gateway } = sources;
const statements = `
statements:
  acme-csv:
    provider: acme
    format: csv
    days_max: 2
    csv:
      unit: minor
      date: day
      amount: net
      gross: gross
      currency: EUR
      references: [reference]
      balance: balance
      kind: kind
      kinds: { paid: payment, back: return, fee: fee }
  acme-camt: { provider: acme, format: camt.053 }
`;

let world: ReconciliationUnderTest;
let service: Service;
beforeAll(async () => {
  world = await reconciliationUnderTest({}, statements);
  service = await world.start();
});
afterAll(() => world?.stop(), 60_000);

const scope = 'statements:read statements:write breaks:write';
const get = (path: string) => world.get(service, path, scope);
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  world.get(service, path, scope, {
    ...{ method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) },
    headers: { 'content-type': 'application/json', ...headers },
  });
const upload = (csv: string, key = v7()) =>
  post('/v1/statements?source=acme-csv', csv, { 'content-type': 'text/csv', 'idempotency-key': key });

interface Row {
  readonly reference: string;
  readonly gross: number;
  readonly net?: number;
  readonly kind?: 'paid' | 'back' | 'fee';
  readonly day?: string;
}

/** A file that adds up. */
function fileOf(rows: readonly Row[]): string {
  let balance = 1_000;
  const lines = rows.map(({ reference, gross, net = gross, kind = 'paid', day = today }) => {
    balance += net;
    return [day, net, gross, reference, balance, kind].join(',');
  });
  return ['day,net,gross,reference,balance,kind', ...lines, ''].join('\n');
}

const today = new Date().toISOString().slice(0, 10);
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** A slip that the provider was given; null: it has told no outcome. */
async function slip(reference: string, outcome: 'succeeded' | 'failed' | null): Promise<string> {
  const slipId = v7();
  const event = submitted({ reference, deadline: inMs(600_000) });
  await world.others.say(intake, [{ slipId, event }]);
  await world.others.say(gateway, [{ slipId, event: intended() }]);
  if (outcome !== null) await world.others.say(gateway, [{ slipId, event: returned({ outcome }) }]);
  return slipId;
}

const isBooked = (slipIds: readonly string[]) =>
  waitFor(
    async () => {
      const known = 'select 1 from booked_slip where slip_id = any($1::text[]) and dispatched_on is not null';
      return (await world.database.query(known, [slipIds])).rowCount === slipIds.length;
    },
    { what: 'the slips to be read from the log' },
  );
const matched = (id: string) =>
  waitFor(
    async () => {
      const { body } = await get(`/v1/statements/${id}`);
      return body.status === 'matched' ? body : null;
    },
    { what: 'the statement to be matched' },
  );
const breaksOf = async (id: string) => (await get(`/v1/breaks?statement=${id}`)).body.data;

describe('a statement', () => {
  test('is matched: each line is evidence, each difference has its name, and the bridge adds up to the minor unit', async () => {
    const fine = await slip('fine', 'succeeded');
    const silent = await slip('silent', null);
    const short = await slip('short', 'succeeded');
    const twice = await slip('twice', 'succeeded');
    const failed = await slip('failed', 'failed');
    await isBooked([fine, silent, short, twice, failed]);
    const csv = fileOf([
      { reference: 'fine', gross: 1_250, net: 1_240 },
      { reference: 'silent', gross: 1_250 },
      { reference: 'short', gross: 1_000 },
      { reference: 'twice', gross: 1_250 },
      { reference: 'twice', gross: 1_250 },
      { reference: 'failed', gross: 1_250, day: daysAgo(1) },
      { reference: 'nobody', gross: 77, day: daysAgo(1) },
      { reference: '', gross: -30, kind: 'fee' },
    ]);
    const { status, body } = await upload(csv);
    expect([status, body]).toMatchObject([202, { lines: 8, booked_from: daysAgo(1), booked_to: today }]);
    await matched(body.id);
    const found = (await breaksOf(body.id)).map(({ type, slip_id }: { type: string; slip_id: string }) => [
      type,
      slip_id,
    ]);
    expect(found.sort()).toEqual(
      [
        ...[
          ['status', silent],
          ['amount', short],
          ['duplicate', twice],
          ['status', failed],
        ],
        ['missing_here', null],
      ].sort(),
    );
    const evidence = await world.untilPublished(silent, 'StatementLineMatched');
    expect(evidence.event.data).toMatchObject({
      ...{ statement: body.id, line: 3, provider: 'acme', outcome: 'succeeded', bookedOn: today },
      ...{ amount: { amount: 1250n, currency: 'EUR' } },
    });
    expect((await world.untilPublished(short, 'BreakOpened')).event.data).toMatchObject({
      ...{
        kind: 'amount',
        difference: -250n,
        expected: '12.50 EUR',
        seen: '10.00 EUR',
        awaited: 'SlipReturned',
      },
    });
    expect(world.told.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: 'StatementAccepted' }),
    );
    const bridge = await get(`/v1/statements/${body.id}/bridge`);
    const [{ days, stated_closing }] = bridge.body.data;
    const sum = ({
      movements,
      fees,
      transfers,
      conversions,
      breaks,
    }: Record<string, string> & { breaks: never }) =>
      [
        movements,
        fees,
        transfers,
        conversions,
        ...(breaks as { amount: string }[]).map(({ amount }) => amount),
      ]
        .map(Number)
        .reduce((all, one) => all + one, 0);
    for (const day of days) expect(Number(day.opening) + sum(day)).toBe(Number(day.closing));
    expect(days.map(({ day }: { day: string }) => day)).toEqual([daysAgo(1), today]);
    expect([days[0].opening, days.at(-1).closing]).toEqual(['1000', stated_closing]);
    expect(days[1]).toMatchObject({ fees: '-40', movements: String(1_250 + 1_250 + 1_250) });
    expect((await get(`/v1/statements/${body.id}/bridge`)).body).toEqual(bridge.body);
  });

  test('closes a break when what it waited for is read of the log', async () => {
    const silent = await slip('repaired', null);
    await isBooked([silent]);
    const { body } = await upload(fileOf([{ reference: 'repaired', gross: 1_250 }]));
    await matched(body.id);
    expect(await breaksOf(body.id)).toMatchObject([
      { type: 'status', status: 'open', awaited_event: 'SlipReturned' },
    ]);
    await world.others.say(gateway, [{ slipId: silent, event: returned() }]);
    const { event } = await world.untilPublished(silent, 'BreakResolved');
    expect(event.data).toMatchObject({ kind: 'status', resolution: 'repaired', by: null });
    expect(await breaksOf(body.id)).toMatchObject([{ status: 'resolved', resolution: 'repaired' }]);
  });

  test('does not have what was paid, until a later one has it', async () => {
    const lost = await slip('lost', 'succeeded');
    await isBooked([lost]);
    await waitFor(
      async () =>
        (
          await world.database.query(
            'update booked_slip set returned_on = returned_on where slip_id = $1 and outcome is not null',
            [lost],
          )
        ).rowCount === 1,
      { what: 'its outcome' },
    );
    const later = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
    const first = await upload(fileOf([{ reference: '', gross: -1, kind: 'fee', day: later }]));
    await matched(first.body.id);
    expect((await world.untilPublished(lost, 'BreakOpened')).event.data).toMatchObject({
      ...{ kind: 'missing_there', difference: -1250n, line: null },
    });
    const second = await upload(fileOf([{ reference: 'lost', gross: 1_250 }]));
    await matched(second.body.id);
    expect((await world.untilPublished(lost, 'BreakResolved')).event.data).toMatchObject({
      resolution: 'told',
    });
  });

  test('is the one that it was when it comes again, and nothing when it is refused', async () => {
    const csv = fileOf([
      { reference: '', gross: -2, kind: 'fee' },
      { reference: '', gross: -4, kind: 'fee' },
    ]);
    const key = v7();
    const first = await upload(csv, key);
    expect(first.status).toBe(202);
    for (const again of [key, v7()]) {
      const { status, body } = await upload(csv, again);
      expect([status, body.id]).toEqual([200, first.body.id]);
    }
    expect(await upload(`${csv}\n`, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    const count = async () => (await world.database.query('select count(*) from statement')).rows[0].count;
    const before = await count();
    const wrong = csv.replace(',994,', ',995,');
    expect(await upload(wrong)).toMatchObject({
      status: 422,
      body: {
        code: 'statement_refused',
        errors: [{ pointer: 'line 3' }],
        detail: expect.stringContaining('9.95 EUR'),
      },
    });
    expect(await upload(csv.replace(today, '0000-01-01'))).toMatchObject({
      status: 422,
      body: { code: 'statement_refused', errors: [{ pointer: 'line 2' }] },
    });
    expect(await count()).toBe(before);
    const other = fileOf([{ reference: '', gross: -3, kind: 'fee' }]);
    const two = await Promise.all([upload(other), upload(other)]);

    expect(new Set(two.map(({ body }) => body.id)).size).toBe(1);
  });

  test.each([
    ['/v1/statements', 'text/csv', 400],
    ['/v1/statements?source=nobody', 'text/csv', 400],
    ['/v1/statements?source=acme-csv&x=1', 'text/csv', 400],
    ['/v1/statements?source=acme-csv', 'application/pdf', 415],
    ['/v1/statements?source=acme-camt', 'application/xml', 422],
  ])('is refused at %s as %s', async (path, type, status) => {
    expect(await post(path, 'x', { 'content-type': type, 'idempotency-key': v7() })).toMatchObject({
      status,
    });
  });
});

test('two accounts in a file have a bridge each, and the next file a gap where it does not go on', async () => {
  const file = (
    id: string,
    day: string,
    accounts: readonly (readonly [string, string, number, number])[],
  ) => {
    const of = (code: string, currency: string, amount: number) =>
      `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="${currency}">${amount}.00</Amt>
       <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>${day}</Dt></Dt></Bal>`;
    const parts = accounts.map(
      ([
        account,
        currency,
        opening,
        closing,
      ]) => `<Stmt><Id>${id}</Id><Acct><Id><IBAN>${account}</IBAN></Id></Acct>
       ${of('OPBD', currency, opening)}${of('CLBD', currency, closing)}
       <Ntry><Amt Ccy="${currency}">${closing - opening}.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
       <BookgDt><Dt>${day}</Dt></BookgDt><BkTxCd><Domn><Fmly><SubFmlyCd>CHRG</SubFmlyCd></Fmly></Domn></BkTxCd></Ntry></Stmt>`,
    );
    return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><B>${parts.join('')}</B></Document>`;
  };
  const send = (xml: string) =>
    post('/v1/statements?source=acme-camt', xml, {
      ...{ 'content-type': 'application/xml', 'idempotency-key': v7() },
    });
  const first = await send(
    file('m', daysAgo(1), [
      ['DE1', 'EUR', 10, 12],
      ['CH1', 'CHF', 500, 501],
    ]),
  );
  const second = await send(
    file('t', today, [
      ['CH1', 'CHF', 501, 502],
      ['DE1', 'EUR', 13, 14],
    ]),
  );
  await matched(second.body.id);
  const bridge = await get(`/v1/statements/${second.body.id}/bridge`);
  expect(bridge.body.data).toMatchObject([
    {
      account: 'CH1',
      currency: 'CHF',
      days: [{ opening: '50100', fees: '100', closing: '50200', breaks: [] }],
    },
    {
      account: 'DE1',
      currency: 'EUR',
      days: [{ opening: '1300', fees: '100', closing: '1400', breaks: [] }],
    },
  ]);
  const { body } = await get(`/v1/breaks?type=gap&status=open&statement=${second.body.id}`);
  const several = `/v1/breaks?type=gap&type=late&status.not=resolved&statement=${second.body.id}`;
  expect((await get(several)).body.data.map(({ id }: { id: string }) => id)).toEqual(
    body.data.map(({ id }: { id: string }) => id),
  );
  expect((await get(`${several}&type.not=gap`)).body.data).toEqual([]);
  expect(body.data).toMatchObject([
    {
      ...{
        statement_id: second.body.id,
        difference: '100',
        currency: 'EUR',
        slip_id: null,
        awaited_event: null,
      },
      ...{
        expected: `DE1 goes on from 12.00 EUR, with which it closed on ${daysAgo(1)}`,
        seen: 'it opens with 13.00 EUR',
      },
    },
  ]);
  expect(first.status).toBe(202);
  // People may know why.
  const resolved = await post(`/v1/breaks/${body.data[0].id}/resolve`, { reason: 'paid in at the counter' });
  expect(resolved.body).toMatchObject({ status: 'resolved', resolution: 'by_people' });
});

test('a day of a provider is one bridge for each account, in whichever of its files it is', async () => {
  const day = daysAgo(9);
  const one = await upload(fileOf([{ reference: '', gross: -8, kind: 'fee', day }]));
  const other = await upload(fileOf([{ reference: '', gross: -9, kind: 'fee', day }]));
  for (const { body } of [one, other]) await matched(body.id);
  const path = `/v1/bridges?provider=acme&day=${day}`;
  const { status, body } = await get(path);
  expect([status, body]).toEqual([
    200,
    {
      ...{ provider: 'acme', day },
      data: [
        {
          ...{ account: '', source: 'acme-csv', currency: 'EUR', day, names: ['acme-csv', 'acme-csv'] },
          ...{ opening: '1000', movements: '0', fees: '-17', transfers: '0', conversions: '0' },
          // Both begin with 10.00.
          breaks: [{ type: 'overlap', count: 1, amount: expect.stringMatching(/^[89]$/) }],
          ...{
            closing: expect.stringMatching(/^99[12]$/),
            stated_closing: expect.stringMatching(/^99[12]$/),
          },
        },
      ],
    },
  ]);
  expect((await get(path)).body).toEqual(body);
  expect((await get('/v1/bridges?provider=nobody&day=2026-11-20')).body.data).toEqual([]);
  for (const wrong of [
    '',
    '?provider=acme',
    '?day=2026-11-20',
    '?provider=acme&day=2026-02-30',
    '?provider=acme&day=20261120',
    '?provider=acme&day=2026-11-20&x=1',
  ])
    expect(await get(`/v1/bridges${wrong}`)).toMatchObject({
      status: 400,
      body: { code: 'malformed_request' },
    });
});

describe('a break', () => {
  test('is listed by what it is, and ended by people, with their reason', async () => {
    const { body } = await upload(fileOf([{ reference: `nobody-${v7()}`, gross: 5 }]));
    await matched(body.id);
    const [found] = await breaksOf(body.id);
    const path = `/v1/breaks/${found.id}`;
    expect((await post(`${path}/acknowledge`, { reason: 'seen' })).body).toMatchObject({
      status: 'acknowledged',
    });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect((await post(`${path}/snooze`, { reason: 'asked', until })).body).toMatchObject({
      status: 'snoozed',
    });
    expect((await post(`${path}/snooze`, { reason: 'asked' })).status).toBe(422);
    expect((await post(`${path}/resolve`, {})).status).toBe(422);
    expect((await post(`${path}/resolve`, { reason: 'a test of the provider' })).body).toMatchObject({
      ...{
        status: 'resolved',
        resolution: 'by_people',
        resolved_by: 'ops',
        reason: 'a test of the provider',
      },
    });
    expect(await post(`${path}/resolve`, { reason: 'again' })).toMatchObject({ status: 409 });
    expect((await post(`/v1/breaks/${v7()}/resolve`, { reason: 'x' })).status).toBe(404);
    const listed = await get(`/v1/breaks?status=resolved&type=missing_here&provider=acme&page_size=1`);
    expect(listed.body.data).toHaveLength(1);
    await waitFor(
      () =>
        world.told.some(
          ({ event }) => event.type === 'OperatorActed' && event.data.action === 'break_resolve',
        ),
      { what: 'who did it' },
    );
  });
});

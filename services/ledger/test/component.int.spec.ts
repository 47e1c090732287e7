import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { topics } from '@slipstream/contracts';
import { openDataSource, UnitOfWork } from '@slipstream/postgres';
import type { Service } from '@slipstream/service-host';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { KafkaLog } from '../../../apps/slipctl/src/verify/kafka-log.ts';
import { LedgerDatabase } from '../../../apps/slipctl/src/verify/ledger-database.ts';
import { verifyLog } from '../../../apps/slipctl/src/verify/verify-log.ts';
import { projections, rebuild } from '../src/adapters/postgres/rebuild/rebuild.ts';
import { slipFields } from '../src/application/queries.ts';
import { sha256, transactionId } from '../src/digests.ts';
import { at, eur, refundRequested, returned, submitted } from './builders.ts';
import { type Broken, checkSql } from './check-sql.ts';
import { type LedgerUnderTest, ledgerUnderTest } from './ledger-under-test.ts';

type Shown = Readonly<Record<string, unknown>>;

let ledger: LedgerUnderTest;
const instances: Service[] = [];
beforeAll(async () => {
  ledger = await ledgerUnderTest();
  instances.push(await ledger.start());
}, 400_000);
afterAll(() => ledger?.stop(), 60_000);

const slipWith = (slipId: string, status: string) =>
  waitFor(
    async () => {
      const { body } = await ledger.get(`/v1/slips/${slipId}`);
      return body.status === status ? body : null;
    },
    { what: `slip ${slipId} to be ${status}` },
  );

const eventsOf = async (slipId: string): Promise<{ id: string; type: string; data: Shown }[]> =>
  (await ledger.get(`/v1/slips/${slipId}/events`)).body.data;
/** When its own words have come back, too. */
const eventsUpTo = (slipId: string, count: number) =>
  waitFor(
    async () => {
      const events = await eventsOf(slipId);
      return events.length === count ? events : null;
    },
    { what: `${count} events of ${slipId}` },
  );

const diagnosed: SlipEvent = {
  type: 'SlipDiagnosed',
  data: {
    cause: {
      class: 'third_party',
      code: 'callback_lost',
      confidence: 80,
      summary: 's',
      remedy: 'r',
      evidence: [],
    },
  },
};
const overdue: SlipEvent = { type: 'SlipOverdue', data: { stage: 'returned', deadline: at(600) } };

describe('a slip through Kafka and HTTP', () => {
  const slipId = randomUUID();
  const account = `cust-${slipId.slice(0, 8)}`;

  it('is not there before it is published', async () => {
    const answer = await ledger.get(`/v1/slips/${slipId}`);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ code: 'not_found', status: 404 });
  });

  it('is held as soon as the position its submission got was applied', async () => {
    const position = await ledger.publish([[slipId, submitted({ account, reference: 'ord-77' })]]);
    const answer = await ledger.get(`/v1/slips/${slipId}?min_position=${position}`);
    expect(answer.status).toBe(200);
    expect(['submitted', 'held']).toContain(answer.body.status);
    expect(answer.headers.get('etag')).toBe(`"${answer.body.version}"`);
    await slipWith(slipId, 'held');
  });

  it('is shown as the contract says once it has settled', async () => {
    await ledger.publish([[slipId, returned('succeeded', { amount: eur(600) })]]);
    const slip = await slipWith(slipId, 'settled');
    expect(slip).toEqual({
      id: slipId,
      reference: 'ord-77',
      kind: 'order',
      account,
      counterparty: 'shop-1',
      amount: { amount: '1000', currency: 'EUR' },
      provider: 'acme',
      clock: 'wall',
      status: 'settled',
      outcome: 'succeeded',
      case: null,
      cause: null,
      submitted_at: expect.any(String),
      dispatched_at: null,
      returned_at: expect.any(String),
      deadline: at(600),
      overdue: false,
      resolved_at: expect.any(String),
      anomalies: [],
      anomaly_count: 0,
      version: 4,
      position: expect.stringMatching(/^\d+:\d+$/),
      iso20022: { status: 'ACSC', reason: null },
      dead_letters: [],
      dead_letter_count: 0,
    });
    const same = await ledger.get(`/v1/slips/${slipId}?min_position=${slip.position}`);
    expect(same.body).toEqual(slip);
  });

  it('shows what was set aside of it, and not with a time of then', async () => {
    const poisoned = randomUUID();
    await ledger.publish([[poisoned, submitted({ account: poisoned, reference: 'ord-poisoned' })]]);
    const { position } = await slipWith(poisoned, 'held');
    const partition = Number(position.split(':')[0]);
    const path = `/v1/slips/${poisoned}`;
    // Its version stays, and so would an ETag that says nothing else.
    let etag = (await ledger.get(path)).headers.get('etag')!;
    await ledger.send({ partition, key: poisoned, value: Buffer.from('no event') });
    await ledger.publish([[poisoned, returned('succeeded')]]);
    const shown = await waitFor(
      async () => {
        const { status, headers, body } = await ledger.get(path, { headers: { 'if-none-match': etag } });
        if (status === 304) return null;
        etag = headers.get('etag')!;
        return body.dead_letter_count === 2 ? body : null;
      },
      { what: 'both records to be set aside' },
    );
    expect(etag).toMatch(new RegExp(`^"${shown.version}-[\\da-f]{16}"$`));
    expect((await ledger.get(path, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(shown.status).toBe('held');
    const common = {
      id: expect.stringMatching(/^\d+$/),
      topic: 'slips.events.v1',
      partition,
      status: 'parked',
    };
    expect(shown.dead_letters).toEqual([
      { ...common, offset: expect.any(Number), reason: 'undecodable', since: expect.any(String) },
      { ...common, offset: expect.any(Number), reason: 'parked_behind', since: expect.any(String) },
    ]);
    const [first, second] = shown.dead_letters;
    expect(second.offset).toBeGreaterThan(first.offset);
    const { body: letter } = await ledger.get(`/v1/dead-letters/${first.id}`, { scope: 'dead_letters:read' });
    expect(letter).toMatchObject({ slip: poisoned, offset: first.offset, reason: 'undecodable' });
    const { body: then } = await ledger.get(`/v1/slips/${poisoned}?at=${shown.submitted_at}`);
    expect(then).toMatchObject({ id: poisoned, dead_letters: null, dead_letter_count: null });
  });

  it('shows its events with their data, page by page, both ways', async () => {
    const all = await ledger.get(`/v1/slips/${slipId}/events`);
    expect(all.body).toMatchObject({ next: null, previous: null });
    expect(all.body.data.map((event: Shown) => event.type)).toEqual([
      'slipstream.slip.submitted.v1',
      'slipstream.slip.funds_held.v1',
      'slipstream.slip.returned.v1',
      'slipstream.slip.settled.v1',
    ]);
    expect(all.body.data[0]).toMatchObject({
      slip_id: slipId,
      source: '/slipstream/intake',
      sequence: 1,
      version: 1,
      time: expect.any(String),
      received_time: expect.any(String),
      data: { reference: 'ord-77', review_required: false, amount: { amount: '1000', currency: 'EUR' } },
    });
    const first = await ledger.get(`/v1/slips/${slipId}/events?page_size=3`);
    const second = await ledger.get(`/v1/slips/${slipId}/events?page_size=3&cursor=${first.body.next}`);
    expect([...first.body.data, ...second.body.data]).toEqual(all.body.data);
    expect(second.body.next).toBeNull();
    const back = await ledger.get(`/v1/slips/${slipId}/events?page_size=3&cursor=${second.body.previous}`);
    expect(back.body.data).toEqual(first.body.data);
    expect(first.headers.get('link')).toContain('rel="next"');
    expect((await ledger.get(`/v1/slips/${randomUUID()}/events`)).status).toBe(404);
  });

  it('has its transactions and balances', async () => {
    const { body } = await ledger.get(`/v1/transactions?slip=${slipId}`);
    expect(body.data.map(({ type }: Shown) => type)).toEqual(['settle', 'hold']);
    expect(body.data[0]).toEqual({
      id: expect.any(String),
      slip_id: slipId,
      type: 'settle',
      clock: 'wall',
      event_id: (await eventsOf(slipId)).find(({ type }) => type === 'slipstream.slip.returned.v1')!.id,
      recorded_at: expect.any(String),
      postings: [
        { account: `payer:${account}:held`, direction: 'debit', amount: { amount: '1000', currency: 'EUR' } },
        {
          account: 'provider:acme:settlement',
          direction: 'credit',
          amount: { amount: '600', currency: 'EUR' },
        },
        {
          account: `payer:${account}:available`,
          direction: 'credit',
          amount: { amount: '400', currency: 'EUR' },
        },
      ],
    });
    expect((await ledger.get(`/v1/transactions?account=${account}`)).body.data).toEqual(body.data);
    expect((await ledger.get(`/v1/accounts/${account}`)).body).toEqual({
      id: account,
      clock: 'wall',
      balances: [{ currency: 'EUR', available: '-600', held: '0', suspense: '0' }],
    });
    expect((await ledger.get(`/v1/accounts/${account}?clock=import-1`)).status).toBe(404);
  });

  it('are found by the account’s full name too, page by page, and on its own clock only', async () => {
    const ask = async (query: string) => (await ledger.get(`/v1/transactions?${query}`)).body;
    const all = await ask(`account=${account}`);
    for (const name of [`payer:${account}:held`, `payer:${account}:available`]) {
      expect(await ask(`account=${name}`)).toEqual(all);
    }
    expect((await ask('account=provider:acme:settlement')).data).toContainEqual(all.data[0]);
    expect((await ask(`account=provider:${account}:settlement`)).data).toEqual([]);
    expect((await ask(`account=${account}&clock=import-1`)).data).toEqual([]);
    const first = await ask(`account=${account}&page_size=1`);
    const second = await ask(`account=${account}&page_size=1&cursor=${first.next}`);
    expect([...first.data, ...second.data]).toEqual(all.data);
    expect(second.next).toBeNull();
    expect((await ask(`account=${account}&page_size=1&cursor=${second.previous}`)).data).toEqual(first.data);
  });

  it('are found by slip and account together, however many newer ones the account has', async () => {
    const newer = randomUUID();
    await ledger.publish([[newer, submitted({ account, reference: 'ord-79' })]]);
    await slipWith(newer, 'held');
    const { body } = await ledger.get(`/v1/transactions?account=${account}&slip=${slipId}&page_size=1`);
    expect(body.data.map(({ slip_id, type }: Shown) => [slip_id, type])).toEqual([[slipId, 'settle']]);
    expect(body.next).not.toBeNull();
  });

  it('of an account whose name reads like another’s are its own', async () => {
    const named = `payer:${account}:held`;
    const other = randomUUID();
    await ledger.publish([[other, submitted({ account: named, reference: 'ord-78' })]]);
    await slipWith(other, 'held');
    const { body } = await ledger.get(`/v1/transactions?account=${encodeURIComponent(named)}`);
    expect(body.data.map(({ slip_id }: Shown) => slip_id)).toEqual([other]);
  });
});

describe('a projection that is put right', () => {
  it('is that under a ledger at work, which goes on by what is right', async () => {
    const [slipId, account] = [randomUUID(), `healed-${randomUUID().slice(0, 8)}`];
    await ledger.publish([[slipId, submitted({ account, reference: 'ord-80' })]]);
    await slipWith(slipId, 'held');
    const list = async () => (await ledger.get(`/v1/slips?account=${account}`)).body.data;
    await ledger.database.query("update slip set account = 'nobody', provider = 'nobody' where id = $1", [
      slipId,
    ]);
    expect(await list()).toEqual([]);
    const dataSource = await openDataSource({
      url: ledger.databaseUrl,
      applicationName: 'rebuild',
      poolMax: 1,
    });
    const rebuilt = await rebuild(projections.find(({ name }) => name === 'slips')!, {
      ...{ unitOfWork: new UnitOfWork(dataSource), hashes: { sha256, transactionId } },
      ...{ ending: 'swap', onSlips: () => {} },
    });
    await dataSource.destroy();
    expect(rebuilt.left).toEqual([]);
    expect(rebuilt.differences.filter(({ row }) => row === slipId)).toEqual([
      { row: slipId, field: 'account', live: 'nobody', rebuilt: account },
      { row: slipId, field: 'provider', live: 'nobody', rebuilt: 'acme' },
    ]);
    expect((await list()).map(({ id }: Shown) => id)).toEqual([slipId]);
    await ledger.publish([[slipId, returned('succeeded')]]);
    await slipWith(slipId, 'settled');
    expect((await list()).map(({ status }: Shown) => status)).toEqual(['settled']);
  });
});

describe('lists', () => {
  const account = `lists-${randomUUID().slice(0, 8)}`;
  const ids = Array.from({ length: 7 }, () => randomUUID());

  beforeAll(async () => {
    await ledger.publish([
      ...ids.map((id, n) => [id, submitted({ account, reference: `list-${n}` })] as const),
      [ids[0]!, overdue],
      [ids[0]!, diagnosed],
      [ids[1]!, overdue],
      [ids[1]!, refundRequested()],
    ]);
    await slipWith(ids[0]!, 'overdue');
    await slipWith(ids[1]!, 'refunded');
    for (const id of ids.slice(2)) await slipWith(id, 'held');
  });
  const list = async (query: string) => (await ledger.get(`/v1/slips?account=${account}&${query}`)).body;
  const references = (page: { data: { reference: string }[] }) => page.data.map(({ reference }) => reference);

  it('come latest first, or earliest first when asked', async () => {
    const all = ['list-6', 'list-5', 'list-4', 'list-3', 'list-2', 'list-1', 'list-0'];
    expect(references(await list(''))).toEqual(all);
    expect(references(await list('sort=submitted_at'))).toEqual(all.toReversed());
  });

  it('go on from a cursor in both directions', async () => {
    const first = await list('page_size=3');
    const second = await list(`page_size=3&cursor=${first.next}`);
    const third = await list(`page_size=3&cursor=${second.next}`);
    expect([first, second, third].flatMap(references)).toHaveLength(7);
    expect([first.previous, third.next]).toEqual([null, null]);
    const back = await list(`page_size=3&cursor=${third.previous}`);
    expect(references(back)).toEqual(references(second));
    expect(references(await list(`page_size=3&cursor=${back.previous}`))).toEqual(references(first));
  });

  it.each([
    ['reference=list-3', ['list-3']],
    ['status=refunded', ['list-1']],
    ['cause=callback_lost', ['list-0']],
    ['cause=third_party', ['list-0']],
    ['provider=acme&kind=order&outcome=failed', []],
    ['clock=import-1', []],
    ['status=draft', []],
    [`submitted_to=${at(0)}`, []],
  ])('filter by %s', async (query, expected) => {
    expect(references(await list(query))).toEqual(expected);
  });

  it('filter by the time of submission, start included and end not', async () => {
    const times = (await list('sort=submitted_at')).data.map((slip: Shown) => slip.submitted_at);
    const page = await list(`sort=submitted_at&submitted_from=${times[2]}&submitted_to=${times[4]}`);
    expect(references(page)).toEqual(['list-2', 'list-3']);
  });

  it('count what did not return by provider, cause and hour', async () => {
    const stats = async (by: string) => (await ledger.get(`/v1/stats/not-returned?group_by=${by}`)).body.data;
    expect(await stats('provider')).toEqual([
      {
        ...{ key: 'acme', slips: 2, amounts: [{ amount: '2000', currency: 'EUR' }] },
        list: '/v1/slips?not_returned=true&provider=acme',
      },
    ]);
    expect((await stats('cause')).map(({ key, slips }: Shown) => [key, slips])).toEqual([
      ['callback_lost', 1],
      [null, 1],
    ]);
    expect((await stats('hour')).map(({ key }: Shown) => key)).toEqual(['2026-11-22T10:00:00.000000Z']);
  });

  it('are as long as the count that leads to them, whatever became of the slips since', async () => {
    for (const query of [
      '',
      '&provider=acme',
      `&account=${account}&status.not=refunded`,
      '&amount_min=1&currency=EUR',
    ]) {
      for (const by of ['provider', 'cause', 'hour']) {
        const { data } = (await ledger.get(`/v1/stats/not-returned?group_by=${by}${query}`)).body;
        expect([query, by, data.length > 0]).toEqual([query, by, true]);
        for (const group of data) {
          const { body } = await ledger.get(group.list);
          expect([group.list, body.data.length, body.next]).toEqual([group.list, group.slips, null]);
        }
      }
    }
  });

  it('and as each figure of the statistics that leads to them', async () => {
    for (const by of ['hour', 'provider', 'route', 'kind', 'currency', 'cause']) {
      const { data } = (await ledger.get(`/v1/stats/slips?group_by=${by}&provider=acme&kind=order`)).body;
      expect(data.length).toBeGreaterThan(0);
      for (const { lists, ...figures } of data) {
        for (const [figure, address] of Object.entries<string>(lists)) {
          const { body } = await ledger.get(`${address}&page_size=1000`);
          expect([by, figure, address, body.data.length]).toEqual([by, figure, address, figures[figure]]);
        }
      }
    }
    expect((await ledger.get('/v1/stats/slips?submitted_from=2026-11-22T10:30:00Z')).status).toBe(400);
  });

  it('and as each figure of two periods that are compared', async () => {
    const hours = (name: string, from: string, to: string) =>
      `${name}_from=2026-11-22T${from}:00:00Z&${name}_to=2026-11-22T${to}:00:00Z`;
    const periods = `${hours('before', '10', '11')}&${hours('after', '11', '12')}`;
    for (const by of ['provider', 'route', 'kind', 'currency', 'cause']) {
      const { body } = await ledger.get(`/v1/stats/comparison?${periods}&group_by=${by}&kind=order`);
      expect(body.all).toMatchObject({
        difference: null,
        after: { judged: 0, rate: null },
        verdict: 'undecided',
      });
      expect(body.all.before.overdue).toBeGreaterThan(0);
      for (const { before, after } of [body.all, ...body.data]) {
        for (const { lists, ...figures } of [before, after]) {
          for (const [figure, address] of Object.entries<string>(lists)) {
            const { data } = (await ledger.get(`${address}&page_size=1000`)).body;
            expect([by, figure, address, data.length]).toEqual([by, figure, address, figures[figure]]);
          }
        }
      }
    }
    const same = `${hours('before', '10', '11')}&${hours('after', '10', '11')}`;
    const { all } = (await ledger.get(`/v1/stats/comparison?${same}`)).body;
    expect([all.difference, all.low < 0, all.high > 0]).toEqual([0, true, true]);
  });

  it.each([
    ['before_from=2026-11-22T10:00:00Z', 'a period that is not given'],
    ['before_from=2026-11-22T10:00:00Z&before_to=2026-11-22T10:00:00Z', 'a period without an hour'],
    ['before_from=2026-11-22T10:30:00Z', 'half an hour'],
    ['cause_code=callback_lost', 'a cause'],
    ['group_by=hour', 'hours'],
  ])('are not compared by %s: %s', async (query) => {
    const { status, body } = await ledger.get(`/v1/stats/comparison?${query}`);
    expect([status, body.code]).toEqual([400, 'malformed_request']);
  });

  it('take several values of a filter, none of some, and what was not returned in time', async () => {
    expect(references(await list('status=overdue&status=refunded'))).toEqual(['list-1', 'list-0']);
    expect(references(await list('reference.not=list-0&reference.not=list-1&page_size=2'))).toEqual([
      'list-6',
      'list-5',
    ]);
    expect(references(await list('overdue=true'))).toEqual(['list-1', 'list-0']);
    expect(references(await list('not_returned=true&status=refunded'))).toEqual(['list-1']);
    expect(references(await list('reference_prefix=list-&lacks=cause&overdue=true'))).toEqual(['list-1']);
  });

  it('refuse cursors of other lists and other filters', async () => {
    const { next } = await list('page_size=3');
    for (const path of [
      `/v1/slips?cursor=${next}`,
      `/v1/slips?account=other&cursor=${next}`,
      `/v1/slips/${ids[0]}/events?cursor=${next}`,
    ]) {
      const { status, body } = await ledger.get(path);
      expect([path, status, body.code]).toEqual([path, 400, 'cursor_invalid']);
    }
  });

  it('come as CSV and NDJSON too', async () => {
    const asked = async (accept: string) =>
      (await ledger.get(`/v1/slips?account=${account}`, { headers: { accept } })).body;
    const [header, ...rows] = (await asked('text/csv')).trimEnd().split('\r\n');
    expect(header).toMatch(
      /^id,reference,kind,account,counterparty,amount\.amount,amount\.currency,provider,clock,status,/,
    );
    expect(rows.map((row: string) => row.split(',')[1])).toEqual(
      (await list('')).data.map(({ reference }: Shown) => reference),
    );
    const lines = (await asked('application/x-ndjson')).trimEnd().split('\n');
    expect(lines.map((line: string) => JSON.parse(line))).toEqual((await list('')).data);
  });

  it('say in which language their causes are', async () => {
    for (const path of [`/v1/slips?account=${account}`, `/v1/slips/${ids[0]}`]) {
      const asked = async (headers = {}) =>
        (await ledger.get(path, { headers })).headers.get('content-language');
      expect([path, await asked(), await asked({ 'accept-language': 'zh-CN' })]).toEqual([path, 'en', 'zh']);
    }
  });

  it('are not sent again to who has them', async () => {
    for (const path of [
      `/v1/slips?account=${account}`,
      `/v1/slips/${ids[0]}`,
      `/v1/slips/${ids[0]}/events`,
    ]) {
      const etag = (await ledger.get(path)).headers.get('etag')!;
      const again = await ledger.get(path, { headers: { 'if-none-match': etag } });
      expect([path, again.status, again.body]).toEqual([path, 304, '']);
    }
  });
});

describe('who reads what', () => {
  const [own, other] = [randomUUID(), randomUUID()];
  const account = `own-${own.slice(0, 8)}`;
  const metadata = { iban: 'DE00 1234' };

  beforeAll(async () => {
    const details = { clear: { text: '', metadata }, sealed: null };
    const by = (caller: string, reference: string) => {
      const event = submitted({ account, reference });
      return { ...event, data: { ...event.data, caller, details } } as SlipEvent;
    };
    await ledger.publish([
      [own, by('shop', 'own-1')],
      [other, by('bank', 'own-2')],
    ]);
    await slipWith(own, 'held');
    await slipWith(other, 'held');
  });
  const asShop = (path: string, scope = 'slips:read') => ledger.get(path, { scope, subject: 'shop' });

  it('a caller sees the slips that it submitted, their events and their money, and no others', async () => {
    const { body } = await asShop(`/v1/slips?account=${account}`);
    expect(body.data.map(({ id }: Shown) => id)).toEqual([own]);
    for (const path of ['/v1/slips/', '/v1/transactions?slip=']) {
      expect((await asShop(path + own)).status).toBe(200);
      expect((await asShop(path + other)).body.code).toBe('not_found');
    }
    expect((await asShop(`/v1/slips/${own}/events`)).body.data).toHaveLength(2);
    expect((await asShop(`/v1/slips/${other}/events`)).status).toBe(404);
  });

  it('and in the log the events of those alone', async () => {
    const path = `/v1/events?account=${account}`;
    const { status, body } = await asShop(path);
    expect(status).toBe(200);
    expect(new Set(body.data.map(({ slip_id }: Shown) => slip_id))).toEqual(new Set([own]));
    const [first] = body.data;
    expect(first).toMatchObject({ type: 'slipstream.slip.submitted.v1', clock: 'wall', trace_id: null });
    const { position, clock: _, trace_id: __, ...event } = first;
    expect(position).toMatch(/^\d+:\d+$/);
    expect(event).toEqual((await asShop(`/v1/slips/${own}/events`)).body.data[0]);
    const all = await asShop(path, 'slips:read slips:read:all metadata:read');
    expect(new Set(all.body.data.map(({ slip_id }: Shown) => slip_id))).toEqual(new Set([own, other]));
    expect(all.body.data[0].data.details).toMatchObject({ clear: { metadata } });
    const wrongWay = 'received_from=2026-11-22T10:00:00Z&received_to=2026-11-22T09:00:00Z';
    const wrong = [
      'trace=short',
      'received_from=soon',
      'status=held',
      'clock=',
      'type=SlipRetruned',
      wrongWay,
    ];
    for (const query of wrong) {
      const refused = await asShop(`/v1/events?${query}`);
      expect([query, refused.status, refused.body.code]).toEqual([query, 400, 'malformed_request']);
    }
    expect((await ledger.get(path, { scope: 'slips:write' })).status).toBe(403);
    const { next } = (await asShop(`${path}&page_size=1`)).body;
    expect((await asShop(`/v1/events?cursor=${next}`)).body.code).toBe('cursor_invalid');
    const csv = await ledger.get(path, { headers: { accept: 'text/csv' } });
    expect(String(csv.body).split('\r\n')[0]).toBe(
      'id,type,slip_id,source,sequence,version,time,received_time,data,clock,position,trace_id',
    );
  });

  it('and of accounts and counts it sees nothing', async () => {
    for (const path of [
      `/v1/transactions?account=${account}`,
      '/v1/transactions',
      `/v1/accounts/${account}`,
      '/v1/stats/not-returned',
    ]) {
      expect([path, (await asShop(path)).status]).toEqual([path, 403]);
    }
  });

  it('who may read all reads all', async () => {
    const money = '/v1/transactions?page_size=1';
    const { data, next } = (await ledger.get(money)).body;
    const rest = (await ledger.get(`${money}&cursor=${next}`)).body;
    expect([data.length, rest.data.length, rest.data[0].id === data[0].id]).toEqual([1, 1, false]);
    expect((await ledger.get('/v1/transactions?clock=wall')).body.code).toBe('malformed_request');
    expect((await ledger.get(`/v1/transactions?account=${account}&cursor=${next}`)).body.code).toBe(
      'cursor_invalid',
    );
    const { body } = await asShop(`/v1/slips?account=${account}`, 'slips:read slips:read:all');
    expect(body.data).toHaveLength(2);
  });

  it('what stands beside a slip is shown, and can be asked by, with its own scope alone', async () => {
    const detailsFor = async (scope: string) =>
      (await asShop(`/v1/slips/${own}/events`, scope)).body.data[0].data.details;
    expect(await detailsFor('slips:read')).toBeNull();
    expect(await detailsFor('slips:read metadata:read')).toMatchObject({ clear: { metadata } });
    const path = `/v1/slips?metadata.iban=${encodeURIComponent(metadata.iban)}`;
    expect((await asShop(path)).status).toBe(403);
    expect((await asShop(path, 'slips:read metadata:read')).body.data.map(({ id }: Shown) => id)).toEqual([
      own,
    ]);
  });
});

describe('an account of another time', () => {
  it('has what had been entered by then, entry by entry', async () => {
    const account = `then-${randomUUID().slice(0, 8)}`;
    const ids = [randomUUID(), randomUUID()];
    for (const [n, id] of ids.entries()) {
      await ledger.publish([[id, submitted({ account, reference: id, amount: eur(100 * (n + 1)) })]]);
      await slipWith(id, 'held');
      await ledger.publish([
        [id, returned(n === 0 ? 'failed' : 'succeeded', { amount: n === 0 ? null : eur(150) })],
      ]);
      await slipWith(id, n === 0 ? 'refunded' : 'settled');
    }
    const { data } = (await ledger.get(`/v1/transactions?account=${account}`)).body;
    expect(data).toHaveLength(4);
    let [available, held] = [0n, 0n];
    for (const { recorded_at, postings } of data.toReversed()) {
      for (const { account: name, direction, amount } of postings) {
        const change = BigInt(amount.amount) * (direction === 'credit' ? 1n : -1n);
        if (name === `payer:${account}:available`) available += change;
        if (name === `payer:${account}:held`) held += change;
      }
      const { body } = await ledger.get(`/v1/accounts/${account}?at=${recorded_at}`);
      expect(body.balances).toMatchObject([{ available: String(available), held: String(held) }]);
    }
    expect((await ledger.get(`/v1/accounts/${account}`)).body.balances[0].available).toBe(String(available));
    expect((await ledger.get(`/v1/accounts/${account}?at=2020-01-01T00:00:00Z`)).status).toBe(404);
    const future = await ledger.get(`/v1/accounts/${account}?at=2999-01-01T00:00:00Z`);
    expect([future.status, future.body.errors[0].pointer]).toEqual([400, 'at']);
    expect((await ledger.get(`/v1/accounts/${account}?at=soon`)).status).toBe(400);
  });
});

describe('a slip of another time', () => {
  it('is what its events had told then; the future has told nothing', async () => {
    const slipId = randomUUID();
    await ledger.publish([
      [slipId, submitted({ account: 'then', reference: `then-${slipId}` })],
      [slipId, returned('succeeded')],
    ]);
    await slipWith(slipId, 'settled');
    const { body } = await ledger.get(`/v1/slips/${slipId}/events`);
    const then = await ledger.get(`/v1/slips/${slipId}?at=${body.data[0].time}`);
    expect(then.body).toMatchObject({ id: slipId, status: 'submitted', outcome: null, version: 1 });
    const before = await ledger.get(`/v1/slips/${slipId}?at=2020-01-01T00:00:00Z`);
    expect([before.status, before.body.code]).toEqual([404, 'not_found']);
    const { status, body: problem } = await ledger.get(`/v1/slips/${slipId}?at=2999-01-01T00:00:00Z`);
    expect([status, problem.errors]).toEqual([
      400,
      [{ pointer: 'at', detail: 'must not lie in the future' }],
    ]);
  });
});

describe('a stream', () => {
  /** Reads events until `count` came; gives them with the id to go on from. */
  async function events(
    query: string,
    count: number,
    last?: string,
    instance = instances[0]!,
    then?: () => Promise<unknown>,
  ) {
    const answer = await ledger.open(
      `/v1/stream?${query}`,
      last === undefined ? {} : { 'last-event-id': last },
      instance,
    );
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    const found: { id: string; type: string; slip: string; version: number }[] = [];
    let text = '';
    let id = last;
    let isTold = then === undefined;
    while (found.length < count) {
      const { value, done } = await reader.read();
      expect(done).toBe(false);
      text += value;
      const frames = text.split('\n\n');
      text = frames.pop()!;
      for (const frame of frames) {
        id = /^id: (.*)$/m.exec(frame)?.[1] ?? id;
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        if (data === undefined) continue;
        const event = JSON.parse(data);
        found.push({
          id: id!,
          type: /^event: (.*)$/m.exec(frame)![1]!,
          slip: event.slip_id,
          version: event.version,
        });
      }
      if (!isTold) {
        isTold = true;
        await then!();
      }
    }
    await reader.cancel();
    return found.slice(0, count);
  }

  it('has each event once, in the order of its slip, over instances and restarts, for who goes on from its last id', async () => {
    const account = `stream-${randomUUID().slice(0, 8)}`;
    const ids = Array.from({ length: 30 }, () => randomUUID());
    const publish = () =>
      ledger.publish([
        ...ids.map((id) => [id, submitted({ account, reference: id })] as const),
        ...ids.map((id) => [id, returned('succeeded')] as const),
      ]);
    const seen = await events(`account=${account}`, 10, undefined, instances[0], publish);
    const second = await ledger.start();
    instances.push(second);
    for (const [n, count] of [40, 30, 40].entries()) {
      const some = await events(`account=${account}`, count, seen.at(-1)!.id, instances[n % 2]);
      seen.push(...some);
    }
    expect(seen).toHaveLength(120);
    for (const id of ids)
      expect(seen.filter(({ slip }) => slip === id).map(({ version }) => version)).toEqual([1, 2, 3, 4]);
  });

  it('begins at a time that is asked from, and goes on with what comes: each event once, also for who goes on from an id', async () => {
    const account = `since-${randomUUID().slice(0, 8)}`;
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const other = randomUUID();
    await ledger.publish([
      [other, submitted({ account, reference: other, route: 'slow' })] as const,
      ...ids.map((id) => [id, submitted({ account, reference: id, route: 'fast' })] as const),
    ]);
    await ledger.caughtUp();
    const ends = () => ledger.publish(ids.map((id) => [id, returned('succeeded')] as const));
    const query = `account=${account}&route=fast&received_from=2020-01-01T00:00:00Z`;
    const seen = await events(query, 50, undefined, instances[0], ends);
    seen.push(...(await events(query, 30, seen.at(-1)!.id)));
    expect(new Set(seen.map(({ slip }) => slip))).toEqual(new Set(ids));
    for (const id of ids)
      expect(seen.filter(({ slip }) => slip === id).map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    expect((await ledger.get('/v1/stream?received_from=10m')).status).toBe(400);
  });

  it('has only what was asked for, and only what the caller may see', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const publish = () =>
      ledger.publish(
        [one, other].flatMap(
          (id) =>
            [
              [id, submitted({ reference: id })],
              [id, returned('failed')],
            ] as const,
        ),
      );
    const type = 'slipstream.slip.returned.v1';
    const [found] = await events(`slip=${one}&type=${type}`, 1, undefined, instances[0], publish);
    expect(found).toMatchObject({ slip: one, type });
    const answer = await ledger.get('/v1/stream?colour=red');
    expect(answer.status).toBe(400);
    expect((await ledger.get('/v1/stream', { scope: 'slips:write' })).status).toBe(403);
    expect((await ledger.get('/v1/stream', { headers: { accept: 'text/csv' } })).status).toBe(406);
  });
});

describe('money in suspense', () => {
  const account = `denied-${randomUUID().slice(0, 8)}`;
  const [back, stands, parts] = [randomUUID(), randomUUID(), randomUUID()];
  const ann = { scope: 'cases:write cases:read refunds:approve', subject: 'ann' };
  const bob = { scope: 'cases:read refunds:approve', subject: 'bob' };
  const reader = { scope: 'cases:read', subject: 'ann' };
  const lying = async (query = '') =>
    (await ledger.get(`/v1/suspense?account=${account}${query}`, reader)).body;
  const propose = (slipId: string, decision: string, key: string | null, more: object = {}) =>
    ledger.post(
      `/v1/suspense/${slipId}/decisions`,
      { decision, reason: 'the provider wrote', ...more },
      { ...ann, ...(key === null ? {} : { headers: { 'idempotency-key': key } }) },
    );
  const judge = (id: string, verdict: string, by = bob) =>
    ledger.post(`/v1/suspense-decisions/${id}/${verdict}`, { note: 'seen' }, by);
  const decisionIs = (id: string, status: string) =>
    waitFor(
      async () => {
        const { body } = await ledger.get(`/v1/suspense-decisions/${id}`, reader);
        return body.status === status ? body : null;
      },
      { what: `decision ${id} to be ${status}` },
    );
  const balances = async () => (await ledger.get(`/v1/accounts/${account}`)).body.balances[0];

  it('is listed page by page, as soon as what was settled is denied', async () => {
    const denied = (id: string, amount: number) =>
      [
        [id, submitted({ account, reference: id })],
        [id, returned('succeeded', { amount: eur(amount), providerReference: `p-${id}` })],
        [id, returned('failed', { providerReference: `p-${id}` })],
      ] as const;
    await ledger.publish([...denied(back, 1000), ...denied(stands, 1000), ...denied(parts, 400)]);
    const all = await waitFor(
      async () => {
        const { data } = await lying();
        return data.length === 3 ? data : null;
      },
      { what: 'three slips in suspense' },
    );
    expect(all.find((one: Shown) => one.slip_id === parts)).toEqual({
      slip_id: parts,
      origin: 'denied',
      reference: parts,
      kind: 'order',
      account,
      counterparty: 'shop-1',
      provider: 'acme',
      clock: 'wall',
      amount: { amount: '400', currency: 'EUR' },
      since: expect.any(String),
      decision: null,
    });
    const first = await lying('&page_size=2');
    const second = await lying(`&page_size=2&cursor=${first.next}`);
    expect([...first.data, ...second.data]).toEqual(all);
    expect((await lying(`&page_size=2&cursor=${second.previous}`)).data).toEqual(first.data);
    expect((await lying(`&slip=${parts}`)).data).toMatchObject([{ slip_id: parts }]);
    expect((await lying('&provider=bolt')).data).toEqual([]);
    expect((await lying('&currency=JPY')).data).toEqual([]);
    expect((await lying('&clock=import-9')).data).toEqual([]);
    expect((await lying(`&provider=acme&cursor=${first.next}`)).code).toBe('cursor_invalid');
    expect((await ledger.get('/v1/suspense')).status).toBe(403);
    expect(await balances()).toMatchObject({ suspense: '2400' });
  });

  it('shows by a dry run what a decision would book, and does nothing', async () => {
    const shown = await propose(parts, 'uphold', null, { dry_run: true });
    expect(shown.status).toBe(200);
    expect(shown.body).toEqual({
      slip_id: parts,
      decision: 'uphold',
      amount: { amount: '400', currency: 'EUR' },
      postings: [
        {
          account: `payer:${account}:suspense`,
          direction: 'debit',
          amount: { amount: '400', currency: 'EUR' },
        },
        {
          account: 'provider:acme:receivable',
          direction: 'credit',
          amount: { amount: '400', currency: 'EUR' },
        },
      ],
    });
    expect((await lying('&proposed=true')).data).toEqual([]);
  });

  it('is given back when another person approves, by the postings that were shown, and events say who and why', async () => {
    const preview = (await propose(back, 'give_back', null, { dry_run: true })).body;
    const proposed = await propose(back, 'give_back', 'k-1');
    expect(proposed.status).toBe(202);
    const { id } = proposed.body;
    expect(proposed.headers.get('location')).toBe(`/v1/suspense-decisions/${id}`);
    const again = await propose(back, 'give_back', 'k-1');
    expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([
      ...[202, proposed.body, 'true'],
    ]);
    expect((await propose(back, 'uphold', 'k-1')).body.code).toBe('idempotency_key_reused');
    expect((await propose(back, 'uphold', 'k-2')).body.code).toBe('conflict');
    expect((await propose(back, 'give_back', null)).body.code).toBe('idempotency_key_missing');
    expect((await lying('&proposed=true')).data).toMatchObject([
      { slip_id: back, decision: { id, decision: 'give_back', status: 'proposed', proposed_by: 'ann' } },
    ]);
    expect((await judge(id, 'approve', ann)).body.code).toBe('same_person');
    expect((await judge(id, 'approve', { scope: 'cases:write', subject: 'bob' })).status).toBe(403);
    expect((await judge(id, 'approve')).status).toBe(202);
    const booked = await decisionIs(id, 'booked');
    expect(booked).toMatchObject({ decided_by: 'bob', note: 'seen', reason: 'the provider wrote' });
    expect((await judge(id, 'approve')).body).toEqual(booked);
    expect((await judge(id, 'decline')).body.code).toBe('conflict');
    const { data } = (await ledger.get(`/v1/transactions?slip=${back}`)).body;
    expect(data[0]).toMatchObject({
      id: booked.transaction_id,
      type: 'compensate',
      postings: preview.postings,
    });
    const events = await eventsUpTo(back, 8);
    expect(events.slice(-2)).toMatchObject([
      {
        type: 'slipstream.slip.suspense_decided.v1',
        data: { decision: 'give_back', provider: 'acme', proposed_by: 'ann', approved_by: 'bob', entry: 3 },
      },
      { data: { reason: 'given_back', request_id: events.at(-2)!.id } },
    ]);
    expect(await balances()).toMatchObject({ suspense: '1400' });
  });

  it('is upheld the same way: the slip is settled again, and the provider owes nothing for it', async () => {
    const { id } = (await propose(stands, 'uphold', 'k-3')).body;
    expect((await judge(id, 'approve')).status).toBe(202);
    await decisionIs(id, 'booked');
    await slipWith(stands, 'settled');
    expect(await balances()).toMatchObject({ suspense: '400' });
    expect((await propose(stands, 'give_back', 'k-4')).body).toMatchObject({
      code: 'conflict',
      detail: 'Nothing of this slip lies in suspense or is in doubt.',
    });
  });

  it('stays there when another person declines, and can be decided about again', async () => {
    const { id } = (await propose(parts, 'uphold', 'k-5')).body;
    expect((await judge(id, 'decline')).body).toMatchObject({ status: 'declined', decided_by: 'bob' });
    expect((await lying('&proposed=false')).data).toMatchObject([{ slip_id: parts, decision: null }]);
    const next = (await propose(parts, 'give_back', 'k-6')).body;
    // A statement is faster than the second person.
    await ledger.publish([
      [parts, returned('failed', { evidence: 'statement_line', providerReference: `p-${parts}` })],
    ]);
    await waitFor(async () => ((await lying()).data.length === 0 ? true : null), { what: 'it to leave' });
    expect((await judge(next.id, 'approve')).body.code).toBe('conflict');
    const { data } = (await ledger.get(`/v1/suspense-decisions?by=ann&slip=${parts}`, reader)).body;
    expect(data.map(({ status }: Shown) => status)).toEqual(['proposed', 'declined']);
    expect((await ledger.get('/v1/suspense-decisions?status=booked&page_size=1', reader)).body).toMatchObject(
      {
        data: [{ slip_id: stands }],
        next: expect.any(String),
      },
    );
  });

  it('is decided about as well where it is held for a success in doubt, and once more when that is denied', async () => {
    const [counts, refused] = [randomUUID(), randomUUID()];
    const doubtful = (id: string) =>
      [
        [id, submitted({ account, reference: id, kind: 'payment' })],
        [id, returned('succeeded', { amount: eur(1001) })],
      ] as const;
    await ledger.publish([...doubtful(counts), ...doubtful(refused)]);
    await slipWith(counts, 'unknown');
    await slipWith(refused, 'unknown');
    const { data } = await lying('&origin=in_doubt');
    expect(new Set(data.map((one: Shown) => one.slip_id))).toEqual(new Set([counts, refused]));
    expect(data[0]).toMatchObject({ kind: 'payment', counterparty: 'shop-1', amount: { amount: '1000' } });
    const decide = async (id: string, decision: string) => {
      const preview = (await propose(id, decision, null, { dry_run: true })).body;
      const proposed = (await propose(id, decision, `${id}-${decision}`)).body;
      expect((await judge(proposed.id, 'approve')).status).toBe(202);
      const { transaction_id } = await decisionIs(proposed.id, 'booked');
      const [last] = (await ledger.get(`/v1/transactions?slip=${id}`)).body.data;
      expect(last).toMatchObject({ id: transaction_id, postings: preview.postings });
    };
    await decide(counts, 'uphold');
    await slipWith(counts, 'settled');
    await decide(refused, 'give_back');
    // The provider says that it executed it, somehow.
    await slipWith(refused, 'conflicted');
    expect((await lying('&origin=in_doubt')).data).toEqual([]);
    await ledger.publish([[counts, returned('failed')]]);
    await waitFor(async () => ((await lying()).data.length === 1 ? true : null), { what: 'it to be denied' });
    await decide(counts, 'give_back');
    expect((await lying()).data).toEqual([]);
  });

  it('is not decided about by a word on what it was before', async () => {
    const moved = randomUUID();
    await ledger.publish([
      [moved, submitted({ account, reference: moved })],
      [moved, returned('succeeded', { amount: eur(1001) })],
    ]);
    await slipWith(moved, 'unknown');
    const { id } = (await propose(moved, 'uphold', 'k-10')).body;
    await ledger.publish([
      [moved, returned('succeeded')],
      [moved, returned('failed')],
    ]);
    const denied = async () => (await lying('&origin=denied')).data[0] ?? null;
    expect(await waitFor(denied, { what: 'it to be denied' })).toMatchObject({
      ...{ slip_id: moved, decision: null },
    });
    expect((await judge(id, 'approve')).body).toMatchObject({
      code: 'conflict',
      detail: 'What it was proposed for has been moved since; propose anew.',
    });
    expect((await judge(id, 'decline')).body.status).toBe('declined');
    // One that was approved in time, and is read behind what moved it.
    const late = randomUUID();
    await ledger.database.query(
      `insert into suspense_decision (decision_id, slip_id, entry, decision, reason, proposed_by, request_key, digest, status, decided_by,
         note, decided_at, transaction_id)
       values ($1, $2, 1, 'uphold', '', 'ann', 'k-12', '', 'approved', 'bob', '', now(), gen_random_uuid())`,
      [late, moved],
    );
    await decisionIs(late, 'overtaken');
    const again = (await propose(moved, 'give_back', 'k-11')).body;
    expect((await judge(again.id, 'approve')).status).toBe(202);
    await decisionIs(again.id, 'booked');
    expect((await lying()).data).toEqual([]);
  });

  it('is a claim once the payer has it, and written off by two people', async () => {
    const late = randomUUID();
    await ledger.publish([
      [late, submitted({ account, reference: late })],
      [late, refundRequested()],
      // It is one claim, of all that was executed.
      [late, returned('succeeded', { amount: eur(400), providerReference: 'p-1' })],
      [late, returned('succeeded', { amount: eur(600), providerReference: 'p-2' })],
    ]);
    const claims = async () => (await lying('&origin=claimed')).data as Shown[];
    const claimOf = (id: string) =>
      waitFor(
        async () =>
          (await claims()).find((one) => one.slip_id === id && (one.amount as Shown).amount === '1000'),
        { what: 'a claim' },
      );
    expect(await claimOf(late)).toMatchObject({
      ...{ origin: 'claimed', account, provider: 'acme', amount: { amount: '1000', currency: 'EUR' } },
      decision: null,
    });
    // What was given back by people before is owed by its provider, and what lies in suspense is not yet.
    expect(await claimOf(back)).toMatchObject({ provider: 'acme', account });
    expect((await lying()).data.map((one: Shown) => one.slip_id)).not.toContain(late);
    expect((await propose(late, 'give_back', 'w-0')).body.code).toBe('conflict');
    const owed = async () =>
      (await ledger.get('/v1/accounts?owner=acme&kind=receivable')).body.data[0]?.balance as string;
    const before = BigInt(await owed());
    for (const slipId of [late, back]) {
      const preview = (await propose(slipId, 'write_off', null, { dry_run: true })).body;
      const { id } = (await propose(slipId, 'write_off', `w-${slipId}`)).body;
      expect((await judge(id, 'approve', ann)).body.code).toBe('same_person');
      expect((await judge(id, 'approve')).status).toBe(202);
      const { transaction_id } = await decisionIs(id, 'booked');
      const [last] = (await ledger.get(`/v1/transactions?slip=${slipId}`)).body.data;
      expect(last).toMatchObject({ id: transaction_id, type: 'compensate', postings: preview.postings });
      expect(preview.postings).toMatchObject([
        { account: 'house:own:losses', direction: 'debit' },
        { account: 'provider:acme:receivable', direction: 'credit' },
      ]);
      expect((await propose(slipId, 'write_off', `again-${slipId}`)).body.code).toBe('conflict');
    }
    expect(BigInt(await owed()) - before).toBe(2_000n);
    const left = (await claims()).map(({ slip_id }) => slip_id);
    expect([left.includes(late), left.includes(back)]).toEqual([false, false]);
  });

  it('refuses what cannot be decided', async () => {
    expect((await propose(randomUUID(), 'uphold', 'k-7')).status).toBe(404);
    expect((await propose(back, 'burn', 'k-8')).body).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '/decision' }],
    });
    expect((await propose(back, 'uphold', 'k-9', { reason: ' ' })).body.errors).toMatchObject([
      { pointer: '/reason' },
    ]);
    expect((await propose(back, 'uphold', 'k-9', { amount: 1 })).status).toBe(400);
    expect((await judge(randomUUID(), 'approve')).status).toBe(404);
    expect((await judge('nobody', 'decline')).status).toBe(404);
  });

  it('leaves books in which all holds, and rows that nobody can decide twice', async () => {
    await ledger.caughtUp();
    expect((await ledger.database.query(checkSql)).rows).toEqual([]);
    const insert = (by: string, decidedBy: string | null) =>
      ledger.database.query(
        `insert into suspense_decision (decision_id, slip_id, entry, decision, reason, proposed_by, request_key, digest, status, decided_by, note,
           decided_at, transaction_id)
         select gen_random_uuid(), $1, 3, 'uphold', '', $2, gen_random_uuid()::text, '', case when $3::text is null then 'proposed' else 'approved' end,
           $3, case when $3::text is not null then '' end, case when $3::text is not null then now() end,
           case when $3::text is not null then gen_random_uuid() end`,
        [by === 'new' ? randomUUID() : back, by, decidedBy],
      );
    await expect(insert('eve', 'bob')).rejects.toThrow('suspense_decision_once');
    await expect(insert('new', 'new')).rejects.toThrow('check constraint');
    const change = "update suspense_decision set note = 'other' where status = 'approved'";
    await expect(ledger.database.query(change)).rejects.toThrow('was made');
    await expect(ledger.database.query('delete from suspense_decision')).rejects.toThrow('was made');
  });
});

describe('the OpenAPI document', () => {
  it('names every parameter that may be asked with', async () => {
    const { body } = await ledger.get('/openapi.json');
    const named = (path: string) =>
      (body.paths[path].get.parameters as { in: string; name: string }[])
        .filter((parameter) => parameter.in === 'query')
        .map(({ name }) => name)
        .sort();
    const fields = slipFields.flatMap((field) => [field, `${field}.not`]);
    const counted = fields.filter((name) => !/^(?:route|provider_reference|not_returned|lacks)\b/.test(name));
    const ranges = ['amount_max', 'amount_min', 'clock', 'submitted_from', 'submitted_to'];
    const listed = [...fields, ...ranges, 'deadline_from', 'deadline_to', 'cursor', 'page_size', 'sort'];
    expect(named('/v1/slips')).toEqual(listed.toSorted());
    expect(named('/v1/slips/{id}')).toEqual(['at', 'min_position']);
    expect(named('/v1/slips/{id}/events')).toEqual(['cursor', 'page_size']);
    expect(named('/v1/transactions')).toEqual(['account', 'clock', 'cursor', 'page_size', 'slip']);
    expect(named('/v1/accounts/{id}')).toEqual(['at', 'clock']);
    expect(named('/v1/accounts')).toEqual(['clock', 'currency', 'cursor', 'kind', 'owner', 'page_size']);
    expect(named('/v1/stats/not-returned')).toEqual([...counted, ...ranges, 'group_by'].toSorted());
  });
});

describe('bad questions', () => {
  it.each([
    '/v1/slips?colour=red',
    '/v1/slips?status=lost',
    '/v1/slips?kind=gift',
    '/v1/slips?sort=amount',
    '/v1/slips?page_size=0',
    '/v1/slips?page_size=1001',
    '/v1/slips?cursor=nonsense',
    `/v1/slips?cursor=${Buffer.from('["after","now","x"]').toString('base64url')}`,
    `/v1/slips?cursor=${Buffer.from('["after","2026-11-22T10:00:00.000000Z","\\u0000"]').toString('base64url')}`,
    '/v1/slips?submitted_from=yesterday',
    '/v1/slips?clock=a&clock=b',
    '/v1/slips?status=held,settled',
    '/v1/slips?amount_min=12.5&currency=EUR',
    '/v1/slips?amount_min=12',
    '/v1/slips?amount_max=12&currency=EUR&currency=JPY',
    '/v1/slips?amount_max=12&currency.not=JPY',
    '/v1/stats/not-returned?amount_min=12',
    '/v1/slips?currency=eur',
    '/v1/slips?currency.not=EUR,JPY',
    '/v1/stats/slips?currency=euro',
    '/v1/accounts?currency=eur',
    '/v1/slips?account=100%',
    '/v1/slips?overdue=maybe',
    '/v1/slips?metadata.=x',
    '/v1/slips/x?at=2999-01-01T00:00:00Z',
    '/v1/stats/not-returned?status=lost',
    '/v1/slips?reference=%00',
    '/v1/slips/x?at=now',
    '/v1/slips/x?min_position=here',
    '/v1/slips/x?min_position=-1:5',
    '/v1/slips/x/events?limit=3',
    '/v1/transactions?clock=wall',
    '/v1/transactions?slip=x&clock=wall',
    '/v1/accounts/x?currency=EUR',
    '/v1/accounts?kind=loan',
    '/v1/accounts?balance=0',
    `/v1/accounts?cursor=${Buffer.from('["after","x"]').toString('base64url')}`,
    '/v1/stats/not-returned?group_by=moon',
  ])('%s is 400', async (path) => {
    const { status, body } = await ledger.get(path);
    expect([status, body.status]).toEqual([400, 400]);
  });

  it('about odd ids are 404', async () => {
    for (const path of ['/v1/slips/%00', '/v1/slips/..%2f', '/v1/accounts/%00', '/v1/slips/%F0%9F%92%B8']) {
      expect((await ledger.get(path)).status).toBe(404);
    }
  });

  it('are closed without a token or the scope', async () => {
    for (const path of ['/v1/slips', '/v1/slips/x', '/v1/accounts/x', '/v1/transactions?slip=x']) {
      expect((await ledger.get(path, { scope: null })).status).toBe(401);
      expect((await ledger.get(path, { scope: 'slips:write' })).status).toBe(403);
    }
  });

  it('about a position that never comes end all the same', async () => {
    const { status, body } = await ledger.get('/v1/slips/x?min_position=/slipstream/intake:0:999999');
    expect([status >= 500, body.code]).toEqual([true, 'position_timeout']);
  });
});

describe('slow questions', () => {
  it('end with 503 and keep nobody else waiting', async () => {
    const blocker = await ledger.database.connect();
    const slipId = randomUUID();
    try {
      await blocker.query('begin');
      await blocker.query('lock table account in access exclusive mode');
      const answers = Promise.all(
        Array.from({ length: 20 }, () => ledger.get(`/v1/transactions?slip=${slipId}`)),
      );
      await waitFor(
        async () => {
          const blocked = await blocker.query(
            "select from pg_locks where relation = 'account'::regclass and not granted",
          );
          return blocked.rowCount !== null && blocked.rowCount >= 4 ? blocked : null;
        },
        { what: 'the questions to be stuck' },
      );
      // Under review it moves no money, so the ledger itself needs nothing that is locked.
      await ledger.publish([[slipId, submitted({ reviewRequired: true })]]);
      await waitFor(
        async () => {
          const logged = await blocker.query('select from event_log where slip_id = $1', [slipId]);
          return logged.rowCount === 1 ? logged : null;
        },
        { what: 'the log to go on' },
      );
      expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([503]));
    } finally {
      await blocker.query('rollback');
      blocker.release();
    }
  });
});

describe('two instances', () => {
  it('share the work, and a resend of everything changes nothing', async () => {
    const second = await ledger.start();
    const account = `two-${randomUUID().slice(0, 8)}`;
    const ids = Array.from({ length: 200 }, () => randomUUID());
    for (let start = 0; start < ids.length; start += 20) {
      const some = ids.slice(start, start + 20);
      await ledger.publish(some.map((id) => [id, submitted({ account, amount: eur(10) })] as const));
      await ledger.publish(
        some.map((id, n) => [id, returned(n % 4 === 0 ? 'failed' : 'succeeded')] as const),
      );
    }
    await ledger.resend();
    await ledger.caughtUp();
    const { body } = await ledger.get(`/v1/accounts/${account}`, { instance: second });
    expect(body.balances).toEqual([{ currency: 'EUR', available: '-1500', held: '0', suspense: '0' }]);
    const { rows } = await ledger.database.query('select * from ledger_imbalance');
    expect(rows).toEqual([]);
    const metrics = (await ledger.get('/metrics')).body as string;
    const lines = metrics.split('\n').filter((line) => /^slipstream_ledger_(resent|events)/.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^slipstream_ledger_events_appended_total\{service="ledger"\} [1-9]/),
      'slipstream_ledger_resent_bytes_differ_total{service="ledger"} 0',
    ]);
  });
});

describe('amounts that no double can hold', () => {
  it('come out as they went in, and so does what they add up to', async () => {
    const account = `wide-${randomUUID().slice(0, 8)}`;
    const wide = [9_007_199_254_740_993n, 9_223_372_036_854_775_807n, 9_223_372_036_854_775_807n];
    const ids = wide.map(() => randomUUID());
    await ledger.publish(
      ids.map((id, n) => [id, submitted({ account, reference: id, amount: eur(wide[n]!) })] as const),
    );
    for (const [n, id] of ids.entries()) {
      expect((await slipWith(id, 'held')).amount).toEqual({ amount: String(wide[n]), currency: 'EUR' });
    }
    const { body } = await ledger.get(`/v1/accounts/${account}`);
    expect(body.balances).toEqual([
      { currency: 'EUR', available: '-18455751272964292607', held: '18455751272964292607', suspense: '0' },
    ]);
    const rows = (
      await ledger.get(`/v1/slips?account=${account}&amount_min=9223372036854775807&currency=EUR`, {
        headers: { accept: 'text/csv' },
      })
    ).body;
    expect(rows.match(/,9223372036854775807,EUR,/g)).toHaveLength(2);
    const { data } = (
      await ledger.get(`/v1/stats/slips?group_by=currency&submitted_from=2000-01-01T00:00:00Z`)
    ).body;
    expect(BigInt(data[0].amounts[0].amount)).toBeGreaterThan(18_455_751_272_964_292_607n);
  });
});

describe('a success that was not asked for', () => {
  it.each([
    ['in another currency', { amount: 1000n, currency: 'JPY' }],
    ['of a hundredfold', eur(100_000)],
  ])('%s leaves the slip unknown and its money where it is', async (_, amount) => {
    const slipId = randomUUID();
    const account = `doubt-${slipId.slice(0, 8)}`;
    await ledger.publish([
      [slipId, submitted({ account, reference: account })],
      [slipId, returned('succeeded', { amount })],
      [slipId, refundRequested()],
    ]);
    expect(await slipWith(slipId, 'unknown')).toMatchObject({ outcome: 'succeeded', resolved_at: null });
    await waitFor(async () => (await ledger.get(`/v1/slips/${slipId}/events`)).body.data.length === 5, {
      what: 'the answers to all of it',
    });
    const { body } = await ledger.get(`/v1/slips/${slipId}/events`);
    expect(body.data.map(({ type }: Shown) => type).toSorted()).toEqual([
      'slipstream.slip.funds_held.v1',
      'slipstream.slip.refund_refused.v1',
      'slipstream.slip.refund_requested.v1',
      'slipstream.slip.returned.v1',
      'slipstream.slip.submitted.v1',
    ]);
    expect((await ledger.get(`/v1/accounts/${account}`)).body.balances).toEqual([
      { currency: 'EUR', available: '-1000', held: '1000', suspense: '0' },
    ]);
  });
});

describe('a request for a refund', () => {
  it('is answered each time, by its id, also of a slip that nobody knows', async () => {
    const known = randomUUID();
    const unknown = randomUUID();
    await ledger.publish([
      [known, submitted({ account: `asked-${known.slice(0, 8)}`, reference: known })],
      ...[known, known, unknown, unknown].map((slipId) => [slipId, refundRequested()] as const),
    ]);
    const answers = async (slipId: string, count: number) => {
      const events = await eventsUpTo(slipId, count);
      const asked = events.filter(({ type }) => type === 'slipstream.slip.refund_requested.v1');
      const said = events.filter(({ type }) => /refunded|refund_refused/.test(type));
      expect(said.map(({ data }) => data.request_id)).toEqual(asked.map(({ id }) => id));
      return said.map(({ type, data }) => `${type.split('.')[2]} ${data.reason}`);
    };
    expect(await answers(known, 6)).toEqual(['refunded not_executed', 'refund_refused already_refunded']);
    expect(await answers(unknown, 4)).toEqual(Array(2).fill('refund_refused nothing_held'));
  });
});

describe('money after the end', () => {
  it('is claimed from a provider that denies what it executed, and shown where it is', async () => {
    const slipId = randomUUID();
    const account = `denied-${slipId.slice(0, 8)}`;
    const provider = `p-${slipId.slice(0, 8)}`;
    await ledger.publish([
      [slipId, submitted({ kind: 'payout', overdraft: true, account, reference: account, provider })],
      [slipId, returned('succeeded', { provider })],
      [slipId, returned('failed', { provider, reason: 'AC04' })],
      [slipId, returned('void', { provider })],
    ]);
    await eventsUpTo(slipId, 7);
    const slip = await slipWith(slipId, 'conflicted');
    expect(slip).toMatchObject({ outcome: 'succeeded', iso20022: { status: 'PDNG', reason: null } });
    const events = await eventsOf(slipId);
    const denial = events.find(({ data }) => data.outcome === 'failed')!;
    expect(slip.anomalies).toContainEqual({
      event_id: denial.id,
      type: 'slipstream.slip.returned.v1',
      reason: 'contradicts',
    });
    const { body } = await ledger.get(`/v1/transactions?slip=${slipId}`);
    expect(body.data.map(({ type }: Shown) => type)).toEqual(['compensate', 'settle', 'hold']);
    expect(body.data[0].event_id).toBe(denial.id);
    const listed = async (query: string) =>
      (await ledger.get(`/v1/accounts?${query}`)).body.data.map(
        (one: Shown) => `${one.account} ${one.balance} ${one.currency}`,
      );
    expect(await listed(`owner=${provider}`)).toEqual([
      `provider:${provider}:receivable -1000 EUR`,
      `provider:${provider}:settlement 1000 EUR`,
    ]);
    expect(await listed(`owner=${account}&kind=suspense`)).toEqual([`payer:${account}:suspense 1000 EUR`]);
    expect((await ledger.get(`/v1/accounts/${account}`)).body.balances).toEqual([
      { currency: 'EUR', available: '-1000', held: '0', suspense: '1000' },
    ]);
  });

  it('is settled in parts up to what was held', async () => {
    const slipId = randomUUID();
    const [account, shop] = [`parts-${slipId.slice(0, 8)}`, `shop-${slipId.slice(0, 8)}`];
    const part = (amount: number, providerReference: string) =>
      [slipId, returned('succeeded', { amount: eur(amount), providerReference })] as const;
    await ledger.publish([
      [slipId, submitted({ kind: 'payment', account, counterparty: shop, reference: account })],
      ...[part(400, 'p-1'), part(350, 'p-2'), part(350, 'p-2'), part(251, 'p-3'), part(250, 'p-4')],
    ]);
    const events = await eventsUpTo(slipId, 10);
    const settled = events.filter(({ type }) => type === 'slipstream.slip.settled.v1');
    expect(settled.map(({ data }) => data.part)).toEqual([1, 2, 3]);
    expect((await ledger.get(`/v1/accounts/${shop}`)).body.balances).toMatchObject([{ available: '1000' }]);
    expect((await ledger.get(`/v1/accounts/${account}`)).body.balances).toMatchObject([
      { available: '-1000', held: '0' },
    ]);
    expect(await slipWith(slipId, 'settled')).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('what a provider charges', () => {
  it('is booked beside the settlement, between it and the house', async () => {
    const slipId = randomUUID();
    const provider = `fee-${slipId.slice(0, 8)}`;
    await ledger.publish([
      [slipId, submitted({ account: provider, reference: provider, provider })],
      [slipId, returned('succeeded', { provider, fee: eur(30) })],
    ]);
    await slipWith(slipId, 'settled');
    const { body } = await ledger.get(`/v1/transactions?slip=${slipId}`);
    expect(body.data.map(({ type }: Shown) => type)).toEqual(['fee', 'settle', 'hold']);
    expect(body.data[0].event_id).toBe(body.data[1].event_id);
    const [fees] = (await ledger.get(`/v1/accounts?owner=${provider}&kind=fees`)).body.data;
    expect(fees).toMatchObject({ account: `provider:${provider}:fees`, balance: '30', currency: 'EUR' });
    const house = await ledger.get('/v1/transactions?account=house:own:costs');
    expect(house.body.data[0]).toEqual(body.data[0]);
  });
});

describe('amounts', () => {
  it('of any size and currency are right to the last unit', async () => {
    const name = randomUUID().slice(0, 8);
    const account = `sums-${name}`;
    const most = 2n ** 63n - 1n;
    const amounts = [
      ...[most, most, 9_007_199_254_740_993n].map((amount) => ({ amount, currency: 'EUR' })),
      ...['JPY', 'KWD'].map((currency) => ({ amount: most, currency })),
    ];
    const ids = amounts.map(() => randomUUID());
    await ledger.publish(
      ids.flatMap((id, n) => [
        [id, submitted({ account, amount: amounts[n]!, reference: `sum-${n}` })] as const,
        [id, returned('succeeded')] as const,
      ]),
    );
    for (const [n, id] of ids.entries()) {
      const { amount, currency } = amounts[n]!;
      expect((await slipWith(id, 'settled')).amount).toEqual({ amount: String(amount), currency });
    }
    const { body } = await ledger.get(`/v1/accounts/${account}`);
    expect(body.balances.map(({ currency, available }: Shown) => [currency, available])).toEqual([
      ['EUR', String(-2n * most - 9_007_199_254_740_993n)],
      ['JPY', String(-most)],
      ['KWD', String(-most)],
    ]);
    const pages: Shown[] = [];
    for (let cursor = ''; cursor !== null; ) {
      const page = await ledger.get(
        `/v1/accounts?owner=${account}&page_size=2${cursor && `&cursor=${cursor}`}`,
      );
      pages.push(...page.body.data);
      cursor = page.body.next;
    }
    expect(pages.map(({ kind, currency }) => `${kind} ${currency}`)).toEqual(
      ['available', 'held'].flatMap((kind) => ['EUR', 'JPY', 'KWD'].map((currency) => `${kind} ${currency}`)),
    );
  });

  it('leave books that hold, by a program that knows nothing of the service', async () => {
    await ledger.caughtUp();
    const { rows } = await ledger.database.query<Broken>(checkSql);
    expect(rows).toEqual([]);
  });
});

describe('the log and what proves it', () => {
  const slipId = randomUUID();
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipstream-proof-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** The exit code of the program that verifies proofs, with what it says. */
  const judged = async (proof: unknown, key: string) => {
    const file = join(folder, 'proof.json');
    await writeFile(file, JSON.stringify(proof));
    const program = join(import.meta.dirname, '../../../tools/verify-proof.mjs');
    return new Promise<string>((resolve) => {
      execFile(process.execPath, [program, file, '--key', key], (error, stdout, stderr) => {
        resolve(`${error?.code ?? 0} ${stdout}${stderr}`);
      });
    });
  };
  const verified = async () => {
    const kafka = await KafkaLog.open(ledger.kafkaBrokers);
    const database = await LedgerDatabase.open(ledger.databaseUrl);
    try {
      const keys = [ledger.signingKey.verifierKey];
      return await verifyLog({ database, kafka, keys, notes: [], onRows() {} });
    } finally {
      await kafka.close();
      await database.close();
    }
  };
  const latest = async () => (await ledger.get('/v1/checkpoints/latest')).body;

  it('has every record, also one that nobody can read and one of a stranger, byte for byte', async () => {
    const garbage = Buffer.from(`no event ${randomUUID()}`);
    await ledger.send({ partition: 5, key: 'garbage', value: garbage });
    const row = await waitFor(
      async () =>
        (await ledger.database.query('select partition, bytes from aside_log where bytes = $1', [garbage]))
          .rows[0],
      { what: 'the record that nobody can read' },
    );
    expect(row).toEqual({ partition: 5, bytes: garbage });
  });

  it('proves the events of a slip, to whoever has the public key', async () => {
    await ledger.publish([[slipId, submitted({ reference: 'proved' })]]);
    await slipWith(slipId, 'held');
    const proof = (await ledger.get(`/v1/slips/${slipId}/proof`)).body;
    expect(proof.events.map(({ version }: Shown) => version)).toEqual([1, 2]);
    const { verifierKey } = ledger.signingKey;
    expect(proof.checkpoint.key).toEqual({ id: ledger.signingKey.id, verifier_key: verifierKey });
    expect(await judged(proof, verifierKey)).toMatch(
      /^0 holds: .* has these 2 events of slip \S+, in this order, as they are here\n$/,
    );

    const [first, second] = proof.events;
    const bytes = Buffer.from(first.bytes, 'base64');
    bytes[9]! ^= 1;
    const altered = { ...proof, events: [{ ...first, bytes: bytes.toString('base64') }, second] };
    expect(await judged(altered, verifierKey)).toMatch(/^1 does NOT hold: event 1/);
    expect(await judged({ ...proof, events: [second, first] }, verifierKey)).toMatch(/^1 .*out of order/);
    expect(await judged({ ...proof, slip_id: randomUUID() }, verifierKey)).toMatch(/^1 .*another slip/);
    expect(await judged({ ...proof, events: undefined }, verifierKey)).toMatch(/^2 /);
    expect(await judged(proof, 'slipstream.ledger+00000000+AQ==')).toMatch(/^2 .*key/);

    const rest = (await ledger.get(`/v1/slips/${slipId}/proof?after=1`)).body;
    expect(rest.events.map(({ version }: Shown) => version)).toEqual([2]);
    expect(await judged(rest, verifierKey)).toMatch(
      /^0 holds: .* has this event of slip .* they are 2 to 2 of 2/,
    );
    expect((await ledger.get(`/v1/slips/${slipId}/proof?after=x`)).status).toBe(400);
    expect((await ledger.get(`/v1/slips/${randomUUID()}/proof`)).status).toBe(404);
  });

  it('proves that it only grew from one checkpoint to a later one', async () => {
    const from = await latest();
    await ledger.publish([[slipId, returned('succeeded')]]);
    await slipWith(slipId, 'settled');
    await ledger.get(`/v1/slips/${slipId}/proof`);
    const to = await latest();
    expect(to.id).not.toBe(from.id);
    const proof = (await ledger.get(`/v1/checkpoints/${to.id}/consistency?from=${from.id}`)).body;
    const { verifierKey } = ledger.signingKey;
    expect(await judged(proof, verifierKey)).toMatch(/^0 holds: .* begins with all that/);
    const turned = { ...proof, from: proof.to, to: proof.from };
    expect(await judged(turned, verifierKey)).toMatch(/^1 does NOT hold/);
    const [path] = proof.partitions.filter((one: { path: string[] }) => one.path.length > 0);
    path.path[0] = Buffer.alloc(32).toString('base64');
    expect(await judged(proof, verifierKey)).toMatch(/^1 does NOT hold/);
    expect((await ledger.get(`/v1/checkpoints/${from.id}/consistency?from=${to.id}`)).body.code).toBe(
      'conflict',
    );
    expect((await ledger.get(`/v1/checkpoints/${to.id}/consistency`)).status).toBe(400);
    expect((await ledger.get(`/v1/checkpoints/${randomUUID()}`)).status).toBe(404);
    // What comes in meanwhile is signed within half a second.
    const [newest, page] = await waitFor(
      async () => {
        const last = await latest();
        const { body } = await ledger.get('/v1/checkpoints?page_size=1');
        return body.data[0].id === last.id ? [last, body] : null;
      },
      { what: 'the latest checkpoint as a page of one' },
    );
    expect(page.data).toEqual([newest]);
    const next = (await ledger.get(`/v1/checkpoints?page_size=1&cursor=${page.next}`)).body;
    expect(next.data).toHaveLength(1);
    expect(next.data[0].id).not.toBe(newest.id);
  });

  it('has all that it is signed within the interval, and published', async () => {
    await ledger.publish([[randomUUID(), submitted({ reference: 'signed' })]]);
    await ledger.caughtUp();
    const isSigned = async () => {
      const { trees } = await latest();
      const { rows } = await ledger.database.query(
        'select partition, size::int from log_tree where size > 0 order by 1',
      );
      return JSON.stringify(trees.map(({ partition, size }: Shown) => ({ partition, size }))) ===
        JSON.stringify(rows)
        ? true
        : null;
    };
    await waitFor(isSigned, { what: 'a checkpoint of all that is logged' });
    const { note } = await latest();
    const kafka = await KafkaLog.open(ledger.kafkaBrokers);
    await waitFor(async () => ((await kafka.notes()).includes(note) ? true : null), { what: 'it on Kafka' });
    await kafka.close();
  });

  it('is verified against Kafka without an alarm after all that came here, resends too; what is gone is named', async () => {
    await ledger.resend();
    await ledger.caughtUp();
    const verdict = await verified();
    expect(verdict.partitions.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(verdict).toMatchObject({ ok: true, unsignedNotes: 0 });

    const { database } = ledger;
    const { rows } = await database.query(
      'select partition, kafka_offset::int as offset from event_log where slip_id = $1 and version = 2',
      [slipId],
    );
    await database.query(`alter table event_log disable trigger all; create table gone as
      select * from event_log where slip_id = '${slipId}' and version = 2`);
    await database.query('delete from event_log where slip_id = $1 and version = 2', [slipId]);
    const found = (await verified()).partitions.flatMap(({ problem }) => problem ?? []);
    expect(found).toMatchObject([{ ...rows[0], kind: 'missing' }]);
    await database.query('insert into event_log select * from gone');
    await database.query('alter table event_log enable trigger all');
    expect((await verified()).ok).toBe(true);
  });

  it('is verified from where Kafka begins, and says what Kafka no longer has; a wiped partition too', async () => {
    const { rows } = await ledger.database.query<{ partition: number; offset: number }>(
      'select partition, kafka_offset::int as offset from event_log where slip_id = $1 and version = 2',
      [slipId],
    );
    const { partition, offset } = rows[0]!;
    await ledger.deleteRecords(partition, offset + 1);
    const aged = await verified();
    expect(aged).toMatchObject({ ok: true });
    expect(aged.partitions.filter(({ notCompared }) => notCompared.length > 0)).toMatchObject([
      { partition, notCompared: [{ from: 0, through: offset, why: 'gone_from_kafka' }], problem: null },
    ]);
    // A partition of which the database and its checkpoints say nothing is one of the topic all the same.
    expect(aged.partitions.map(({ partition }) => partition)).toEqual(
      Array.from({ length: topics.events.partitions }, (_, n) => n),
    );
  });
});

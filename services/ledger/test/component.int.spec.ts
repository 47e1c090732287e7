import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { at, eur, refundRequested, returned, submitted } from './builders.ts';
import { type LedgerUnderTest, ledgerUnderTest } from './ledger-under-test.ts';

type Shown = Readonly<Record<string, unknown>>;

let ledger: LedgerUnderTest;
beforeAll(async () => {
  ledger = await ledgerUnderTest();
  await ledger.start();
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
      version: 4,
      position: expect.stringMatching(/^\d+:\d+$/),
      iso20022: { status: 'ACSC', reason: null },
    });
    const same = await ledger.get(`/v1/slips/${slipId}?min_position=${slip.position}`);
    expect(same.body).toEqual(slip);
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
      balances: [{ currency: 'EUR', available: '-600', held: '0' }],
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
      { key: 'acme', slips: 2, amounts: [{ amount: '2000', currency: 'EUR' }] },
    ]);
    expect((await stats('cause')).map(({ key, slips }: Shown) => [key, slips])).toEqual([
      ['callback_lost', 1],
      [null, 1],
    ]);
    expect((await stats('hour')).map(({ key }: Shown) => key)).toEqual(['2026-11-22T10:00:00.000000Z']);
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
    const listed = 'account cause clock cursor kind outcome page_size provider reference sort status';
    expect(named('/v1/slips').join(' ')).toBe(`${listed} submitted_from submitted_to`);
    expect(named('/v1/slips/{id}')).toEqual(['min_position']);
    expect(named('/v1/slips/{id}/events')).toEqual(['cursor', 'page_size']);
    expect(named('/v1/transactions')).toEqual(['account', 'clock', 'cursor', 'page_size', 'slip']);
    expect(named('/v1/accounts/{id}')).toEqual(['clock']);
    expect(named('/v1/stats/not-returned')).toEqual(['clock', 'group_by']);
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
    '/v1/slips?reference=a&reference=b',
    '/v1/slips?reference=%00',
    '/v1/slips/x?at=now',
    '/v1/slips/x?min_position=here',
    '/v1/slips/x?min_position=-1:5',
    '/v1/slips/x/events?limit=3',
    '/v1/transactions',
    '/v1/accounts/x?currency=EUR',
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
    expect(body.balances).toEqual([{ currency: 'EUR', available: '-1500', held: '0' }]);
    const { rows } = await ledger.database.query('select * from ledger_imbalance');
    expect(rows).toEqual([]);
    const metrics = (await ledger.get('/metrics')).body as string;
    const lines = metrics.split('\n').filter((line) => /^ledger_(resent|events)/.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^ledger_events_appended_total\{service="ledger"\} [1-9]/),
      'ledger_resent_bytes_differ_total{service="ledger"} 0',
    ]);
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
      { currency: 'EUR', available: '-1000', held: '1000' },
    ]);
  });
});

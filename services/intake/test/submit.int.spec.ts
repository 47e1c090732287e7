import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readEnvelope } from '@slipstream/contracts';
import { addMs } from '@slipstream/kernel';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest, ledgerUrl } from './intake-under-test.ts';
import { type Answer, expectProblem, goodBody, patiently, post } from './requests.ts';

let intake: IntakeUnderTest;
let service: Service;
let twin: Service;
let token: string;
beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start();
  twin = await intake.start();
  token = await intake.token('shop');
});
afterAll(() => intake?.stop(), 60_000);

const send = (body: object, key: string, to = service, as = token) =>
  patiently(() => post(to, as, body, { 'idempotency-key': key }));
const seen = ({ status, headers, body }: Answer) => ({
  status,
  location: headers.get('location'),
  position: headers.get('slip-position'),
  etag: headers.get('etag'),
  body,
});
const slipsNamed = async (reference: string): Promise<string[]> => {
  const { rows } = await intake.database.query('select slip_id::text from slip where reference = $1', [
    reference,
  ]);
  return rows.map((row) => row.slip_id);
};

test('a submitted slip is answered with its id, place and time, and published as it was judged', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const body = {
    ...goodBody,
    reference: 'first',
    amount: { amount: '9007199254740993', currency: 'JPY' },
    metadata: { toString: 'kept', größe: '😀' },
  };
  const answer = await post(service, token, body, { 'idempotency-key': 'first', traceparent });
  const [record] = await intake.eventsOf('first');
  expect(seen(answer)).toEqual({
    status: 202,
    location: `${ledgerUrl}/v1/slips/${record!.slipId}`,
    position: `/slipstream/intake:${record!.partition}:${record!.sequence}`,
    etag: '"1"',
    body: { id: record!.slipId, reference: 'first', status: 'submitted', submitted_at: record!.time },
  });
  expect(answer.headers.get('idempotent-replayed')).toBeNull();
  expect(record).toMatchObject({
    source: '/slipstream/intake',
    clock: 'wall',
    receivedTime: record!.time,
    event: {
      type: 'SlipSubmitted',
      data: {
        caller: 'shop',
        kind: 'order',
        account: 'cust-42',
        counterparty: 'shop-7',
        amount: { amount: 9_007_199_254_740_993n, currency: 'JPY' },
        mode: 'dispatched',
        provider: 'acme',
        overdraft: true,
        reviewRequired: false,
        policy: { graceMs: 7, quietPeriodMs: 2000, inquiryLadderMs: [0, 2000] },
        details: { clear: { text: '', metadata: { toString: 'kept', größe: '😀' } } },
      },
    },
  });
  const { deadline } = record!.event.data as { deadline: string };
  expect(deadline <= addMs(record!.time, 5_000) && deadline > addMs(record!.time, 4_000)).toBe(true);
});

test("a slip belongs to its caller's trace, and to one that begins with it where the caller has none; a repeat changes nothing", async () => {
  const tracesOf = async (reference: string, given: Record<string, string>) => {
    const headers = { 'idempotency-key': reference, ...given };
    const body = { ...goodBody, reference };
    expect((await post(service, token, body, headers)).status).toBe(202);
    const again = await post(service, token, body, headers);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const { rows } = await intake.database.query<{ body: Buffer }>(
      'select body from outbox_event where key = (select slip_id::text from slip where reference = $1)',
      [reference],
    );
    return rows.map((row) => readEnvelope(row.body).traceparent);
  };
  const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(await tracesOf('trace-given', { traceparent: given })).toEqual([given]);
  const begun = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-00$/;
  const none = await tracesOf('trace-none', {});
  expect(none).toEqual([expect.stringMatching(begun)]);
  const unsound = await tracesOf('trace-unsound', {
    traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  });
  expect(unsound).toEqual([expect.stringMatching(begun)]);
  expect(unsound).not.toEqual(none);
});

test('only the required fields are needed; a deadline in another zone is the same instant', async () => {
  const { reference: _, ...required } = { reference: '', kind: 'payout', account: 'a', counterparty: 'b' };
  expect((await send({ ...required, reference: 'least' }, 'least')).status).toBe(202);
  const [least] = await intake.eventsOf('least');
  expect(least!.event.data).toMatchObject({ amount: null, route: 'default', details: null });

  const deadline = `${addMs(least!.time, 3_600_000).slice(0, 19)}+01:00`;
  expect((await send({ ...goodBody, reference: 'zone', deadline }, 'zone')).body.code).toBe(
    'deadline_in_past',
  );
  const later = `${addMs(least!.time, 7_200_000).slice(0, 19)}+01:00`;
  expect((await send({ ...goodBody, reference: 'zone', deadline: later }, 'zone')).status).toBe(202);
  const [zone] = await intake.eventsOf('zone');
  expect(zone!.event.data).toMatchObject({
    deadline: `${addMs(least!.time, 3_600_000).slice(0, 19)}.000000Z`,
  });
});

describe('who may submit', () => {
  test('a token is needed, and its scope', async () => {
    expectProblem(
      await post(service, 'nonsense', goodBody, { 'idempotency-key': 'k' }),
      401,
      'unauthenticated',
    );
    const reader = await intake.token('shop', 'slips:read');
    expectProblem(await send(goodBody, 'k', service, reader), 403, 'forbidden');
  });
  test('a subject that cannot name a caller is refused', async () => {
    expectProblem(await send(goodBody, 'k', service, await intake.token('a\u0000b')), 403, 'forbidden');
  });
});

describe('the Idempotency-Key', () => {
  test('repeats the first answer to an equal request, whatever its layout', async () => {
    const body = { ...goodBody, reference: 'again' };
    const first = await send(body, 'again');
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    for (const repeat of [await send(body, 'again'), await send(reordered, 'again', twin)]) {
      expect(seen(repeat)).toEqual(seen(first));
      expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    }
    expect(await slipsNamed('again')).toHaveLength(1);
  });

  test('with another body is refused, also when that body has a free reference or a taken one', async () => {
    await send({ ...goodBody, reference: 'key-1' }, 'key');
    await send({ ...goodBody, reference: 'key-2' }, 'key-2');
    for (const reference of ['key-2', 'key-3']) {
      expectProblem(await send({ ...goodBody, reference }, 'key'), 422, 'idempotency_key_reused');
    }
    expectProblem(
      await send({ ...goodBody, reference: 'key-1', kind: 'payout' }, 'key'),
      422,
      'idempotency_key_reused',
    );
    expect(await slipsNamed('key-3')).toHaveLength(0);
  });

  test('belongs to its caller, and so does the reference', async () => {
    const other = await intake.token('other-shop');
    const mine = await send({ ...goodBody, reference: 'scoped' }, 'scoped');
    const theirs = await send({ ...goodBody, reference: 'scoped', kind: 'payout' }, 'scoped', service, other);
    expect([mine.status, theirs.status]).toEqual([202, 202]);
    expect(mine.body.id).not.toBe(theirs.body.id);
  });

  test('another key for a taken reference is a conflict, and that key stays free', async () => {
    const first = await send({ ...goodBody, reference: 'taken' }, 'taken-1');
    const refused = await send({ ...goodBody, reference: 'taken' }, 'taken-2');
    expectProblem(refused, 409, 'reference_taken');
    expect(refused.body.slip_id).toBe(first.body.id);
    expect(refused.headers.get('location')).toBe(`${ledgerUrl}/v1/slips/${first.body.id}`);
    expect((await send({ ...goodBody, reference: 'taken-corrected' }, 'taken-2')).status).toBe(202);
  });

  test('of a refused request may carry the corrected one', async () => {
    expectProblem(
      await send({ ...goodBody, reference: 'fix', route: 'nowhere' }, 'fix'),
      422,
      'route_unknown',
    );
    expect((await send({ ...goodBody, reference: 'fix' }, 'fix')).status).toBe(202);
  });

  test('is needed, and is checked', async () => {
    expectProblem(await post(service, token, goodBody), 400, 'idempotency_key_missing');
    const twice = await post(service, token, goodBody, { 'Idempotency-Key': 'a, b' });
    expectProblem(twice, 400, 'idempotency_key_invalid');
    for (const key of ['', ' ', 'x'.repeat(256), 'two words', '"open']) {
      expectProblem(await send(goodBody, key), 400, 'idempotency_key_invalid');
    }
    expect((await send({ ...goodBody, reference: 'long-key' }, 'x'.repeat(255))).status).toBe(202);
  });
});

/** Whether a transaction waits for what the one of this backend holds. */
async function isWaitedFor(pid: number): Promise<boolean> {
  const { rows } = await intake.database.query(
    'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
    [pid],
  );
  return rows.length > 0;
}

describe('requests at the same time', () => {
  test('50 equal ones over two instances make one slip and get one answer', async () => {
    const body = { ...goodBody, reference: 'parallel' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => send(body, 'parallel', i % 2 ? service : twin)),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(seen(answer)))).size).toBe(1);
    expect(answers[0]!.status).toBe(202);
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    expect(await slipsNamed('parallel')).toEqual([answers[0]!.body.id]);
    expect(await intake.eventsOf('parallel')).toHaveLength(1);
  });

  test.each([
    [
      'a key',
      "insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at) values ('shop', 'submit', 'held-key', '', gen_random_uuid(), 1, 1, now())",
    ],
    [
      'a reference',
      "insert into slip (slip_id, caller, reference, clock, digest, status, created_at) values (gen_random_uuid(), 'shop', 'held-reference', 'wall', '', 'submitted', now())",
    ],
  ])(
    'that need %s which another transaction holds wait alone, and are carried out when it lets go',
    async (_, take) => {
      const own = `${take.length}`;
      const holder = await intake.database.connect();
      try {
        await holder.query('begin');
        await holder.query(take);
        const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid');
        const body = { ...goodBody, reference: take.includes('slip ') ? 'held-reference' : `held-${own}` };
        // Without patience: a batch that it had held up would answer it by 503, and a repeat hide that.
        const waiting = post(service, token, body, { 'idempotency-key': 'held-key' });
        await waitFor(() => isWaitedFor(rows[0]!.pid), { what: 'the request to wait for the holder' });
        const others = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            send({ ...goodBody, reference: `beside-${own}-${i}` }, `beside-${own}-${i}`),
          ),
        );
        expect(others.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 202));
        await holder.query('rollback');
        expect((await waiting).status).toBe(202);
        await intake.database.query("delete from idempotency where key = 'held-key'");
      } finally {
        await holder.query('rollback');
        holder.release();
      }
    },
  );

  test('50 with their own keys for one reference: one is accepted', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        send({ ...goodBody, reference: 'contended' }, `contended-${i}`, i % 2 ? service : twin),
      ),
    );
    const codes = answers.map(({ status, body }) => body.code ?? status);
    expect(codes.filter((code) => code === 202)).toHaveLength(1);
    expect(codes.filter((code) => code === 'reference_taken')).toHaveLength(49);
  });

  test('50 with one key and bodies of their own: one is accepted', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        send({ ...goodBody, reference: `racing-${i}` }, 'racing', i % 2 ? service : twin),
      ),
    );
    const codes = answers.map(({ status, body }) => body.code ?? status);
    expect(codes.filter((code) => code === 202)).toHaveLength(1);
    expect(codes.filter((code) => code === 'idempotency_key_reused')).toHaveLength(49);
  });

  test('different ones share transactions and keep the numbers of each partition gapless', async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        send({ ...goodBody, reference: `many-${i}` }, `many-${i}`, i % 2 ? service : twin),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    await Promise.all(answers.map((_, i) => intake.eventsOf(`many-${i}`)));
    const transactions = new Set(answers.map(({ body }) => body.submitted_at));
    expect(transactions.size).toBeLessThan(300);
    const repeats = await Promise.all(
      answers.map((_, i) =>
        send({ ...goodBody, reference: `many-${i}` }, `many-${i}`, i % 2 ? twin : service),
      ),
    );
    expect(repeats.map(seen)).toEqual(answers.map(seen));
    for (let partition = 0; partition < 12; partition++) {
      // A relay that loses its lease to the twin may send some again, under the same numbers.
      const records = intake.events.filter((record) => record.partition === partition);
      const numbers = [...new Set(records.map(({ sequence }) => Number(sequence)))];
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    }
  });

  test('an equal one in flight elsewhere is waited for', async () => {
    const client = await intake.database.connect();
    const reference = 'slow';
    const first = await send({ ...goodBody, reference: 'slow-model' }, 'slow-model');
    try {
      // Another instance that has taken the key and is not done yet.
      await client.query('begin');
      await client.query(
        `insert into idempotency (caller, operation, key, digest, slip_id, event_partition, event_seq, event_at)
         select caller, operation, 'slow', '\\x00', gen_random_uuid(), 1, 1, event_at from idempotency where slip_id = $1`,
        [first.body.id],
      );
      const waiting = send({ ...goodBody, reference }, 'slow');
      await waitFor(
        async () => {
          const { rows } = await intake.database.query(
            `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
               and query like '%submit_slips%' and pid <> pg_backend_pid()`,
          );
          return rows.length > 0;
        },
        { what: 'the request to wait for the key' },
      );
      await client.query('commit');
      expectProblem(await waiting, 422, 'idempotency_key_reused');
    } finally {
      client.release();
    }
    expect(await slipsNamed(reference)).toHaveLength(0);
  });
});

test('a transaction that dies loses nothing and leaves nothing', async () => {
  const client = await intake.database.connect();
  try {
    // Holds up the last statement: everything is written but the event.
    await client.query('begin');
    await client.query('select 1 from sequencer for update');
    const body = { ...goodBody, reference: 'crash' };
    const answer = post(service, token, body, { 'idempotency-key': 'crash' });
    const killed = await waitFor(
      async () => {
        const { rows } = await intake.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query like '%submit_slips%'`,
        );
        return rows.length;
      },
      { what: 'the transaction to wait for its numbers' },
    );
    expect(killed).toBe(1);
    expectProblem(await answer, 503, 'unavailable');
    await client.query('rollback');
    expect(await slipsNamed('crash')).toHaveLength(0);

    const retried = await send(body, 'crash');
    expect(retried.status).toBe(202);
    expect(retried.headers.get('idempotent-replayed')).toBeNull();
    expect(await intake.eventsOf('crash')).toHaveLength(1);
  } finally {
    client.release();
  }
});

test('the API describes itself', async () => {
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  expect(document.openapi).toMatch(/^3\.1/);
  expect(Object.keys(document.paths['/v1/slips']!.post!.responses)).toEqual(
    expect.arrayContaining(['202', 'default']),
  );
});

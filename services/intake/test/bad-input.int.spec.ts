import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Service } from '@slipstream/service-host';
import { waitFor } from '@slipstream/testing';
import { type IntakeUnderTest, intakeUnderTest } from './intake-under-test.ts';
import {
  type Answer,
  exchange,
  expectProblem,
  goodBody,
  patiently,
  post,
  rawRequest,
  statusesOf,
} from './requests.ts';

/** The rows "amount", "currency", "idempotency key", "JSON" and "HTTP" of the table of bad inputs, cell by cell. */

let intake: IntakeUnderTest;
let service: Service;
let token: string;
beforeAll(async () => {
  intake = await intakeUnderTest();
  service = await intake.start({
    requestTimeoutMs: 1_000,
    headersTimeoutMs: 800,
    timeoutCheckIntervalMs: 50,
  });
  token = await intake.token('shop');
});
afterAll(() => intake?.stop(), 60_000);

let number = 0;
const fresh = () => `bad-${++number}`;
const send = (body: object | string | Buffer, headers: Record<string, string> = {}) => {
  const keyed = { 'idempotency-key': fresh(), ...headers };
  return patiently(() => post(service, token, body, keyed));
};
const ask = async (path: string, headers: Record<string, string>, body: string) => {
  const sent = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers };
  const answer = await fetch(`${service.url}${path}`, { method: 'POST', headers: sent, body });
  return { status: answer.status, body: (await answer.json()) as { id?: string } };
};
/** A body whose `amount` field has this very text. */
const withAmount = (amount: string, currency = '"EUR"') =>
  JSON.stringify({ ...goodBody, reference: fresh(), amount: 'AMOUNT' }).replace(
    '"AMOUNT"',
    `{"amount":${amount},"currency":${currency}}`,
  );

/** Whatever came before, the process lives, is ready and takes the next good slip. */
afterEach(async () => {
  await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, { what: 'intake to be ready' });
  expect((await send({ ...goodBody, reference: fresh() })).status).toBe(202);
});

function expectField(answer: Answer, pointer: string): void {
  expectProblem(answer, 422, 'validation_failed');
  expect(answer.body.errors!.map((error) => error.pointer)).toContain(pointer);
}

describe('amount', () => {
  test.each([
    '"0"',
    '"-1"',
    '"-0"',
    '"1e3"',
    '"1.005"',
    '"١٢"',
    '"NaN"',
    '"9223372036854775808"',
    `"${'9'.repeat(400)}"`,
    '"10 "',
    '" 10"',
    '"0x10"',
    '"+1"',
    '"007"',
    '"1,000"',
    '"true"',
    '"[10]"',
    '""',
    '0',
    '-1',
    '-0',
    '1e3',
    '1.005',
    '9007199254740993',
    '9223372036854775808',
    '9'.repeat(400),
    'true',
    '[10]',
    '["10"]',
    '{}',
    'null',
  ])('%s is 422', async (amount) => expectField(await send(withAmount(amount)), '/amount/amount'));

  test.each(['١٢', 'NaN', '0x10', '01', '+1', '.5', '1_000', 'Infinity'])(
    '%s is no JSON: 400',
    async (amount) => expectProblem(await send(withAmount(amount)), 400, 'malformed_json'),
  );

  test.each(['"12"', '12', 'true', 'null', '[]', '[{"amount":"1","currency":"EUR"}]'])(
    'a whole amount that is %s is 422',
    async (amount) => {
      const body = JSON.stringify({ ...goodBody, amount: 'AMOUNT' }).replace('"AMOUNT"', amount);
      const answer = await send(body);
      expectProblem(answer, 422, 'validation_failed');
      expect(answer.body.errors![0]!.pointer).toMatch(/^\/amount/);
    },
  );

  test('every reason has its own words', async () => {
    const words = async (amount: string, currency?: string) =>
      (await send(withAmount(amount, currency))).body.errors!.map(({ detail }) => detail).join();
    const all = await Promise.all([
      words('"0"'),
      words('"1.5"'),
      words('"9223372036854775808"'),
      words('"1"', '"XXX"'),
    ]);
    expect(new Set(all).size).toBe(4);
  });

  test('9007199254740993 and 2^63-1 come through digit by digit', async () => {
    for (const amount of ['9007199254740993', '9223372036854775807']) {
      const reference = fresh();
      expect((await send({ ...goodBody, reference, amount: { amount, currency: 'EUR' } })).status).toBe(202);
      const [record] = await intake.eventsOf(reference);
      expect(record!.event.data).toMatchObject({ amount: { amount: BigInt(amount), currency: 'EUR' } });
    }
  });
});

describe('currency', () => {
  test.each(['"eur"', '"XXX"', '""', '"EURO"', '"EU"', '" EUR"', '"€"', '978', 'null', 'true', '["EUR"]'])(
    '%s is 422',
    async (currency) => expectField(await send(withAmount('"10"', currency)), '/amount/currency'),
  );
  test.each([
    ['"10.5"', '"JPY"'],
    ['"1.005"', '"BHD"'],
  ])('%s of %s: decimals are 422, amounts are in minor units', async (amount, currency) =>
    expectField(await send(withAmount(amount, currency)), '/amount/amount'),
  );
  test('an amount without a currency, and a field that does not exist', async () => {
    expectField(await send({ ...goodBody, amount: { amount: '1' } }), '/amount/currency');
    const extra = await send({ ...goodBody, amount: { ...goodBody.amount, unit: 'minor' } });
    expectProblem(extra, 400, 'malformed_request');
    expect(extra.body.errors![0]!.pointer).toBe('/amount/unit');
  });
});

describe('idempotency key', () => {
  test('absent', async () =>
    expectProblem(await post(service, token, goodBody), 400, 'idempotency_key_missing'));

  // As bytes on the wire: clients refuse to send some of them.
  test.each([
    ['empty', ''],
    ['of 256 characters', 'x'.repeat(256)],
    ['an emoji', '😀'],
    ['an escape of an emoji', '"\\u{1f600}"'],
    ['a tab in the middle', 'a\tb'],
  ])('%s is 400', async (_, key) => {
    const request = rawRequest(token, JSON.stringify(goodBody), [
      `idempotency-key: ${key}`,
      'connection: close',
    ]);
    const received = await exchange(service.url, [request]);
    expect(statusesOf(received)).toEqual([400]);
    expect(received).toContain('"code":"idempotency_key_invalid"');
  });

  test('NUL is no HTTP', async () => {
    const received = await exchange(service.url, [rawRequest(token, '{}', ['idempotency-key: a\u0000b'])]);
    expect(statusesOf(received)).toEqual([400]);
    expect(received).toContain('application/problem+json');
  });

  test('given twice', async () => {
    const twice = ['idempotency-key: a', 'idempotency-key: b', 'connection: close'];
    const received = await exchange(service.url, [rawRequest(token, JSON.stringify(goodBody), twice)]);
    expect(received).toContain('"code":"idempotency_key_invalid"');
  });

  test('the same with another body, another caller, and on another path', async () => {
    const key = { 'idempotency-key': fresh() };
    const body = { ...goodBody, reference: fresh() };
    expect((await send(body, key)).status).toBe(202);
    expectProblem(await send({ ...body, kind: 'payout' }, key), 422, 'idempotency_key_reused');
    expect((await post(service, await intake.token('someone-else'), body, key)).status).toBe(202);
    // Each operation has keys of its own.
    const draft = await send({ ...body, reference: fresh(), confirm: false });
    const confirmed = await ask(`/v1/slips/${draft.body.id}/confirm`, key, '{}');
    expect([confirmed.status, confirmed.body.id]).toEqual([202, draft.body.id]);
    const batch = await ask(
      '/v1/slips:batch',
      key,
      JSON.stringify({ slips: [{ ...body, reference: fresh() }] }),
    );
    expect([batch.status, (batch.body as { data?: { status: number }[] }).data?.[0]?.status]).toEqual([
      200, 202,
    ]);
    expect((await ask('/v1/elsewhere', key, '{}')).status).toBe(404);
  });

  test('50 in parallel', async () => {
    const body = { ...goodBody, reference: fresh() };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send(body, { 'idempotency-key': 'fifty' })),
    );
    expect(new Set(answers.map(({ status, body: { id } }) => `${status} ${id}`)).size).toBe(1);
    expect(answers[0]!.status).toBe(202);
  });
});

describe('JSON', () => {
  const good = JSON.stringify(goodBody);
  const bom = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(good)]);
  test.each<[string, string | Buffer]>([
    ['broken', '{bad'],
    ['empty', ''],
    ['of spaces', '   '],
    ['with a duplicate key', good.replace('{', '{"reference":"other",')],
    ['with an escaped duplicate key', good.replace('{', '{"ref\\u0065rence":"other",')],
    ['with a duplicate key in the metadata', good.replace('"metadata":{}', '"metadata":{"a":"1","a":"2"}')],
    ['with __proto__', good.replace('{', '{"__proto__":{"kind":"payout"},')],
    ['with constructor', good.replace('{', '{"constructor":{"prototype":{}},')],
    ['with __proto__ in the metadata', good.replace('"metadata":{}', '"metadata":{"__proto__":"x"}')],
    ['10 000 levels deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    [
      '10 000 levels deep in a field',
      good.replace('"metadata":{}', `"metadata":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
    ],
    ['with a byte order mark', bom],
    ['in UTF-16', Buffer.from(good, 'utf16le')],
    ['in UTF-16 with its mark', Buffer.from(`\ufeff${good}`, 'utf16le')],
    [
      'in invalid UTF-8',
      Buffer.concat([Buffer.from('{"reference":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    ],
    [
      'in overlong UTF-8',
      Buffer.concat([Buffer.from('{"reference":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]),
    ],
    ['with a lone surrogate', good.replace('ord-1001', '\\ud800')],
    ['with U+0000', good.replace('ord-1001', 'a\\u0000b')],
    ['with a raw control character', good.replace('ord-1001', 'a\u0001b')],
    ['with data behind it', `${good}{}`],
    ['with a comment', `${good}// x`],
    ['with a trailing comma', good.replace('}', ',}')],
  ])('%s is 400', async (_, body) => expectProblem(await send(body), 400, 'malformed_json'));

  test.each(['[]', '"text"', '1', 'true', 'null', `[${JSON.stringify(goodBody)}]`])(
    '%s is no body of ours',
    async (body) => {
      const answer = await send(body);
      expect([400, 422]).toContain(answer.status);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    },
  );

  test('a number of a gigabyte is cut off at 64 KiB', async () => {
    const declared = rawRequest(token, '', [
      'idempotency-key: huge',
      'content-length: 1073741824',
      'connection: close',
    ]);
    expect(statusesOf(await exchange(service.url, [declared]))).toEqual([413]);
    expectProblem(await send(withAmount('9'.repeat(70_000))), 413, 'payload_too_large');
    const endless = rawRequest(token, '', [
      'idempotency-key: huge',
      'transfer-encoding: chunked',
      'connection: close',
    ]);
    const chunk = `4000\r\n${'9'.repeat(0x4000)}\r\n`;
    expect(statusesOf(await exchange(service.url, [endless, ...Array(8).fill(chunk)]))).toEqual([413]);
  });

  test('a gzip bomb is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(16 * 1024 * 1024, 0x20));
    expectProblem(await send(bomb, { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type');
    expectProblem(await send(bomb), 400, 'malformed_json');
  });

  test('wrong fields are all named', async () => {
    const answer = await send({
      reference: 'a\tb',
      kind: 'refund',
      account: '',
      counterparty: 17,
      route: null,
      deadline: 'tomorrow',
      confirm: 'yes',
      metadata: { a: 1 },
    });
    expectProblem(answer, 422, 'validation_failed');
    const pointers = answer.body.errors!.map(({ pointer }) => pointer).sort();
    expect(pointers).toEqual([
      '/account',
      '/confirm',
      '/counterparty',
      '/deadline',
      '/kind',
      '/metadata',
      '/reference',
      '/route',
    ]);
  });

  test('an unknown field is 400', async () => {
    expectProblem(await send({ ...goodBody, priority: 'high' }), 400, 'malformed_request');
  });

  test.each([
    [{ counterparty: 'cust-42' }, 'validation_failed', '/counterparty'],
    [{ route: 'nowhere' }, 'route_unknown', '/route'],
    [{ route: 'orders', kind: 'payout' }, 'validation_failed', '/kind'],
    [{ deadline: '2001-01-01T00:00:00Z' }, 'deadline_in_past', '/deadline'],
    [{ deadline: '9999-12-31T23:59:59Z' }, 'validation_failed', '/deadline'],
  ])('%j breaks a rule: 422', async (change, code, pointer) => {
    const answer = await send({ ...goodBody, ...change });
    expectProblem(answer, 422, code);
    expect(answer.body.errors![0]!.pointer).toBe(pointer);
  });
});

describe('HTTP', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
  ])('content type %s is 415', async (type) =>
    expectProblem(await send(goodBody, { 'content-type': type }), 415, 'unsupported_media_type'),
  );
  test('another charset is 415', async () => {
    const type = { 'content-type': 'application/json; charset=utf-16' };
    expectProblem(await send(goodBody, type), 415, 'unsupported_media_type');
  });

  test('a length and chunks at once are refused', async () => {
    const both = ['idempotency-key: k', 'content-length: 5', 'transfer-encoding: chunked'];
    expect(statusesOf(await exchange(service.url, [rawRequest(token, '0\r\n\r\n', both)]))).toEqual([400]);
  });

  test('a body of one byte a second is cut off', async () => {
    const body = JSON.stringify({ ...goodBody, reference: fresh() });
    const [head] = rawRequest(token, body, ['idempotency-key: drip']).split('\r\n\r\n');
    const received = await exchange(service.url, [`${head}\r\n\r\n`, ...body], { everyMs: 1_000 });
    expect(statusesOf(received)).toEqual([408]);
    const kept = await intake.database.query(`select 1 from idempotency where key = 'drip'`);
    expect(kept.rowCount).toBe(0);
  });

  test('100 000 headers are refused', async () => {
    const headers = Array.from({ length: 100_000 }, (_, i) => `x-${i}: 1`);
    expect(statusesOf(await exchange(service.url, [rawRequest(token, '{}', headers)]))).toEqual([431]);
  });

  test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'TRACE', 'OPTIONS'])(
    '%s is not a method of this path',
    async (method) => {
      const line = `${method} /v1/slips HTTP/1.1`;
      const received = await exchange(service.url, [rawRequest(token, '', ['connection: close'], line)]);
      expect(statusesOf(received)[0]).toBeGreaterThanOrEqual(400);
      expect(statusesOf(received)[0]).toBeLessThan(500);
      expect(received).not.toContain(token);
    },
  );

  test('a query is refused, and a huge one before it is read', async () => {
    const query = await fetch(`${service.url}/v1/slips?force=true`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': fresh(),
      },
      body: JSON.stringify(goodBody),
    });
    expect(query.status).toBe(400);
    const line = `POST /v1/slips?q=${'x'.repeat(100_000)} HTTP/1.1`;
    expect(statusesOf(await exchange(service.url, [rawRequest(token, '{}', [], line)]))).toEqual([431]);
  });

  test('pipelined requests are answered in order', async () => {
    const requests = ['one', 'two', 'three'].map((name) =>
      rawRequest(token, JSON.stringify({ ...goodBody, reference: `pipe-${name}` }), [
        `idempotency-key: pipe-${name}`,
      ]),
    );
    const received = await exchange(service.url, [requests.join('')], {
      done: (text) => statusesOf(text).length === 3 && text.includes('pipe-three'),
    });
    expect(statusesOf(received)).toEqual([202, 202, 202]);
    expect([...received.matchAll(/"reference":"pipe-(\w+)"/g)].map((match) => match[1])).toEqual([
      'one',
      'two',
      'three',
    ]);
  });

  test('an upgrade, a proxy’s method and no HTTP at all', async () => {
    for (const [bytes, status] of [
      [rawRequest(token, '{}', ['connection: upgrade', 'upgrade: h2c', 'idempotency-key: k']), 422],
      ['CONNECT intake:80 HTTP/1.1\r\nhost: intake:80\r\n\r\n', 405],
      ['\u0016\u0003\u0001\u0002\u0000\u0001', 400],
      ['POST /v1/slips HTTP/9.9\r\nhost: intake\r\n\r\n', 400],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
      ['GET /v1/reviews\r\n\r\n', 400],
    ] as const) {
      const received = await exchange(service.url, [Buffer.from(bytes, 'latin1')], {
        done: (text) => statusesOf(text).length > 0,
      });
      expect([bytes.slice(0, 8), statusesOf(received)]).toEqual([bytes.slice(0, 8), [status]]);
      expect(received).toContain('application/problem+json');
    }
  });

  test('an address in another writing is the same one, but never another one', async () => {
    const at = async (path: string) =>
      (await ask(path, { 'idempotency-key': fresh() }, JSON.stringify({ ...goodBody, reference: fresh() })))
        .status;
    expect(await at('/v1/%73lips')).toBe(202);
    for (const path of [
      '//v1/slips',
      '/v1/slips/',
      '/V1/SLIPS',
      '/v1/slips;x=1',
      '/v1/slips%00',
      '/v1/%2573lips',
    ])
      expect([path, await at(path)]).toEqual([path, 404]);
  });

  test('a request whose sender is gone is done wholly or not at all', async () => {
    const names = Array.from({ length: 30 }, () => fresh());
    for (const [index, name] of names.entries()) {
      const request = rawRequest(token, JSON.stringify({ ...goodBody, reference: name }), [
        `idempotency-key: ${name}`,
      ]);
      // From half a head to the whole request.
      const cut = Math.ceil((request.length * (index + 1)) / names.length);
      await new Promise<void>((resolve) => {
        const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () =>
          socket.write(request.slice(0, cut), () => socket.destroy()),
        );
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    // Each repeat settles what became of the first.
    for (const name of names) {
      const answer = await send({ ...goodBody, reference: name }, { 'idempotency-key': name });
      expect(answer.status).toBe(202);
    }
    await waitFor(() => names.every((name) => eventCount(name) > 0), {
      what: 'the events',
    });
    expect(names.map(eventCount)).toEqual(names.map(() => 1));
  });
});

function eventCount(reference: string): number {
  return intake.events.filter(({ event }) => 'reference' in event.data && event.data.reference === reference)
    .length;
}

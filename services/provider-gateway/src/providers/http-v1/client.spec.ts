import { createHash } from 'node:crypto';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ProviderRules } from '@slipstream/rules';
import type { Provider } from '../../application/ports.ts';
import { dispatch } from '../../domain/dispatch/spec-support.ts';
import { httpV1Provider, prepareCall } from './client.ts';

const call = prepareCall(dispatch({ attempt: 2 }));
const rules: ProviderRules = {
  id: 'acme',
  baseUrl: '',
  secrets: { current: '', next: null },
  connectTimeoutMs: 300,
  answerTimeoutMs: 300,
  acceptanceDelayMaxMs: 1_000,
  concurrencyMax: 2,
};

/** A server that answers every request with these bytes, or does as it likes with the socket. */
class Wire {
  readonly requests: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly server: Server;
  provider: Provider | null = null;

  constructor(answer: (socket: Socket) => void) {
    this.server = createTcpServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        this.requests.push(bytes.toString());
        answer(socket);
      });
    });
  }

  async open(more: Partial<ProviderRules> = {}): Promise<Provider> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address() as { port: number };
    this.provider = httpV1Provider({ ...rules, baseUrl: `http://127.0.0.1:${port}/api`, ...more });
    return this.provider;
  }

  async close(): Promise<void> {
    await this.provider?.close();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

let wire: Wire;
afterEach(() => wire?.close());

const soon = () => performance.now() + 300;
const send = async (provider: Provider, startBeforeMs = soon()) =>
  (await provider.send(call, startBeforeMs)).outcome;

function http(status: number | string, body: string, headers: Record<string, string> = {}): string {
  const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n${body}`;
}

const says = (status: number, body: unknown, headers: Record<string, string> = {}) => {
  const bytes = http(status, typeof body === 'string' ? body : JSON.stringify(body), headers);
  return (socket: Socket) => void socket.write(bytes);
};

const done = { status: 'succeeded', reason: null, amount: { amount: '1250', currency: 'EUR' } };

type Row = [what: string, answer: (socket: Socket) => void, outcome: object];

const answered: Row[] = [
  [
    '202 pending',
    says(202, { status: 'pending', provider_id: 'p-1' }),
    { kind: 'acknowledged', providerReference: 'p-1' },
  ],
  ['a status word we do not know', says(200, { status: 'COMPLETED' }), { kind: 'acknowledged' }],
  [
    '200 succeeded',
    says(200, done),
    { kind: 'returned', outcome: 'succeeded', amount: { amount: 1250n, currency: 'EUR' } },
  ],
  [
    'another amount',
    says(200, { ...done, amount: { amount: '1', currency: 'USD' } }),
    { outcome: 'succeeded', amount: { amount: 1n, currency: 'USD' } },
  ],
  ['no amount', says(200, { status: 'void' }), { kind: 'returned', outcome: 'void', amount: null }],
  [
    '200 failed',
    says(200, { status: 'failed', reason: 'AM04' }),
    { kind: 'returned', outcome: 'failed', reason: 'AM04' },
  ],
  [
    '422 rejected',
    says(422, { status: 'rejected', reason: 'AC04' }),
    { kind: 'returned', outcome: 'failed', reason: 'AC04' },
  ],
  [
    '403 failed, with the provider’s own word',
    says(403, { status: 'failed', reason: 'AG01' }),
    { kind: 'returned', outcome: 'failed', reason: 'AG01' },
  ],
  [
    'early hints before the answer',
    (s) => void s.write(`HTTP/1.1 103 X\r\n\r\n${http(202, '{"status":"pending"}')}`),
    { kind: 'acknowledged' },
  ],
  [
    'a reason that cannot be stored',
    says(200, { status: 'failed', reason: 'a\u0000b' }),
    { outcome: 'failed', reason: null },
  ],
];

const unanswered: [...Row, reason: string][] = [
  ['200 with an error body', says(200, { error: 'no' }), {}, 'garbage'],
  ['two words on one thing', says(200, '{"status":"failed","status":"succeeded"}'), {}, 'garbage'],
  ['200 empty', says(200, ''), {}, 'garbage'],
  ['204', says(204, ''), {}, 'garbage'],
  ['HTML', says(200, '<html>', { 'content-type': 'text/html' }), {}, 'garbage'],
  ['a JSON list', says(200, '[]'), {}, 'garbage'],
  ['a status that is no text', says(200, { status: true }), {}, 'garbage'],
  [
    'an amount that is no amount',
    says(200, { ...done, amount: { amount: '1e3', currency: 'EUR' } }),
    {},
    'garbage',
  ],
  ['an answer about another slip', says(200, { ...done, slip_id: 'another' }), {}, 'garbage'],
  ['a compressed body', says(200, done, { 'content-encoding': 'gzip' }), {}, 'garbage'],
  ['422 without a word', says(422, 'no'), {}, 'garbage'],
  ['422 with problem details', says(422, { status: 422, title: 'Unprocessable' }), {}, 'garbage'],
  ['422 about another slip', says(422, { status: 'rejected', slip_id: 'another' }), {}, 'garbage'],
  ['400 pending', says(400, { status: 'pending' }), {}, 'garbage'],
  ['401 of an old key', says(401, {}), {}, 'garbage'],
  ['403 of a proxy', says(403, '<html>'), {}, 'garbage'],
  ['404 of a moved path', says(404, { error: 'not found' }), {}, 'garbage'],
  ['405', says(405, ''), {}, 'garbage'],
  ['429', says(429, { status: 'rejected' }), {}, 'throttled'],
  ['409', says(409, { status: 'rejected' }), {}, 'garbage'],
  ['408', says(408, {}), {}, 'garbage'],
  ['500', says(500, done), {}, 'server_error'],
  ['503', says(503, ''), {}, 'server_error'],
  ['a redirect into the cloud', says(302, '', { location: 'http://169.254.169.254/' }), {}, 'redirect'],
  ['308', says(308, '', { location: '/elsewhere' }), {}, 'redirect'],
  ['silence', () => {}, {}, 'timeout'],
  ['half an answer', (s) => void s.write(http(200, '{"status":"succeeded"}').slice(0, -5)), {}, 'timeout'],
  [
    'an answer cut off',
    (s) => s.end(http(200, '{"status":"succeeded"}').slice(0, -5)),
    {},
    'connection_lost',
  ],
  ['a reset', (s) => void s.resetAndDestroy(), {}, 'connection_lost'],
  ['something that is not HTTP', (s) => void s.write('220 smtp ready\r\n\r\n'), {}, 'connection_lost'],
  [
    'headers without end',
    (s) => void s.write(`HTTP/1.1 200 X\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`),
    {},
    'connection_lost',
  ],
  ['2 GB', (s) => flood(s, 2_000_000_000), {}, 'too_large'],
  ['a drip', (s) => drip(s, http(200, JSON.stringify(done))), {}, 'timeout'],
];

function flood(socket: Socket, length: number): void {
  socket.write(`HTTP/1.1 200 X\r\ncontent-length: ${length}\r\n\r\n`);
  const chunk = Buffer.alloc(32_768, 'x');
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

function drip(socket: Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) clearInterval(timer);
    else socket.write(text[at++]!);
  }, 10);
}

describe('a dispatch call', () => {
  test.each(answered)('%s is an answer', async (_, answer, expected) => {
    wire = new Wire(answer);
    const provider = await wire.open();
    expect(await send(provider)).toMatchObject({ kind: 'answered', answer: expected });
    expect(wire.requests).toHaveLength(1);
  });

  test.each(unanswered)('%s is unanswered', async (_, answer, __, reason) => {
    wire = new Wire(answer);
    const provider = await wire.open();
    const startedMs = performance.now();
    expect(await send(provider)).toMatchObject({ kind: 'unanswered', reason });
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(wire.requests).toHaveLength(1);
  });

  test('carries the order, the slip’s id as its key, and the digest of exactly these bytes', async () => {
    wire = new Wire(says(202, { status: 'pending' }));
    const provider = await wire.open();
    await send(provider);
    const [head, body] = wire.requests[0]!.split('\r\n\r\n');
    expect(head).toMatch(/^POST \/api\/slips HTTP\/1.1\r\n/);
    expect(head).toContain(`idempotency-key: ${call.slipId}`);
    expect(createHash('sha256').update(body!).digest('hex')).toBe(call.digest);
    expect(JSON.parse(body!)).toEqual({
      slip_id: call.slipId,
      reference: 'ord-1',
      kind: 'order',
      account: 'cust-42',
      counterparty: 'shop-7',
      amount: { amount: '1250', currency: 'EUR' },
      attempt: 2,
    });
  });
});

describe('nothing leaves', () => {
  test('when nobody listens', async () => {
    wire = new Wire(() => {});
    const provider = await wire.open();
    await new Promise((resolve) => wire.server.close(resolve));
    expect(await send(provider)).toMatchObject({
      kind: 'not_sent',
      reason: 'connection_refused',
    });
  });

  test('when the name is not known', async () => {
    wire = new Wire(() => {});
    const provider = await wire.open({ baseUrl: 'http://no-such-host.invalid' });
    expect(await send(provider, performance.now() + 5_000)).toMatchObject({ kind: 'not_sent' });
  });

  test('when the other side speaks no TLS', async () => {
    wire = new Wire((socket) => socket.end('no TLS here'));
    await wire.open();
    const { port } = wire.server.address() as { port: number };
    const provider = httpV1Provider({ ...rules, baseUrl: `https://127.0.0.1:${port}` });
    expect(await send(provider)).toMatchObject({ kind: 'not_sent' });
    await provider.close();
  });

  test('when the time to send has passed, on a connection or not', async () => {
    wire = new Wire(says(202, { status: 'pending' }));
    const provider = await wire.open();
    expect(await send(provider, performance.now() - 1)).toMatchObject({ kind: 'not_sent' });
    expect(await send(provider)).toMatchObject({ kind: 'answered' });
    expect(await send(provider, performance.now() - 1)).toMatchObject({ kind: 'not_sent' });
    expect(wire.requests).toHaveLength(1);
  });

  test('when every connection is busy until then', async () => {
    wire = new Wire(() => {});
    const provider = await wire.open({ answerTimeoutMs: 600 });
    // concurrencyMax 2 and one for inquiries: the fourth waits for a connection.
    const first = [1, 2, 3].map(() => send(provider));
    const late = await provider.send(call, performance.now() + 100);
    expect(late.outcome).toMatchObject({ kind: 'not_sent', reason: 'connect_timeout' });
    // It is told at once, and still in the queue: whoever counts calls must not forget it.
    let released = false;
    const leaving = late.released.then(() => {
      released = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).toBe(false);
    expect(await Promise.all(first)).toEqual(
      [1, 2, 3].map(() => expect.objectContaining({ kind: 'unanswered' })),
    );
    await leaving;
    expect(wire.requests).toHaveLength(3);
  });

  test('when the process slept between the commit and the connection', async () => {
    wire = new Wire(says(202, { status: 'pending' }));
    let now = 1_000;
    const { port } = await listening(wire);
    const provider = httpV1Provider({ ...rules, baseUrl: `http://127.0.0.1:${port}` }, () => now);
    wire.provider = provider;
    const sending = send(provider, 1_300);
    now = 9_000;
    expect(await sending).toMatchObject({ kind: 'not_sent', reason: 'too_late' });
    expect(wire.requests).toEqual([]);
  });
});

async function listening(one: Wire): Promise<{ port: number }> {
  await new Promise<void>((resolve) => one.server.listen(0, '127.0.0.1', resolve));
  return one.server.address() as { port: number };
}

describe('an inquiry', () => {
  const rows: [string, (socket: Socket) => void, object][] = [
    ['not found in so many words', says(404, { status: 'not_found' }), { kind: 'not_found' }],
    ['404 of a proxy', says(404, '<html>'), { kind: 'no_answer' }],
    ['404 with another word', says(404, { status: 'gone' }), { kind: 'no_answer' }],
    [
      '200 not_found',
      says(200, { status: 'not_found' }),
      { kind: 'answered', answer: { kind: 'acknowledged' } },
    ],
    [
      'a final answer',
      says(200, done),
      { kind: 'answered', answer: { kind: 'returned', outcome: 'succeeded' } },
    ],
    [
      'in progress',
      says(200, { status: 'in_progress' }),
      { kind: 'answered', answer: { kind: 'progressed' } },
    ],
    ['500', says(500, done), { kind: 'no_answer', detail: 'HTTP 500' }],
    ['a redirect', says(301, '', { location: '/x' }), { kind: 'no_answer', detail: 'HTTP 301' }],
    ['garbage', says(200, '{'), { kind: 'no_answer' }],
    ['two words on one thing', says(200, '{"status":"failed","status":"succeeded"}'), { kind: 'no_answer' }],
    ['not found, said twice', says(404, '{"status":"x","status":"not_found"}'), { kind: 'no_answer' }],
    ['silence', () => {}, { kind: 'no_answer' }],
    ['a reset', (socket) => void socket.resetAndDestroy(), { kind: 'no_answer' }],
  ];

  test.each(rows)('%s', async (_, answer, expected) => {
    wire = new Wire(answer);
    const provider = await wire.open();
    expect((await provider.inquire('a/b')).outcome).toMatchObject(expected);
    expect(wire.requests[0]).toMatch(/^GET \/api\/slips\/a%2Fb HTTP\/1.1/);
    expect(wire.requests).toHaveLength(1);
  });
});

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseRules } from '@slipstream/rules';
import type { NewSpan, SpanFacts, Tracing } from '@slipstream/runtime';
import type { AskedFor, Ended, Provider } from '../../application/ports.ts';
import { dispatch } from '../../domain/dispatch/spec-support.ts';
import { openProviders } from '../../providers/registry.ts';
import { tracedCalls } from './call-spans.ts';

interface Told extends NewSpan {
  readonly end: SpanFacts | undefined;
  readonly error: string | null;
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const secret = '0123456789abcdef0123456789abcdef';
let server: Server;
let answer: RequestListener;
let told: Told[];

const tracing: Tracing = {
  begin: (span) => ({
    traceparent: '',
    end: (end, error) => void told.push({ ...span, end, error: error === undefined ? null : String(error) }),
  }),
  async stop() {},
};

beforeEach(async () => {
  told = [];
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Calls the server, really. */
async function toAcme<Said>(
  call: (acme: Provider) => Promise<Ended<Said>>,
  port = (server.address() as AddressInfo).port,
): Promise<Said> {
  const yaml = `
version: 1
providers:
  acme: { base_url: "http://127.0.0.1:${port}", secret: "${secret}", answer_timeout_ms: 20000, cancel_by_reference: true }
routes:
  default: { mode: dispatched, provider: acme, outcome_deadline_ms: 600000, overdraft: true }
`;
  const rules = parseRules(yaml, { file: 'rules.yaml', environment: {} });
  const acme = tracedCalls(openProviders(rules.providers.values()), tracing).get('acme')!;
  try {
    return (await call(acme)).outcome;
  } finally {
    await acme.close();
  }
}

/** Makes one dispatch call. */
function call(more: Parameters<typeof dispatch>[0], port?: number) {
  return toAcme((acme) => acme.send(acme.prepare(dispatch(more)), performance.now() + 20_000), port);
}

test('a call is a client span below the request that began its slip, and tells how it ended', async () => {
  answer = (_, response) => void response.writeHead(503).end('a private word of the provider');
  expect(await call({ traceparent, attempt: 2 })).toMatchObject({ kind: 'unanswered' });
  expect(told).toEqual([
    {
      ...{ name: 'dispatch acme', kind: 'client', traceparent },
      facts: {
        'slipstream.slip_id': dispatch().slipId,
        'slipstream.provider': 'acme',
        'slipstream.route': 'default',
        'slipstream.attempt': 2,
      },
      end: {
        'slipstream.outcome': 'unanswered',
        'slipstream.reason': 'server_error',
        'http.response.status_code': 503,
      },
      error: 'Error: unanswered: server_error',
    },
  ]);
  expect(JSON.stringify(told)).not.toMatch(/private|0123456789abcdef|127\.0\.0\.1/);
});

test('one that was answered is no error', async () => {
  answer = (_, response) =>
    void response
      .writeHead(202, { 'content-type': 'application/json' })
      .end(JSON.stringify({ slip_id: dispatch().slipId, status: 'pending' }));
  await call({ traceparent });
  expect(told).toMatchObject([{ end: { 'http.response.status_code': 202 }, error: null }]);
});

test('one that was never sent has no status', async () => {
  await call({ traceparent }, 1);
  expect(told).toMatchObject([{ end: { 'slipstream.outcome': 'not_sent' } }]);
  expect(told[0]!.end).not.toHaveProperty('http.response.status_code');
});

test('a slip without a trace has none', async () => {
  answer = (_, response) => void response.writeHead(503).end();
  await call({});
  expect(told).toEqual([]);
});

const { slipId } = dispatch();
const askedFor: AskedFor = { n: 2, route: 'default', traceparent };
const inquire = (about?: AskedFor, port?: number) => toAcme((acme) => acme.inquire(slipId, about), port);
const json = (status: number, body: object): RequestListener => {
  return (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

test('a question is a client span there too, with its number; that the provider has not got the slip is no error', async () => {
  answer = json(404, { status: 'not_found' });
  expect(await inquire(askedFor)).toMatchObject({ kind: 'not_found' });
  expect(told).toEqual([
    {
      ...{ name: 'inquiry acme', kind: 'client', traceparent },
      facts: {
        'slipstream.slip_id': slipId,
        'slipstream.provider': 'acme',
        'slipstream.route': 'default',
        'slipstream.inquiry': 2,
      },
      end: { 'slipstream.outcome': 'not_found', 'http.response.status_code': 404 },
      error: null,
    },
  ]);
});

test('one that nobody answers is an error, and nothing of what was said is told', async () => {
  answer = (_, response) => void response.writeHead(503).end('a private word of the provider');
  await inquire(askedFor);
  await inquire(askedFor, 1);
  expect(told).toMatchObject([
    {
      end: { 'slipstream.outcome': 'no_answer', 'http.response.status_code': 503 },
      error: 'Error: no_answer',
    },
    { end: { 'slipstream.outcome': 'no_answer' }, error: 'Error: no_answer' },
  ]);
  expect(JSON.stringify(told)).not.toMatch(/private|127\.0\.0\.1/);
});

test('a cancellation is one, too', async () => {
  answer = json(200, { slip_id: slipId, status: 'cancelled' });
  await toAcme((acme) => acme.cancel!(slipId, askedFor));
  expect(told).toMatchObject([{ name: 'cancellation acme', end: { 'http.response.status_code': 200 } }]);
});

test('a question about a slip without a trace, or about none, has none; one without a number is told without it', async () => {
  answer = json(404, { status: 'not_found' });
  await inquire({ ...askedFor, traceparent: '' });
  await inquire();
  expect(told).toEqual([]);
  await inquire({ ...askedFor, n: null });
  expect(told[0]!.facts).not.toHaveProperty('slipstream.inquiry');
});

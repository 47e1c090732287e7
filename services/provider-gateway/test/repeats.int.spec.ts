import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { waitFor } from '@slipstream/testing';
import { attemptsMax } from '../src/domain/dispatch/attempt.ts';
import { Harness, providerRules } from './support/harness.ts';

const environment = sharedEnvironment();

/** What becomes of a call: `silent` and `error` come after the work; `refuse`: it looks at something else before the reference. */
type Way = 'silent' | 'error' | 'refuse' | 'answer';

/** A provider to which the same reference is the same order: it executes it once, and answers the nth call as the test wants. */
class Idempotent {
  ways: readonly Way[] = ['answer'];
  readonly calls = new Map<string, string[]>();
  readonly executed = new Map<string, number>();
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const tell = (slip_id: string) =>
        response
          .writeHead(200)
          .end(JSON.stringify({ slip_id, status: 'succeeded', provider_id: `p-${slip_id}` }));
      if (request.method === 'GET') return tell(request.url!.split('/').at(-1)!);
      const body = Buffer.concat(chunks).toString();
      const { slip_id } = JSON.parse(body) as { slip_id: string };
      const calls = this.calls.get(slip_id) ?? [];
      this.calls.set(slip_id, [...calls, body]);
      if (calls.length === 0) this.executed.set(slip_id, (this.executed.get(slip_id) ?? 0) + 1);
      const way = this.ways[Math.min(calls.length, this.ways.length - 1)];
      if (way === 'error') response.writeHead(500).end();
      if (way === 'refuse')
        response.writeHead(422).end(JSON.stringify({ status: 'rejected', reason: 'AM02' }));
      if (way === 'answer') tell(slip_id);
    });
  });
}

let gateway: Harness;
let acme: Idempotent;
beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
  acme = new Idempotent();
  await new Promise<void>((resolve) => acme.server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await gateway.stop();
  acme.server.closeAllConnections();
  acme.server.close();
});

/** Two instances; only what is sent again can bring an answer. */
async function start(idempotentByReference: boolean) {
  const url = `http://127.0.0.1:${(acme.server.address() as AddressInfo).port}`;
  const rules = providerRules(url, {
    ...{ connectTimeoutMs: 5_000, answerTimeoutMs: 500, acceptanceDelayMaxMs: null, idempotentByReference },
  });
  for (const owner of ['one', 'two']) await gateway.startWorkers([rules], owner);
}

const submit = (n: number) => Promise.all(Array.from({ length: n }, () => gateway.slip()));
const count = (types: readonly string[], type: string) => types.filter((one) => one === type).length;

test('what gets no answer is sent again with the same bytes, until there is one, and executed once', async () => {
  acme.ways = ['silent', 'error', 'answer'];
  await start(true);
  const slips = await submit(6);
  for (const slip of slips) {
    expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ evidence: 'synchronous_reply' });
    const types = await gateway.types(slip);
    // Each intent has one end; an open circuit may have kept one of them from being sent.
    expect(count(types, 'DispatchUnanswered')).toBe(2);
    expect(count(types, 'DispatchIntended')).toBe(3 + count(types, 'DispatchNotSent'));
    expect(types.at(-1)).toBe('SlipReturned');
    const calls = acme.calls.get(slip)!;
    expect([calls.length, new Set(calls).size, acme.executed.get(slip)]).toEqual([3, 1, 1]);
    expect(await gateway.row(slip)).toMatchObject({ status: 'returned', next_at: null });
  }
  expect(gateway.errors).toEqual([]);
});

test('it is sent so often at most, and then only asked about', async () => {
  acme.ways = ['error'];
  await start(true);
  const [slip] = await submit(1);
  const ended = async () => count(await gateway.types(slip!), 'DispatchUnanswered') === attemptsMax;
  await waitFor(ended, { what: 'the last attempt' });
  expect(await gateway.row(slip!)).toMatchObject({
    status: 'unanswered',
    next_at: null,
    attempt: attemptsMax,
  });
  expect(acme.calls.get(slip!)).toHaveLength(attemptsMax);
});

test('the refusal of a repeat fails nothing: its provider is asked at once', async () => {
  acme.ways = ['silent', 'refuse'];
  await start(true);
  const [slip] = await submit(1);
  expect(await gateway.event(slip!, 'SlipReturned')).toMatchObject({
    ...{ outcome: 'succeeded', evidence: 'inquiry_answer' },
  });
  expect([acme.calls.get(slip!)!.length, acme.executed.get(slip!)]).toEqual([2, 1]);
});

test('a provider that does not declare it gets a slip once', async () => {
  acme.ways = ['error'];
  await start(false);
  const [slip] = await submit(1);
  await gateway.event(slip!, 'DispatchUnanswered');
  expect(await gateway.row(slip!)).toMatchObject({ status: 'unanswered', next_at: null });
  expect(acme.calls.get(slip!)).toHaveLength(1);
});

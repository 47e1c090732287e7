import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sharedEnvironment } from '@slipstream/environment';
import { Harness, providerRules } from './support/harness.ts';

const environment = sharedEnvironment();
const key = 'an-api-key-of-the-provider';

/** A provider of orders: what it says of one when it is asked for the nth time, by what the test wants. */
class Orders {
  readonly taken = new Map<string, number>();
  readonly asked = new Map<string, number>();
  states: readonly string[] = ['executed'];
  /** The provider's own name for an order. */
  nameOf = (order: string) => `b-${order}`;
  readonly server: Server = createServer((request, response) => {
    const say = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      if (request.headers['x-api-key'] !== key) return say(401, { error: 'unauthorized' });
      if (request.method === 'POST') {
        const { order_ref } = JSON.parse(Buffer.concat(chunks).toString()) as { order_ref: string };
        this.taken.set(order_ref, (this.taken.get(order_ref) ?? 0) + 1);
        return say(202, { order_ref, state: 'accepted' });
      }
      const order_ref = request.url!.split('/').at(-1)!;
      const nth = this.asked.get(order_ref) ?? 0;
      this.asked.set(order_ref, nth + 1);
      const state = this.states[Math.min(nth, this.states.length - 1)];
      const reason = state === 'declined' ? 'AC04' : null;
      return say(200, {
        order_ref,
        state,
        provider_id: this.nameOf(order_ref),
        amount_minor: '1250',
        currency: 'EUR',
        reason,
      });
    });
  });
}

let gateway: Harness;
let orders: Orders;
beforeEach(async () => {
  gateway = await Harness.open(environment().databaseUrl);
  orders = new Orders();
  await new Promise<void>((resolve) => orders.server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await gateway.stop();
  orders.server.closeAllConnections();
  orders.server.close();
});

async function start(more: Parameters<typeof providerRules>[1] = {}) {
  const url = `http://127.0.0.1:${(orders.server.address() as AddressInfo).port}`;
  const rules = providerRules(url, {
    ...{ protocol: 'poll-statement', secrets: { current: key, next: null }, answerTimeoutMs: 5_000 },
    pollLadderMs: [50, 300, 600, 1_200, 2_400, 5_000, 10_000, 20_000],
    ...more,
  });
  await gateway.startWorkers([rules]);
}

test('an order that nobody calls back about is followed by asking, from taken to executed', async () => {
  orders.states = ['accepted', 'processing', 'processing', 'executed'];
  await start();
  const slip = await gateway.slip();
  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({
    ...{ outcome: 'succeeded', evidence: 'inquiry_answer', amount: { amount: 1250n, currency: 'EUR' } },
    providerReference: `b-${slip}`,
  });
  expect(await gateway.types(slip)).toEqual([
    'DispatchIntended',
    'SlipAcknowledged',
    'SlipProgressed',
    'SlipReturned',
  ]);
  expect(orders.taken.get(slip)).toBe(1);
  expect(orders.asked.get(slip)).toBe(4);
});

test('a failure that is not final is a step, and what follows it counts', async () => {
  orders.states = ['declined', 'declined', 'executed'];
  await start({ failuresFinal: false });
  const slip = await gateway.slip();
  expect(await gateway.event(slip, 'SlipReturned')).toMatchObject({ outcome: 'succeeded' });
  expect(await gateway.types(slip)).toEqual([
    'DispatchIntended',
    'SlipAcknowledged',
    'SlipProgressed',
    'SlipReturned',
  ]);
});

test('and is the end when it is said to the last question before the deadline', async () => {
  orders.states = ['declined'];
  await start({ failuresFinal: false, answerTimeoutMs: 10_000 });
  const slip = await gateway.slip({ deadlineMs: 20_000 });
  const { reason, outcome } = await gateway.event(slip, 'SlipReturned');
  expect({ reason, outcome }).toEqual({ reason: 'AC04', outcome: 'failed' });
  const returned = (await gateway.log(slip)).at(-1)!;
  const { deadline } = await gateway.row(slip);
  expect(returned.receivedTime <= (deadline as string)).toBe(true);
});

test('an order that the provider names as it names another one is told: the two may be one for it', async () => {
  orders.nameOf = () => 'b-1';
  await start();
  const one = await gateway.slip();
  await gateway.event(one, 'SlipReturned');
  const two = await gateway.slip();
  expect(await gateway.event(two, 'AnswerDoubted')).toMatchObject({
    ...{ doubt: 'reference_shared', said: `b-1, which names ${one}`, providerReference: 'b-1' },
  });
  expect(await gateway.types(one)).not.toContain('AnswerDoubted');
});

import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from '@jest/globals';
import { SendFailed } from '@slipstream/kafka';
import { SlipstreamPublisher } from './publisher.ts';

const log = { info() {}, warn() {}, error() {} };
const nowhere = { brokers: ['127.0.0.1:1'], caller: '/spec', log };
const order = {
  ...{ reference: 'ord-1', kind: 'order' as const, account: 'cust-1', counterparty: 'shop-1' },
};

async function submitTo(brokers: string[], sendTimeoutMs: number): Promise<unknown> {
  const publisher = new SlipstreamPublisher({ brokers, caller: '/spec', log, sendTimeoutMs });
  try {
    return await publisher.submitSlip(order).catch((error) => error);
  } finally {
    await publisher.stop();
  }
}

const message = /^not acknowledged within 300 ms: /;

test('a broker that nobody reaches is told of when the time is over', async () => {
  const told = await submitTo(['127.0.0.1:1'], 300);
  expect(told).toBeInstanceOf(SendFailed);
  expect(told).toMatchObject({ retryable: true, message: expect.stringMatching(message) });
});

test('and so is one that takes connections and says nothing', async () => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const told = await submitTo([`127.0.0.1:${port}`], 300);
  for (const socket of sockets) socket.destroy();
  server.close();
  expect(told).toMatchObject({ name: 'SendFailed', message: expect.stringMatching(message) });
  expect(sockets.size).toBeGreaterThan(0);
});

test.each([0, Number.NaN, 600_001])('a time limit of %s is refused', (sendTimeoutMs) => {
  const create = () => new SlipstreamPublisher({ ...nowhere, sendTimeoutMs });
  expect(create).toThrow('sendTimeoutMs must be 1 to 600000');
});

test('a caller that is no name is refused: nothing that it sends would be read', () => {
  expect(() => new SlipstreamPublisher({ ...nowhere, caller: ' ' })).toThrow(
    expect.objectContaining({ code: 'validation_failed' }),
  );
});

test.each<[string, unknown, string, string]>([
  ['a broker without a port', ['kafka-1:9092', 'kafka-2'], '/brokers/1', 'must be host:port'],
  ['a URL', ['kafka://kafka-1:9092'], '/brokers/0', 'must be host:port'],
  ['one text', 'kafka-1:9092', '/brokers', 'must be a list of host:port, of one at least'],
  ['none', [], '/brokers', 'must be a list of host:port, of one at least'],
])('%s is refused at once', (_, brokers, pointer, detail) => {
  const create = () => new SlipstreamPublisher({ ...nowhere, brokers: brokers as string[] });
  expect(create).toThrow(
    expect.objectContaining({ code: 'validation_failed', errors: [{ pointer, detail }] }),
  );
});

test.each<[string, unknown, string]>([
  ['an unknown mechanism', { mechanism: 'oauth' }, 'mechanism of plain, scram-sha-256, scram-sha-512'],
  ['no password', { mechanism: 'plain', username: 'u', password: '' }, 'a username and a password'],
  ['null', null, 'must have a mechanism'],
])('a login with %s is refused at once', (_, sasl, detail) => {
  const create = () => new SlipstreamPublisher({ ...nowhere, sasl: sasl as never });
  expect(create).toThrow(detail);
});

test('of many commands one that is wrong keeps all from being sent', async () => {
  const publisher = new SlipstreamPublisher(nowhere);
  const told = await publisher.submitSlips([order, { ...order, kind: 'ordr' as 'order' }]).catch((e) => e);
  expect(told).toMatchObject({ code: 'validation_failed' });
  await publisher.stop();
});

test('what is no list, no statement, or no outbox is refused', async () => {
  const publisher = new SlipstreamPublisher(nowhere);
  const refused = expect.objectContaining({ code: 'validation_failed' });
  await expect(publisher.submitSlips(order as never)).rejects.toEqual(refused);
  await expect(publisher.reportProviderResults(undefined as never)).rejects.toEqual(refused);
  await expect(publisher.advanceClock(undefined as never)).rejects.toEqual(refused);
  expect(() => publisher.relay({ unsent: async () => [] } as never)).toThrow('/sent must be a function');
  await publisher.stop();
  const outbox = { unsent: async () => [], sent: async () => {} };
  expect(() => publisher.relay(outbox)).toThrow('the publisher is stopped');
});

test('what is prepared is plain JSON, and keeps an id of the caller’s own', () => {
  const publisher = new SlipstreamPublisher(nowhere);
  const prepared = publisher.prepareSlip({ ...order, id: 'mine', deadline: new Date() });
  expect(JSON.parse(JSON.stringify(prepared))).toEqual(prepared);
  expect(prepared).toMatchObject({ id: 'mine', topic: 'slips.commands.v1', key: 'ord-1' });
  const wrong = () => publisher.prepareSlip({ ...order, kind: 'ordr' as 'order' });
  expect(wrong).toThrow(expect.objectContaining({ code: 'validation_failed' }));
});

test.each([
  ['/topic', { topic: 'events' }],
  ['/topic', { topic: 'nowhere' }],
  ['/clock', { clock: '' }],
  ['/time', { time: 'soon' }],
])('a clock is not advanced where %s is wrong: %p', async (pointer, over) => {
  const publisher = new SlipstreamPublisher(nowhere);
  const statement = { topic: 'commands' as const, clock: 'june', time: new Date(), close: false };
  const told = publisher.advanceClock({ ...statement, ...over } as typeof statement);
  await expect(told).rejects.toMatchObject({
    code: 'validation_failed',
    errors: [expect.objectContaining({ pointer })],
  });
  await publisher.stop();
});

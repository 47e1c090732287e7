import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Environment, environmentWithOwnKafka } from '@slipstream/environment';
import { createKafka, ensureTopics, type SaslOptions } from '@slipstream/kafka';
import { cert, key } from '@slipstream/testing';
import type { ConnectionOptions } from './connection.ts';
import { SlipstreamConsumer } from './consumer.ts';
import { SlipstreamPublisher } from './publisher.ts';

const log = { info() {}, warn() {}, error() {} };
const login = { username: 'checkout', password: 'correct-horse' };
let environment: Environment;

beforeAll(async () => {
  environment = await environmentWithOwnKafka({ kafkaLogin: { ...login, cert, key } });
  await ensureTopics(createKafka({ brokers: environment.kafkaBrokers, clientId: 'spec', log }));
}, 450_000);
afterAll(() => environment?.stop());

const order = {
  ...{ reference: 'ord-1', kind: 'order' as const, account: 'cust-1', counterparty: 'shop-1' },
};

function connection(listener: 'sasl' | 'saslAndTls', sasl?: SaslOptions): ConnectionOptions {
  const brokers = [environment.loginListeners![listener]];
  const ssl = listener === 'saslAndTls' && { ca: cert };
  return { brokers, caller: '/spec', log, ...(ssl && { ssl }), ...(sasl && { sasl }) };
}

/** What becomes of a slip that is submitted so. */
async function submit(options: ConnectionOptions): Promise<unknown> {
  const publisher = new SlipstreamPublisher({ ...options, sendTimeoutMs: 300_000 });
  try {
    return await publisher.submitSlip({ ...order, id: 'mine' }).catch((error) => error);
  } finally {
    await publisher.stop();
  }
}

/** What becomes of a stream that is begun so. */
async function follow(options: ConnectionOptions): Promise<unknown> {
  const consumer = new SlipstreamConsumer({ ...options, from: 'beginning', onBatch() {} });
  try {
    return await consumer.start().catch((error) => error);
  } finally {
    await consumer.stop();
  }
}

describe.each(['sasl', 'saslAndTls'] as const)('the listener %s', (listener) => {
  it.each(['plain', 'scram-sha-512'] as const)('takes who has the password, by %s', async (mechanism) => {
    const options = connection(listener, { mechanism, ...login });
    expect([await submit(options), await follow(options)]).toEqual(['mine', undefined]);
  });

  it.each(['plain', 'scram-sha-512'] as const)(
    'takes nobody else, by %s, and does not wait for better days',
    async (mechanism) => {
      const options = connection(listener, { mechanism, ...login, password: 'wrong' });
      expect(await submit(options)).toMatchObject({ name: 'SendFailed', retryable: false });
      expect(await follow(options)).toMatchObject({ name: 'ReadRefused' });
    },
  );
});

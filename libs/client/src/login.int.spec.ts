import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Environment, environmentWithOwnKafka, repositoryRoot } from '@slipstream/environment';
import { createKafka, ensureTopics, type SaslOptions } from '@slipstream/kafka';
import { cert, key } from '@slipstream/testing';
import type { ConnectionOptions } from './connection.ts';
import { SlipstreamConsumer } from './consumer.ts';
import { SlipstreamPublisher } from './publisher.ts';

const log = { info() {}, warn() {}, error() {} };
const login = { username: 'admin', password: 'correct-horse' };
/** Who are given what the guide gives them, and nothing else. */
const guests = ['checkout', 'warehouse'];
let environment: Environment;

beforeAll(async () => {
  environment = await environmentWithOwnKafka({ kafkaLogin: { ...login, guests, cert, key } });
  const kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'spec', log });
  await ensureTopics(kafka);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createAcls({ acl: guests.flatMap(aclsOfGuide) });
  await admin.disconnect();
}, 450_000);
afterAll(() => environment?.stop());

const guide = readFileSync(join(repositoryRoot, 'docs/guides/secure-the-brokers.md'), 'utf8');

/** By Kafka's protocol. */
const numbers = {
  Read: 3,
  Write: 4,
  Delete: 6,
  Describe: 8,
  topic: 2,
  group: 3,
  literal: 3,
  prefixed: 4,
  allow: 3,
};
const numberOf = (name: string) => numbers[name as keyof typeof numbers];

/** What the guide's calls of `kafka-acls.sh` give to somebody. */
function aclsOfGuide(name: string) {
  const calls = guide.split('\n').filter((line) => line.includes(`--allow-principal User:${name} `));
  return calls.flatMap((call) => {
    const [, kind = '', resourceName = ''] = /--(topic|group) (\S+)/.exec(call)!;
    const operations = [...call.matchAll(/--operation (\w+)/g)].map(([, operation]) => operation!);
    const isPrefix = call.includes('--resource-pattern-type prefixed');
    return operations.map((operation) => ({
      ...{ principal: `User:${name}`, host: '*', permissionType: numbers.allow, resourceName },
      operation: numberOf(operation),
      resourceType: numberOf(kind),
      resourcePatternType: isPrefix ? numbers.prefixed : numbers.literal,
    }));
  });
}

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
async function follow(options: ConnectionOptions, group?: string): Promise<unknown> {
  const of = { ...options, ...(group !== undefined && { group }) };
  const consumer = new SlipstreamConsumer({ ...of, from: 'beginning', onBatch() {} });
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

/** What a stream says in the log when it first waits for brokers, and what its start ends in where it does not wait. */
async function firstWords(options: Partial<ConnectionOptions>): Promise<unknown> {
  const words = Promise.withResolvers<unknown>();
  const warn = (text: string, fields?: object) => {
    if (text === 'waiting for brokers') words.resolve((fields as { detail: string }).detail);
  };
  const of = { brokers: [], caller: '/spec', ...options, log: { ...log, warn } };
  const consumer = new SlipstreamConsumer({ ...of, from: 'beginning', onBatch() {} });
  const start = consumer.start().catch((error) => words.resolve(`${error.name}: ${error.message}`));
  const said = await words.promise;
  await consumer.stop();
  await start;
  return said;
}

describe('who speaks to a listener in another way than it asks for', () => {
  const sasl: SaslOptions = { mechanism: 'plain', ...login };
  const at = (listener: 'sasl' | 'saslAndTls') => [environment.loginListeners![listener]];

  it.each<[string, () => Partial<ConnectionOptions>, string]>([
    [
      'in the clear to TLS',
      () => ({ brokers: at('saslAndTls'), sasl }),
      'the broker speaks TLS there, and was',
    ],
    [
      'TLS to one in the clear',
      () => ({ brokers: at('sasl'), sasl, ssl: { ca: cert } }),
      'the broker speaks no TLS',
    ],
    ['without a login', () => ({ brokers: at('sasl') }), 'it may ask for a login'],
    [
      'with a login',
      () => ({ brokers: environment.kafkaBrokers, sasl }),
      'the broker asks for no login there',
    ],
    [
      'trusting others',
      () => ({ brokers: at('saslAndTls'), sasl, ssl: true }),
      'nobody who is trusted has signed',
    ],
    [
      'with another name in mind',
      () => ({ brokers: at('saslAndTls'), sasl, ssl: { ca: cert, servername: 'kafka.example' } }),
      "Hostname/IP does not match certificate's altnames",
    ],
  ])('%s, is told so', async (_, options, said) => {
    const words = await firstWords(options());
    expect(words).toEqual(expect.stringContaining(said));
    expect(words).not.toEqual(expect.stringContaining(login.password));
  });

  it('is told as much when it submits', async () => {
    const publisher = new SlipstreamPublisher({
      ...connection('sasl', sasl),
      brokers: environment.kafkaBrokers,
    });
    const told = await publisher.submitSlip(order).catch((error) => error);
    await publisher.stop();
    expect(told).toMatchObject({ name: 'SendFailed', retryable: false });
    expect(told.message).toContain('the broker asks for no login there');
  });
});

describe('who has the rights that the guide gives', () => {
  const as = (username: string) =>
    connection('sasl', { mechanism: 'plain', username, password: login.password });

  it('submits, where they are to submit, and reads nothing', async () => {
    expect(await submit(as('checkout'))).toBe('mine');
    for (const group of [undefined, 'checkout']) {
      expect(await follow(as('checkout'), group)).toMatchObject({ name: 'ReadRefused' });
    }
  });

  it('reads, where they are to read, in no group of others, and submits nothing', async () => {
    for (const group of [undefined, 'warehouse-orders']) {
      expect(await follow(as('warehouse'), group)).toBeUndefined();
    }
    expect(await follow(as('warehouse'), 'ledger')).toMatchObject({
      name: 'ReadRefused',
      message: expect.stringContaining('Not authorized to access group'),
    });
    expect(await submit(as('warehouse'))).toMatchObject({ name: 'SendFailed', retryable: false });
  });
});

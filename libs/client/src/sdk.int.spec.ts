import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeInbound, type Inbound, topics } from '@slipstream/contracts';
import { type Environment, environmentWithOwnKafka, repositoryRoot } from '@slipstream/environment';
import { createKafka, ensureTopics, RecordStream } from '@slipstream/kafka';
import type { SlipEvent } from '@slipstream/slip';
import { cert, key, startKafkaProxy, waitFor } from '@slipstream/testing';
import { type ConsumerOptions, type EventBatch, SlipstreamConsumer } from './consumer.ts';
import type { Outbox } from './outbox.ts';
import type { PreparedCommand } from './prepared.ts';
import { SlipstreamPublisher } from './publisher.ts';
import type { StreamStart } from './stream-start.ts';
import { LogWriter } from './test-support/log-writer.ts';
import { type ForeignProject, foreignProject } from './test-support/packed.ts';

const log = { info() {}, warn() {}, error() {} };
let environment: Environment;
let publisher: SlipstreamPublisher;
let writer: LogWriter;

beforeAll(async () => {
  environment = await environmentWithOwnKafka();
  const brokers = environment.kafkaBrokers;
  await ensureTopics(createKafka({ brokers, clientId: 'spec', log }));
  publisher = new SlipstreamPublisher({ brokers, caller: '/spec', log, sendTimeoutMs: 120_000 });
  writer = new LogWriter(brokers);
}, 450_000);
afterAll(async () => {
  await publisher?.stop();
  await writer?.stop();
  await environment?.stop();
});

const rejected = (reference: string): SlipEvent => ({
  type: 'SlipRejected',
  data: { caller: '/spec', reference, rule: 'limit', detail: 'too much' },
});

const reader = (options: Pick<ConsumerOptions, 'from' | 'onBatch'>) =>
  new SlipstreamConsumer({ brokers: environment.kafkaBrokers, caller: '/spec', log, ...options });

/** What a stream that begins there brings, until `last` has come. */
async function follow(from: StreamStart, last: string) {
  const references: string[] = [];
  const batches: EventBatch[] = [];
  const stream = reader({
    from,
    onBatch(batch) {
      batches.push(batch);
      for (const { event } of batch.events) {
        if (event.type === 'SlipRejected') references.push(event.data.reference);
      }
    },
  });
  await stream.start();
  await waitFor(() => references.includes(last), { what: last });
  await stream.stop();
  return { references, next: Object.fromEntries(batches.map(({ partition, next }) => [partition, next])) };
}

it('a topic that is not there is named as the cause when the time is over', async () => {
  const kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'spec', log });
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topics.results.name] });
  const isGone = async () => !(await admin.listTopics()).includes(topics.results.name);
  await waitFor(isGone, { what: 'the topic to be gone' });
  const impatient = { brokers: environment.kafkaBrokers, caller: '/spec', log, sendTimeoutMs: 5_000 };
  const hasty = new SlipstreamPublisher(impatient);
  const result = { reference: 'ord-1', step: 'acknowledged' } as const;
  const told = await hasty.reportProviderResult(result).catch((error) => error);
  await hasty.stop();
  await admin.disconnect();
  await ensureTopics(kafka);
  expect(told).toMatchObject({ name: 'SendFailed', retryable: true });
  expect(told.message).toContain('the topic is not there');
});

describe('a stream', () => {
  it('goes on right behind what it was told, and begins at a time', async () => {
    const slipId = randomUUID();
    await writer.publish(slipId, ['a', 'b', 'c'].map(rejected));
    const first = await follow('beginning', 'c');
    expect(first.references).toEqual(['a', 'b', 'c']);

    const before = new Date();
    await writer.publish(slipId, ['d', 'e'].map(rejected));
    expect((await follow({ offsets: first.next }, 'e')).references).toEqual(['d', 'e']);
    const [[partition, offset]] = Object.entries(first.next) as [[string, number]];
    expect((await follow({ offsets: { [partition]: offset - 1 } }, 'e')).references).toEqual(['c', 'd', 'e']);
    expect((await follow({ time: before }, 'e')).references).toEqual(['d', 'e']);
    expect((await follow({ time: before.toISOString() }, 'e')).references).toEqual(['d', 'e']);
  });

  it('stays in its group while a batch takes long, and stops when that has ended and its place is kept', async () => {
    await writer.publish(randomUUID(), [rejected('slow')]);
    const proxy = await startKafkaProxy(environment.kafkaBrokers[0]!);
    const group = `slow-${randomUUID()}`;
    const begun = Promise.withResolvers<EventBatch>();
    const gate = Promise.withResolvers<void>();
    const of = { brokers: [proxy.address], caller: '/spec', log, group, from: 'beginning' } as const;
    const onBatch = (batch: EventBatch) => {
      begun.resolve(batch);
      return gate.promise;
    };
    const consumer = new SlipstreamConsumer({ ...of, onBatch });
    await consumer.start();
    await expect(consumer.start()).rejects.toMatchObject({ code: 'conflict' });
    const { partition, next } = await begun.promise;
    const stopped = consumer.stop();
    const before = proxy.heartbeats;
    await waitFor(() => proxy.heartbeats > before, { what: 'a sign of life' });
    gate.resolve();
    await stopped;
    const admin = createKafka({ brokers: environment.kafkaBrokers, clientId: 'spec', log }).admin();
    await admin.connect();
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topics.events.name] });
    await admin.disconnect();
    await proxy.close();
    expect(offsets!.partitions.find((one) => one.partition === partition)?.offset).toBe(String(next));
  });

  it('does not begin where the log has nothing, or no partition', async () => {
    const begin = (offsets: Record<number, number>) =>
      reader({ from: { offsets }, onBatch: () => {} }).start();
    await expect(begin({ 0: 1_000_000 })).rejects.toThrow(
      /partition 0: the stream is to begin at offset 1000000, but the log ends at \d+/,
    );
    await expect(begin({ 99: 0 })).rejects.toThrow('slips.events.v1 has no partition 99');
  });
});

const order = (reference: string) => ({
  reference,
  kind: 'order' as const,
  ...{ account: 'cust-1', counterparty: 'shop-1', amount: { amount: 1250n, currency: 'EUR' } },
});

/** The commands that come to the topic from now on. */
async function readCommands() {
  const commands: Inbound[] = [];
  const kafka = createKafka({ brokers: environment.kafkaBrokers, clientId: 'spec', log });
  const stream = new RecordStream({
    ...{ kafka, topic: topics.commands.name, fromBeginning: true, log, onFatal: () => {} },
    async onBatch(records) {
      commands.push(...records.map(({ value }) => decodeInbound({ value, headers: {} })));
    },
  });
  await stream.start();
  return { commands, stop: () => stream.stop() };
}

it('an outbox of the caller is sent to the topic, in its order', async () => {
  // As a table would keep them.
  const rows: string[] = [order('out-1'), { ...order('out-1'), id: 'mine' }].map((command) =>
    JSON.stringify(publisher.prepareSlip(command)),
  );
  const outbox: Outbox = {
    unsent: async (countMax) => rows.slice(0, countMax).map((row) => JSON.parse(row) as PreparedCommand),
    sent: async (ids) => void rows.splice(0, ids.length),
  };
  const reader = await readCommands();
  const sent = () => reader.commands.filter(({ caller }) => caller === '/spec').map(({ id }) => id);
  const relay = publisher.relay(outbox);
  await waitFor(() => sent().length === 2 && rows.length === 0, { what: 'both commands' });
  await relay.stop();
  await reader.stop();
  expect(sent()[1]).toBe('mine');
});

describe('a broker that speaks TLS', () => {
  it('is spoken to by whoever trusts it, and by nobody else', async () => {
    const proxy = await startKafkaProxy(environment.kafkaBrokers[0]!, { cert, key });
    const brokers = [proxy.address];
    const trusting = new SlipstreamPublisher({
      brokers,
      caller: '/tls',
      ssl: { ca: cert },
      log,
      sendTimeoutMs: 60_000,
    });
    const strict = new SlipstreamPublisher({
      brokers,
      caller: '/tls',
      ssl: true,
      log,
      sendTimeoutMs: 15_000,
    });
    try {
      expect(await trusting.submitSlip({ ...order('tls-1'), id: 'tls' })).toBe('tls');
      expect(proxy.produces).toBe(1);
      await expect(strict.submitSlip(order('tls-2'))).rejects.toThrow(
        // A machine that is too slow for one try of several says that of the last.
        /self-signed certificate|connecting took/,
      );
      expect(proxy.produces).toBe(1);
    } finally {
      await Promise.all([trusting.stop(), strict.stop()]);
      await proxy.close();
    }
  });
});

const program = `
import { isSlipstreamError, SlipstreamPublisher, type RecordedEvent, type SubmitCommand } from '@slipstream/client';

const publisher = new SlipstreamPublisher({ brokers: ['127.0.0.1:1'], caller: '/foreign' });
const order: SubmitCommand = {
  reference: 'ord-1', kind: 'order', account: 'cust-1', counterparty: 'shop-1',
  amount: { amount: -5n, currency: 'EUR' }, deadline: new Date(),
};
export const referenceOf = ({ event }: RecordedEvent): string | null =>
  event.type === 'SlipSubmitted' ? event.data.reference : null;
try {
  await publisher.submitSlip(order);
} catch (error) {
  if (isSlipstreamError(error)) console.log(error.code, error.errors.map(({ pointer }) => pointer).join());
}
await publisher.stop();
`;
const wrong = program.replace('-5n', '"5"').replace('event.data.reference', 'event.data.nothing');

describe('the packed SDK, in a project that has nothing else', () => {
  let project: ForeignProject;
  let said: string;
  let service: ChildProcess | undefined;
  const source = readFileSync(join(repositoryRoot, 'examples/order-service.ts'), 'utf8');
  beforeAll(() => {
    project = foreignProject();
    said = project.compile({ 'order-service.ts': source, 'program.ts': program, 'wrong.ts': wrong });
  });
  afterAll(() => {
    service?.kill('SIGKILL');
    project?.remove();
  });

  it('has built code and declarations, no specs, and three dependencies', () => {
    const read = (file: string) => readFileSync(join(project.sdk, file), 'utf8');
    const files = readdirSync(project.sdk, { recursive: true }) as string[];
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'NOTICE']));
    const code = files.filter((file) => /\.\w+$/.test(file) && file.startsWith('lib/'));
    expect(code.filter((file) => !/(?<!\.spec)\.(js|d\.ts)$/.test(file))).toEqual([]);
    expect(code.filter((file) => file.endsWith('.js')).length).toBeGreaterThan(50);
    const { name, dependencies } = JSON.parse(read('package.json'));
    expect([name, Object.keys(dependencies)]).toEqual([
      '@slipstream/client',
      ['@bufbuild/protobuf', 'kafkajs', 'uuid'],
    ]);
    for (const file of code)
      expect([file, read(file).match(/@slipstream\/|@nestjs\//)]).toEqual([file, null]);
  });

  it('compiles strictly, declarations of libraries too; what it does not take, the compiler says', () => {
    expect(said).toMatch(/wrong\.ts\(.*'string' is not assignable to type 'bigint'/);
    expect(said).toMatch(/wrong\.ts\(.*'nothing' does not exist/);
    const others = said.split('\n').filter((line) => !/^\s|^$|wrong\.ts\(/.test(line));
    expect(others).toEqual([]);
  });

  it('tells what is wrong before it sends anything', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [join(project.path, 'built/program.js')], {
      encoding: 'utf8',
    });
    expect([stdout, stderr]).toEqual(['validation_failed /amount/amount\n', '']);
  });

  it('makes a service of less than 60 lines that hands its orders over, and knows what became of them', async () => {
    expect(source.split('\n').length).toBeLessThan(60);
    const env = { ...process.env, KAFKA_BROKERS: environment.kafkaBrokers.join(), PORT: '0' };
    const child = spawn(process.execPath, [join(project.path, 'built/order-service.js')], {
      ...{ env, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    service = child;
    const [line] = await once(createInterface(child.stdout!), 'line');
    const url = `http://127.0.0.1:${(JSON.parse(line as string) as { port: number }).port}/orders`;
    const post = (body: object) => fetch(url, { method: 'POST', body: JSON.stringify(body) });
    const answered = await post({ reference: 'ord-1', customer: 'cust-1', cents: '1250' });
    expect([answered.status, await answered.json()]).toEqual([202, { id: 'ord-1' }]);
    for (const cents of ['-5', 'much', undefined])
      expect((await post({ reference: 'ord-2', customer: 'cust-1', cents })).status).toBe(400);
    expect((await fetch(`${url}/%`)).status).toBe(400);

    const reader = await readCommands();
    const command = await waitFor(() => reader.commands.find(({ id }) => id === 'ord-1'), {
      what: 'the command',
    });
    await reader.stop();
    await writer.publish(randomUUID(), lifeOf(command));
    const statusOf = async () => ((await (await fetch(`${url}/ord-1`)).json()) as { status?: string }).status;
    await waitFor(async () => (await statusOf()) === 'succeeded', { what: 'the answer' });
    expect((await fetch(`${url}/ord-2`)).status).toBe(404);

    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

/** What our services say of a slip that goes well. */
function lifeOf({ id, caller, command }: Inbound): SlipEvent[] {
  if (command.type !== 'SubmitSlip') throw new Error('no command of this spec');
  const { reference, kind, account, counterparty, amount, route } = command.data;
  const policy = { graceMs: 0, quietPeriodMs: 0, inquiryLadderMs: [] };
  return [
    {
      type: 'SlipSubmitted',
      data: {
        ...{
          caller,
          reference,
          kind,
          account,
          counterparty,
          amount,
          route,
          mode: 'dispatched',
          provider: 'acme',
        },
        ...{ overdraft: true, reviewRequired: false, deadline: '2026-11-22T11:00:00.000000Z', policy },
        ...{ configDigest: '', details: null, commandId: id },
      },
    },
    {
      type: 'SlipReturned',
      data: {
        ...{ provider: 'acme', outcome: 'succeeded', reason: null, amount, evidence: 'signed_callback' },
        ...{ providerReference: null, providerTime: null },
      },
    },
  ];
}

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  decodeInbound,
  encodeSlipEvent,
  type Inbound,
  sourceOf,
  stampEnvelope,
  topics,
} from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka, ensureTopics, partitionOf, RecordStream, SerialProducer } from '@slipstream/kafka';
import { isUuid } from '@slipstream/kernel';
import type { RecordedEvent, SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import { type ConsumerOptions, SlipstreamConsumer } from './consumer.ts';
import { SlipstreamPublisher } from './publisher.ts';
import { createSlipClient } from './slip-client.ts';
import type { SubmitCommand } from './sound.ts';

const environment = sharedEnvironment();
const caller = `/spec/${randomUUID()}`;
const log = { info() {}, warn() {}, error() {} };
let publisher: SlipstreamPublisher;

beforeAll(async () => {
  const brokers = environment().kafkaBrokers;
  await ensureTopics(createKafka({ brokers, clientId: 'spec', log }));
  publisher = new SlipstreamPublisher({ brokers, caller, log });
});
afterAll(() => publisher.stop());

/** A consumer that has begun. */
async function follow(options: Pick<ConsumerOptions, 'group' | 'from' | 'onBatch'>) {
  const consumer = new SlipstreamConsumer({ brokers: environment().kafkaBrokers, caller, log, ...options });
  await consumer.start();
  return consumer;
}

interface Sent {
  readonly inbound: Inbound;
  readonly partition: number;
  readonly key: string;
}

/** What this spec's caller has sent to a topic, `count` of them. */
async function sentTo(topic: string, count: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec', log });
  const stream = new RecordStream({
    ...{ kafka, topic, fromBeginning: true, log, maxWaitMs: 50, onFatal: () => {} },
    async onBatch(records) {
      for (const { value, partition, key } of records) {
        const inbound = decodeInbound({ value, headers: {} });
        if (inbound.caller === caller) sent.push({ inbound, partition, key: key!.toString() });
      }
    },
  });
  await stream.start();
  await waitFor(() => sent.length >= count, { what: `${count} records in ${topic}` });
  await stream.stop();
  return sent;
}

const command = (reference: string, rest: Partial<SubmitCommand> = {}): SubmitCommand => ({
  reference,
  kind: 'order',
  account: 'cust-1',
  counterparty: 'shop-1',
  amount: { amount: 1250n, currency: 'EUR' },
  route: 'default',
  deadline: null,
  metadata: {},
  ...rest,
});

describe('the publisher and the consumer', () => {
  it('submits commands keyed by reference, then states the clock in every partition behind them', async () => {
    const commands = Array.from({ length: 1_500 }, (_, i) => command(`ord-${i}`));
    const time = '2026-11-22T10:00:00.000000Z';
    const ids = await publisher.submitSlips([
      command('first', { id: 'given', clock: 'import-1', time }),
      ...commands,
    ]);
    expect(ids[0]).toBe('given');
    expect(new Set(ids).size).toBe(1_501);
    expect(ids.slice(1).every(isUuid)).toBe(true);
    await publisher.advanceClock({ topic: 'commands', clock: 'import-1', time, close: true });
    await publisher.advanceClock({ topic: 'commands', clock: 'import-1', time, close: true });

    const sent = await sentTo(topics.commands.name, 1_501 + 24);
    const submits = sent.filter(({ inbound }) => inbound.command.type === 'SubmitSlip');
    for (const { partition, key } of submits) expect(partition).toBe(partitionOf(key, 12));
    const first = submits.find(({ key }) => key === 'first')!.inbound;
    expect(first).toMatchObject({ id: 'given', caller, clock: 'import-1', time });
    expect(submits.find(({ key }) => key === 'ord-7')!.inbound).toMatchObject({ clock: 'wall', time: null });
    const statements = sent.filter(({ inbound }) => inbound.command.type === 'AdvanceClock');
    expect(new Set(statements.map(({ partition }) => partition)).size).toBe(12);
    expect(new Set(statements.map(({ inbound }) => inbound.id)).size).toBe(12);
    for (let partition = 0; partition < 12; partition++) {
      const types = sent
        .filter((one) => one.partition === partition)
        .map(({ inbound }) => inbound.command.type);
      expect(types.slice(-2)).toEqual(['AdvanceClock', 'AdvanceClock']);
    }
  });

  it('reports results', async () => {
    await publisher.reportProviderResult({ reference: 'ord-1', step: 'returned', outcome: 'succeeded' });
    const [sent] = await sentTo(topics.results.name, 1);
    expect(sent!.inbound.command).toMatchObject({
      type: 'ReportResult',
      data: { reference: 'ord-1', step: 'returned', outcome: 'succeeded' },
    });
  });

  it('follows events once each, in order, and repeats a batch that failed', async () => {
    const slipId = randomUUID();
    const data = { caller, reference: 'ord-1', rule: 'limit', detail: 'too much' };
    const event: SlipEvent = { type: 'SlipRejected', data };
    const ids = Array.from({ length: 5 }, () => randomUUID());
    const value = (sequence: number) => {
      const head = { id: ids[sequence]!, source: sourceOf('SlipRejected'), subject: slipId, clock: 'wall' };
      const time = '2026-11-22T10:00:00.000000Z';
      return stampEnvelope(encodeSlipEvent(head, event), {
        sequence: `${sequence}`,
        time,
        receivedTime: time,
      });
    };
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec', log });
    const producer = new SerialProducer(kafka, { log });
    const at = { topic: topics.events.name, partition: partitionOf(slipId, 12), key: slipId };
    await producer.sendBatch([1, 2, 2, 1, 3].map((sequence) => ({ ...at, value: value(sequence) })));

    const mine: RecordedEvent[] = [];
    let failures = 2;
    const stream = await follow({
      from: 'beginning',
      onBatch({ events }) {
        if (failures-- > 0) throw new TypeError('a bug of the receiver');
        mine.push(...events.filter((one) => one.slipId === slipId));
      },
    });
    await waitFor(() => mine.length >= 3, { what: 'three events' });
    await producer.sendBatch([3, 4].map((sequence) => ({ ...at, value: value(sequence) })));
    await waitFor(() => mine.length >= 4, { what: 'the fourth event' });
    expect(mine.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4]);
    await stream.stop();
    await producer.stop();
  });

  it('goes on, as a group, where the group stopped', async () => {
    const group = `spec-${randomUUID()}`;
    let first = 0;
    const stream = await follow({
      ...{ group, from: 'beginning' },
      onBatch({ events }) {
        first += events.length;
      },
    });
    await waitFor(() => first > 0, { what: 'events' });
    await stream.stop();
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec', log });
    const admin = kafka.admin();
    await admin.connect();
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topics.events.name] });
    await admin.disconnect();
    expect(offsets!.partitions.some(({ offset }) => Number(offset) > 0)).toBe(true);
  });

  it('says so instead of going on where the log no longer has what the group would read next', async () => {
    const group = `spec-${randomUUID()}`;
    const kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'spec', log });
    const admin = kafka.admin();
    await admin.connect();
    const partitions = [{ partition: 0, offset: '1000000' }];
    await admin.setOffsets({ groupId: group, topic: topics.events.name, partitions });
    await admin.disconnect();
    const stream = follow({ group, from: 'now', onBatch: () => {} });
    await expect(stream).rejects.toThrow(
      /partition 0: the group stands at offset 1000000, but the log ends at \d+/,
    );
  });
});

describe('createSlipClient', () => {
  it('a program of the releases before submits, reports and follows with one object', async () => {
    const client = createSlipClient({ brokers: environment().kafkaBrokers, caller, log });
    const [id] = await client.submit([command(`ord-${randomUUID()}`, { deadline: null, metadata: {} })]);
    const seen: RecordedEvent[] = [];
    await client.consumeEvents({ from: 'beginning', onBatch: ({ events }) => void seen.push(...events) });
    await waitFor(() => seen.length > 0, { what: 'an event of the specs above' });
    const [reported] = await client.report([
      { reference: 'ord-before', step: 'returned', outcome: 'succeeded', reason: null, progress: '' },
    ]);
    await client.close();
    expect([id, reported].map((one) => isUuid(one!))).toEqual([true, true]);
    await expect(client.submit([command('ord-late')])).rejects.toMatchObject({ name: 'SendFailed' });
  });
});

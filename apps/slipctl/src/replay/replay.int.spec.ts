import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { allTopics, encodeSlipEvent, stampEnvelope, topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka, ensureTopics, readTail, SerialProducer } from '@slipstream/kafka';
import { addMs } from '@slipstream/kernel';
import { requireTopics } from '../kafka.ts';
import { KafkaRecords } from './kafka-records.ts';
import type { LoggedRecord } from './records.ts';
import { runReplay } from './run-replay.ts';
import { newState, type ReplayState } from './state-file.ts';
import { TopicTarget } from './targets.ts';

const environment = sharedEnvironment();
const log = { info() {}, warn() {}, error() {} };
const progress = { update() {}, stop() {} };
const topic = `replay-spec-${randomUUID()}`;
const eachPartition = 50;
let kafka: ReturnType<typeof createKafka>;
let source: KafkaRecords;

beforeAll(async () => {
  kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'replay-spec', log });
  await ensureTopics(kafka, [{ ...topics.events, name: topic, partitions: 2 }]);
  const producer = new SerialProducer(kafka, { log });
  const start = '2026-11-22T10:00:00.000000Z';
  const records = Array.from({ length: 2 * eachPartition }, (_, i) => ({
    ...{ topic, partition: i % 2, key: `s-${i % 10}`, headers: { 'content-type': 'x/y' } },
    value: i === 7 ? Buffer.from('no event') : event(`s-${i % 10}`, i, addMs(start, i)),
  }));
  await producer.sendBatch(records);
  await producer.stop();
  source = new KafkaRecords(kafka, topic);
});
afterAll(() => source?.close());

function event(subject: string, n: number, time: string): Buffer {
  const head = { id: `e-${n}`, subject, source: '/slipstream/ledger', clock: 'wall' };
  const body = encodeSlipEvent(head, { type: 'FundsHeld', data: { transaction: null } });
  return stampEnvelope(body, { sequence: String(n + 1), time, receivedTime: time });
}

describe('a topic that is not there', () => {
  const none = `none-${randomUUID()}`;
  it('is told before anything is sent, by its name', async () => {
    const brokers = environment().kafkaBrokers;
    await expect(requireTopics(brokers, [topic])).resolves.toBeUndefined();
    await expect(requireTopics(brokers, [topic, none])).rejects.toMatchObject({
      ...{ exitCode: 3, message: expect.stringContaining(`nothing was sent: ${none} are not there`) },
    });
  });

  it('is looked for by topics check where it is read', async () => {
    const records = new KafkaRecords(kafka, none);
    await expect(records.spans()).rejects.toMatchObject({
      ...{ exitCode: 3, message: expect.stringContaining('`slipctl topics check` says which') },
    });
    await records.close();
  });
});

async function replay(
  target: TopicTarget,
  state: ReplayState,
  onNote: (noted: ReplayState) => void = () => {},
  isMeant: (record: LoggedRecord) => boolean = () => true,
) {
  return runReplay({
    ...{ source, isMeant, spans: await source.spans(), target, state, speed: null, progress },
    ...{ note: onNote, nowMs: () => performance.now(), signal: new AbortController().signal },
  });
}

async function valuesIn(name: string): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>([
    [0, []],
    [1, []],
  ]);
  await readTail(
    kafka,
    name,
    new Map([...found.keys()].map((partition) => [partition, 0])),
    (partition, walk) => {
      const { key, value, headers } = walk.record();
      found.get(partition)!.push(`${key} ${headers['content-type']} ${value?.toString('base64')}`);
    },
  );
  return found;
}

describe('a replay into a topic', () => {
  it('gives every record as it stands, partition for partition, and of a replay that was killed each one once', async () => {
    const name = `${topic}-copy`;
    const notes: ReplayState[] = [];
    const state = newState({}, new Map());
    const target = await TopicTarget.open(kafka, name, { id: state.id, partitions: 2 });
    await replay(target, state, (noted) => notes.push(noted));
    const whole = await valuesIn(topic);
    expect(await valuesIn(name)).toEqual(whole);
    // All was sent, and nobody noted more than that it had begun.
    const again = await TopicTarget.open(kafka, name, { id: state.id, partitions: 2 });
    expect(await replay(again, notes[0]!)).toMatchObject({ replayed: 0, done: true });
    expect(await valuesIn(name)).toEqual(whole);
    // Another replay is another one.
    const other = newState({}, new Map());
    const twice = await TopicTarget.open(kafka, name, { id: other.id, partitions: 2 });
    expect(await replay(twice, other)).toMatchObject({ replayed: 2 * eachPartition });
    for (const one of [target, again, twice]) await one.close();
  });

  it('finds what it wrote of a partition after every note, whichever one is left', async () => {
    const name = `${topic}-notes`;
    const notes: ReplayState[] = [];
    const state = newState({}, new Map());
    const open = (id: string) => TopicTarget.open(kafka, name, { id, partitions: 2 });
    // Another replay lies before it, and of its own partition 0 comes alone at first.
    const other = await open('other');
    await replay(other, newState({}, new Map()), undefined, ({ offset }) => offset === 0);
    await other.close();
    const target = await open(state.id);
    await replay(
      target,
      state,
      (noted) => notes.push(noted),
      ({ partition }) => partition === 0,
    );
    const [begun, ended] = notes as [ReplayState, ReplayState];
    const interrupted = { ...ended, positions: { ...ended.positions, 1: 0 } };
    await replay(target, interrupted);
    const whole = await valuesIn(name);
    for (const values of whole.values()) expect(values).toHaveLength(1 + eachPartition);
    for (const left of [begun, interrupted]) {
      const again = await open(state.id);
      await replay(again, left, (noted) => notes.push(noted));
      await again.close();
    }
    for (const left of notes.slice(2)) await replay(target, left);
    expect(await valuesIn(name)).toEqual(whole);
    await target.close();
  });

  it('takes none of the topics that services read or write, and none of other partitions', async () => {
    const open = (name: string) => TopicTarget.open(kafka, name, { id: 'x', partitions: 3 });
    for (const { name } of allTopics) await expect(open(name)).rejects.toThrow("Slipstream's own topics");
    await expect(open('__consumer_offsets')).rejects.toThrow("Kafka's own");
    await expect(open(topic)).rejects.toThrow('has 2 partitions');
  });
});

it('reads records that are no events, too', async () => {
  const found: LoggedRecord[] = [];
  await source.read(1, 0, eachPartition, (record) => {
    found.push(record);
    return false;
  });
  expect(found).toHaveLength(eachPartition);
  expect(found.filter(({ head }) => head === null).map(({ offset, key }) => [offset, key])).toEqual([
    [3, 's-7'],
  ]);
});

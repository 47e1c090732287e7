import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { encodeSlipEvent, sources, stampEnvelope, topics } from '@slipstream/contracts';
import { sharedEnvironment } from '@slipstream/environment';
import { createKafka, ensureTopics, SerialProducer } from '@slipstream/kafka';
import { addMs } from '@slipstream/kernel';
import { WholeLog } from '../src/adapters/kafka/whole-log.ts';

const environment = sharedEnvironment();
const log = { info() {}, warn() {}, error() {} };
const topic = `whole-log-spec-${randomUUID()}`;
const start = '2026-11-22T10:00:00.000000Z';
const slipCount = 30;
const eventsOfEach = 4;
let kafka: ReturnType<typeof createKafka>;

beforeAll(async () => {
  kafka = createKafka({ brokers: environment().kafkaBrokers, clientId: 'whole-log-spec', log });
  await ensureTopics(kafka, [{ ...topics.events, name: topic, partitions: 1 }]);
  const producer = new SerialProducer(kafka, { log });
  const records = Array.from({ length: slipCount * eventsOfEach }, (_, n) => record(n));
  // The relay was killed, and sends some once more.
  await producer.sendBatch([...records.slice(0, 70), ...records.slice(40, 70), ...records.slice(70)]);
  await producer.stop();
});

function record(n: number) {
  const key = `s-${n % slipCount}`;
  const time = addMs(start, n);
  const head = { id: `e-${n}`, subject: key, source: sources.ledger, clock: 'wall' };
  const body = encodeSlipEvent(head, { type: 'FundsHeld', data: { transaction: null } });
  const value = stampEnvelope(body, { sequence: String(n + 1), time, receivedTime: time });
  return { topic, partition: 0, key, value };
}

async function sharesOf(recordsMax: number) {
  const whole = new WholeLog(kafka, { topic, recordsMax });
  try {
    const bounds = (await whole.bounds()).get(0)!;
    const shares: Map<string, string[]>[] = [];
    let read = 0;
    for await (const slips of whole.slips(0, bounds, (records) => (read += records)))
      shares.push(new Map([...slips].map(([id, events]) => [id, events.map((event) => event.id)])));
    return { shares, read, records: bounds.end - bounds.start };
  } finally {
    await whole.close();
  }
}

const sorted = (shares: readonly Map<string, string[]>[]) =>
  shares.flatMap((share) => [...share]).sort(([a], [b]) => (a < b ? -1 : 1));

describe('the log by slips', () => {
  test('is the same in shares: each slip is whole, once, in its order, without what came again', async () => {
    const all = await sharesOf(1_000);
    expect(all.shares).toHaveLength(1);
    expect(all.shares[0]!.get('s-7')).toEqual(['e-7', 'e-37', 'e-67', 'e-97']);
    expect(all.shares[0]!.size).toBe(slipCount);
    const shared = await sharesOf(25);
    expect(shared.shares).toHaveLength(6);
    expect(sorted(shared.shares)).toEqual(sorted(all.shares));
    expect(Math.round(shared.read)).toBe(shared.records);
  });

  test('is held a share at a time', async () => {
    const { shares, records } = await sharesOf(25);
    const held = shares.map((share) => [...share.values()].flat().length);
    expect(Math.max(...held)).toBeLessThan(records / 3);
  });
});

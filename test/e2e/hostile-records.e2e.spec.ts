import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeSlipEvent, sourceOf, stampEnvelope, topics } from '@slipstream/contracts';
import { createKafka } from '@slipstream/kafka';
import { playDemo, settledOutage } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { bootStack, peakMemory, type TestStack } from './support.ts';

interface Hostile {
  readonly what: string;
  readonly key?: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Record<string, Buffer>;
}

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, Buffer.from('x')]));
const text = (value: string) => Buffer.from(value);

/** An event that somebody says who may not, and that moves money if it is believed. */
function strangers(source: string, sequence: number): Buffer {
  const data = {
    provider: 'acme',
    outcome: 'succeeded',
    reason: null,
    amount: null,
    evidence: 'signed_callback',
    providerReference: null,
    providerTime: null,
  } as const;
  const head = { id: randomUUID(), source, subject: randomUUID(), clock: 'wall' };
  const body = encodeSlipEvent(head, { type: 'SlipReturned', data });
  const time = '2026-11-22T10:39:00.123456Z';
  return stampEnvelope(body, {
    sequence: String(sequence),
    time,
    receivedTime: time,
  });
}

/** Small enough for every topic. */
const small: readonly Hostile[] = [
  { what: '14,000 headers', value: text('x'), headers: many(14_000) },
  { what: 'a tombstone', value: null },
  { what: 'a tombstone without key', key: null, value: null },
  { what: 'garbage', value: Buffer.alloc(1_000, 0xff) },
  { what: 'JSON', value: text('{"type":"SlipReturned","outcome":"succeeded"}') },
  { what: 'a header that is no text', value: text('x'), headers: { odd: Buffer.alloc(50_000, 0xff) } },
  { what: 'an odd key', key: Buffer.of(0, 255), value: text('x') },
];
/** What an inbound topic refuses itself. */
const large: readonly Hostile[] = [
  { what: '40,000 headers', value: text('x'), headers: many(40_000) },
  { what: 'a header of 800,000 bytes 0xFF', value: text('x'), headers: { big: Buffer.alloc(800_000, 0xff) } },
  { what: 'a key of 1 MB', key: Buffer.alloc(1_000_000, 'k'), value: text('x') },
  ...Array.from({ length: 60 }, (_, i) => ({
    what: `a header of 900,000 bytes, ${i}`,
    value: text('x'),
    headers: { big: Buffer.alloc(900_000, 'a') },
  })),
];
const lies: readonly Hostile[] = [
  { what: 'SlipReturned from an unknown source', value: strangers('/somebody/unknown', 1) },
  { what: 'a number far ahead from an unknown source', value: strangers('/somebody/unknown', 7) },
  { what: 'SlipReturned from the ledger', value: strangers(sourceOf('SlipSettled'), 900_000) },
];

const consumers = {
  [topics.events.name]: ['provider_gateway', 'ledger', 'reconciliation'],
  [topics.commands.name]: ['intake'],
  [topics.results.name]: ['provider_gateway'],
};
const databases = ['intake', 'provider_gateway', 'ledger', 'reconciliation'];
let booted: TestStack;

beforeAll(async () => {
  booted = await bootStack();
}, 240_000);
afterAll(() => booted?.stop(), 60_000);

test('hostile records, each alone on every topic, end no process, hold up no slip and are set aside with a reason', async () => {
  const { stack } = booted;
  const pids = () => stack.services.names().map((name) => `${name} ${stack.services.pid(name)}`);
  const before = pids();
  const kafka = createKafka({ brokers: stack.env.KAFKA_BROKERS!.split(','), clientId: 'hostile' });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const send = async (topic: string, { key, value, headers }: Hostile) => {
    const record = { key: key === undefined ? randomUUID() : key, value, ...(headers ? { headers } : {}) };
    await producer.send({ topic, messages: [{ ...record, partition: 0 }] });
  };
  const sent: Record<string, number> = {};
  for (const [topic, records] of [
    [topics.events.name, [...small, ...large, ...lies]],
    [topics.commands.name, small],
    [topics.results.name, small],
    [topics.watermarks.name, [...small.filter(({ key }) => key !== null), ...large]],
  ] as const) {
    for (const one of records) await send(topic, one);
    sent[topic] = records.length;
  }
  for (const topic of [topics.commands.name, topics.results.name]) {
    await expect(send(topic, large[0]!)).rejects.toThrow(/larger than the max|too large/i);
  }
  await producer.disconnect();

  const played = await playDemo(stack, { slips: 240, overMs: 12_000, endTimeoutMs: 120_000 });
  expect(played.complete).toBe(true);
  expect(played.summary).toMatchObject({ slips: 240, false_alarms: 0, missed: 0, ledger_balanced: true });
  // The outage of the feed that loses answers: seven in a row are enough for an incident, and there is no other one.
  const outage = await settledOutage(stack, played);
  expect(outage.outage_slips).toBeGreaterThanOrEqual(7);
  expect(outage).toMatchObject({ incidents: 1, incident_differs: 0 });

  const asideIn = new Map<string, { topic: string; reason: string }[]>();
  for (const name of databases) asideIn.set(name, await setAside(stack.env.DATABASE_URL!, name));
  for (const [topic, owners] of Object.entries(consumers)) {
    for (const owner of owners) {
      const rows = asideIn.get(owner)!.filter((row) => row.topic === topic);
      expect([topic, owner, rows.length]).toEqual([topic, owner, sent[topic]]);
    }
  }
  const strange = asideIn.get('ledger')!.filter(({ reason }) => reason === 'stranger');
  expect(strange).toHaveLength(lies.length);
  await untilCopied(kafka, topics.events.name, sent[topics.events.name]! * 3);
  expect(pids()).toEqual(before);
  for (const [name, mib] of Object.entries(peakMemory(stack)))
    expect([name, mib < 256]).toEqual([name, true]);
}, 400_000);

async function setAside(databaseUrl: string, name: string): Promise<{ topic: string; reason: string }[]> {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query("select topic, reason from dead_letter where reason <> 'parked_behind'")).rows;
  } finally {
    await client.end();
  }
}

/** The copies on the dead-letter topic: the relay gets them all through. */
async function untilCopied(
  kafka: ReturnType<typeof createKafka>,
  topic: string,
  count: number,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const copies = async () => {
      const offsets = await admin.fetchTopicOffsets(`${topic}.dlq`);
      return offsets.reduce((sum, { high }) => sum + Number(high), 0);
    };
    await waitFor(async () => (await copies()) >= count, {
      what: `${count} copies on ${topic}.dlq`,
    });
  } finally {
    await admin.disconnect();
  }
}

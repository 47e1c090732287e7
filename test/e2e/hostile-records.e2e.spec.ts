import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SlipstreamPublisher } from '@slipstream/client';
import { encodeSlipEvent, sourceOf, stampEnvelope, topics } from '@slipstream/contracts';
import { createKafka, partitionOf } from '@slipstream/kafka';
import { playDemo, settledOutage } from '@slipstream/local';
import type { SlipEvent } from '@slipstream/slip';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { bootStack, peakMemory, slipctl, type TestStack } from './support.ts';

interface Hostile {
  readonly what: string;
  readonly key?: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Record<string, Buffer | Buffer[]>;
  readonly timestamp?: string;
}

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, Buffer.from('x')]));
const cloudEvent = Buffer.from('application/cloudevents+protobuf');
const text = (value: string) => Buffer.from(value);

const time = '2026-11-22T10:39:00.123456Z';
/** Moves money if it is believed. */
const succeeded: SlipEvent = {
  type: 'SlipReturned',
  data: {
    ...{ provider: 'acme', outcome: 'succeeded', reason: null, amount: null, evidence: 'signed_callback' },
    ...{ providerReference: null, providerTime: null },
  },
};

/** An event that somebody says who may not. */
function strangers(
  source: string,
  sequence: number,
  event = succeeded,
  subject: string = randomUUID(),
): Buffer {
  const body = encodeSlipEvent({ id: randomUUID(), source, subject, clock: 'wall' }, event);
  return stampEnvelope(body, { sequence: String(sequence), time, receivedTime: time });
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
  { what: 'an empty key', key: Buffer.alloc(0), value: text('x') },
  { what: 'an empty value', value: Buffer.alloc(0) },
  { what: 'a JSON list', value: text('[1,2,3]') },
  { what: 'a time of 1970', value: text('x'), timestamp: '0' },
  { what: 'a header twice', value: text('x'), headers: { 'content-type': [text('a'), text('b')] } },
  { what: 'a content type that it is not', value: text('x'), headers: { 'content-type': cloudEvent } },
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
const nobodys = randomUUID();
const overdue: SlipEvent = { type: 'SlipOverdue', data: { stage: 'returned', deadline: time } };
const lies: readonly Hostile[] = [
  { what: 'SlipReturned from an unknown source', value: strangers('/somebody/unknown', 1) },
  { what: 'a number far ahead from an unknown source', value: strangers('/somebody/unknown', 7) },
  { what: 'SlipReturned from the ledger', value: strangers(sourceOf('SlipSettled'), 900_000) },
  {
    what: 'a verdict under its slip’s own key',
    key: text(nobodys),
    value: strangers('/somebody/unknown', 1, overdue, nobodys),
  },
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
  const send = async (topic: string, { key, value, headers, timestamp }: Hostile) => {
    const record = {
      ...{ key: key === undefined ? randomUUID() : key, value },
      ...(headers ? { headers } : {}),
      ...(timestamp ? { timestamp } : {}),
    };
    await producer.send({ topic, messages: [{ ...record, partition: 0 }] });
  };
  const sent: Record<string, number> = {};
  for (const [topic, records] of [
    [topics.events.name, [...small, ...large, ...lies]],
    [topics.commands.name, small],
    [topics.results.name, small],
    [topics.ops.name, small],
    [topics.checkpoints.name, small.filter(({ key }) => key !== null)],
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
  // The outage of the feed that loses answers: seven in a row are enough for an incident. There is no other one, but of our own
  // where the machine stood still.
  const outage = await settledOutage(stack, played);
  expect(outage.outage_slips).toBeGreaterThanOrEqual(7);
  const isOwn = outage.incidents === 0 && outage.own_incidents > 0;
  expect(outage).toMatchObject({ incidents: isOwn ? 0 : 1, incident_differs: 0 });

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
  // Whoever reads the topics of ours that no service waits for passes over them, too.
  await slipctl(stack, ['verify']);
  await slipctl(stack, ['config', 'applied']);
  await slipctl(stack, ['reconcile', 'diff', '--timeout', '60s']);
  for (const [name, mib] of Object.entries(peakMemory(stack)))
    expect([name, mib < 256]).toEqual([name, true]);
}, 400_000);

/** The bug: nothing of this slip's money can be posted. */
const bugSql = (slip: string) => `
create function bug() returns trigger language plpgsql as $$
begin
  if new.slip_id = '${slip}' then raise exception 'a bug'; end if;
  return new;
end $$;
create trigger bug before insert on entry for each row execute function bug()`;
/** As the gateway itself publishes. */
const misplacedSql = 'select append_events($1, $2, $3, $4, array[null::timestamptz], array[null::jsonb])';
/** An event of its own, on the partition next to its slip's. */
function misplacedEvent(subject: string): unknown[] {
  const { name, partitions } = topics.events;
  const head = { id: randomUUID(), source: sourceOf('SlipReturned'), subject, clock: 'wall' };
  const partition = (partitionOf(subject, partitions) + 1) % partitions;
  return [[name], [partition], [subject], [Buffer.from(encodeSlipEvent(head, succeeded))]];
}
const mendedSql = 'drop trigger bug on entry; drop function bug()';

test('what waits behind a poison record, or behind a bug that is mended, ends as if neither had been, read again once or twice', async () => {
  const { stack } = booted;
  const brokers = stack.env.KAFKA_BROKERS!.split(',');
  const names = ['untouched', 'poisoned', 'hit-by-a-bug', 'misplaced'];
  // An error that hits nobody else is the record's own: on its partition, too, others have to come.
  const neighbours = Array.from({ length: 60 }, (_, n) => `neighbour-${n}`);
  const publisher = new SlipstreamPublisher({ brokers, caller: '/poison' });
  const kafka = createKafka({ brokers, clientId: 'hostile' });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await publisher.submitSlips(
      [...names, ...neighbours].map((reference) => ({
        ...{ reference, kind: 'order', account: reference, counterparty: 'shop-7', route: 'import' },
        ...{ amount: { amount: 1250n, currency: 'EUR' }, deadline: new Date(Date.now() + 3_600_000) },
      })),
    );
    const slips = await Promise.all(names.map((name) => slipWith(name, 'held')));
    const [untouched, poisoned, broken, misplaced] = slips as [Shown, Shown, Shown, Shown];
    await inDatabase('ledger', bugSql(broken.id));
    await inDatabase('provider_gateway', misplacedSql, misplacedEvent(misplaced.id));
    await producer.send({
      topic: topics.events.name,
      messages: [
        {
          key: poisoned.id,
          value: text('[]'),
          partition: partitionOf(poisoned.id, topics.events.partitions),
        },
      ],
    });
    await publisher.reportProviderResults(
      [...names, ...neighbours].map((reference) => ({ reference, step: 'returned', outcome: 'succeeded' })),
    );
    await slipWith('untouched', 'settled');
    await Promise.all(neighbours.slice(-10).map((name) => slipWith(name, 'settled')));
    // Each service that reads the events, the ledger beside its bug.
    const aside = await waitFor(
      async () => {
        const found = (
          await Promise.all([poisoned, broken, misplaced].map(({ id }) => lettersOf(id)))
        ).flat();
        const ofReasons = (reason: string) => found.filter((letter) => letter.reason === reason).length;
        const isAll =
          ofReasons('undecodable') === 3 && ofReasons('rejected') === 3 && ofReasons('failed') === 1;
        return isAll ? found : null;
      },
      { what: 'what was set aside', timeoutMs: 120_000, intervalMs: 500 },
    );
    expect(aside.filter(({ slip }) => slip === broken.id).map(({ service }) => service)).toContain('ledger');
    expect((await shown('poisoned')).status).toBe('held');
    expect((await shown('hit-by-a-bug')).status).toBe('held');

    await inDatabase('ledger', mendedSql);
    const redrive = ['dlq', 'redrive', '--slip', broken.id, '--yes', '--why', 'it is mended', '--json'];
    const done = JSON.parse(await slipctl(stack, redrive)) as { failed: number; redriven: number }[];
    expect(done.reduce((sum, { redriven }) => sum + redriven, 0)).toBeGreaterThan(0);
    for (const { id, service } of aside.filter(({ reason }) =>
      ['undecodable', 'rejected'].includes(reason),
    )) {
      await slipctl(stack, ['dlq', 'dismiss', id, '--service', service, '--why', 'nobody said it']);
      await expect(
        slipctl(stack, ['dlq', 'dismiss', id, '--service', service, '--why', 'again']),
      ).rejects.toMatchObject({ code: expect.any(Number) });
    }
    await slipWith('poisoned', 'settled');
    await slipWith('hit-by-a-bug', 'settled');
    await slipWith('misplaced', 'settled');
    const ended = await Promise.all(slips.map(({ id }) => endOf(id)));
    expect(ended).toEqual(names.map(() => ended[0]));
    expect(JSON.parse(await slipctl(stack, redrive))).toEqual([]);
    expect(await Promise.all(slips.map(({ id }) => endOf(id)))).toEqual(ended);
    expect(await lettersOf(untouched.id)).toEqual([]);
  } finally {
    await publisher.stop();
    await producer.disconnect();
  }
}, 400_000);

interface Shown {
  readonly id: string;
  readonly reference: string;
  readonly status: string;
  readonly outcome: string | null;
  readonly version: number;
  readonly anomalies: readonly object[];
  readonly case: object | null;
}

async function ask<T>(path: string): Promise<T> {
  const { LEDGER_URL, TOKEN_OPS } = booted.stack.env;
  const response = await fetch(`${LEDGER_URL}${path}`, { headers: { authorization: `Bearer ${TOKEN_OPS}` } });
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as T;
}

const shown = async (reference: string) =>
  (await ask<{ data: [Shown] }>(`/v1/slips?reference=${reference}`)).data[0];

function slipWith(reference: string, status: string): Promise<Shown> {
  return waitFor(
    async () => {
      const slip = await shown(reference);
      return slip?.status === status ? slip : null;
    },
    { what: `${reference} to be ${status}`, timeoutMs: 120_000, intervalMs: 250 },
  );
}

/** All that a slip is at its end, but for its own names and times. */
async function endOf(id: string) {
  const { status, outcome, version, anomalies, case: opened } = await ask<Shown>(`/v1/slips/${id}`);
  const events = await ask<{ data: { type: string; version: number }[] }>(`/v1/slips/${id}/events`);
  const { data } = await ask<{ data: Moved[] }>(`/v1/transactions?slip=${id}`);
  return {
    ...{ status, outcome, version, anomalies, opened },
    events: events.data.map((event) => `${event.version} ${event.type}`),
    moved: data.map(({ type, postings }) => [
      type,
      // Each slip has a payer of its own.
      postings.map(({ account, ...rest }) => ({
        ...rest,
        account: account.replace(/^payer:[^:]*/, 'payer'),
      })),
    ]),
  };
}

interface Moved {
  readonly type: string;
  readonly postings: readonly { readonly account: string }[];
}

interface Letter {
  readonly id: string;
  readonly service: string;
  readonly slip: string | null;
  readonly reason: string;
}

const lettersOf = async (slip: string) =>
  JSON.parse(await slipctl(booted.stack, ['dlq', 'list', '--slip', slip, '--json'])) as Letter[];

async function inDatabase(name: string, sql: string, parameters?: unknown[]): Promise<void> {
  const url = new URL(booted.stack.env.DATABASE_URL!);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(sql, parameters);
  } finally {
    await client.end();
  }
}

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

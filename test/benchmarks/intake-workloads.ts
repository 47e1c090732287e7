import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { decodeSlipEvent, encodeInbound, partitionsDefault, topics } from '@slipstream/contracts';
import { partitionOf } from '@slipstream/kafka';
import { slipsAlone, startStack } from '@slipstream/local';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import { type Bench, produce, rawKafka } from './core-workloads.ts';
import { type Load, LoadClient, type Post, percentile } from './http-load.ts';
import { cpuSecondsOf, peakRssMiB, type Sample } from './measure.ts';
import { cpuSecondsOfFamily, type ServerPids, serverPids } from './server-cpu.ts';

/** Microseconds of CPU an item, by who spent them; NaN where that cannot be seen. */
export interface Costs {
  readonly node: number;
  readonly postgres: number;
  readonly kafka: number;
  readonly client: number;
}

export interface HttpRun {
  readonly closed: Sample;
  readonly costs: Costs;
  readonly closedMs: Latency;
  /** At half the rate of the closed loop. */
  readonly openMs: Latency;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface IntakeRun {
  readonly http: HttpRun;
  readonly bus: Sample;
  readonly busCosts: Costs;
  readonly peakRssMiB: number;
}

/** Whatever is slow only once, compilers first of all, is over after so many. */
const warmPosts = 4_000;
const openSeconds = 5;
const waitMs = 300_000;
const nothingRead: ServerPids = { postgres: null, kafka: null };

const fields = (n: number) => ({
  kind: 'order' as const,
  account: `customer-${n % 5_000}`,
  counterparty: `shop-${n % 50}`,
  route: 'default',
  deadline: null,
});

export function posts(prefix: string, count: number, token: string): Post[] {
  return Array.from({ length: count }, (_, n) => ({
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': `key-${prefix}-${n}`,
    },
    body: JSON.stringify({
      reference: `${prefix}-${n}`,
      ...fields(n),
      amount: { amount: String(100 + (n % 10_000)), currency: 'EUR' },
      confirm: true,
      metadata: { cart: `cart-${n}` },
    }),
  }));
}

/** Slips wished for on the bus, as an internal service sends them. */
export function commands(prefix: string, count: number) {
  return Array.from({ length: count }, (_, n) => {
    const reference = `${prefix}-${n}`;
    const value = encodeInbound({
      ...{ id: `id-${reference}`, caller: busCaller, subject: reference, clock: 'wall', time: null },
      traceparent: '',
      command: {
        type: 'SubmitSlip',
        data: {
          ...fields(n),
          reference,
          amount: { amount: BigInt(100 + (n % 10_000)), currency: 'EUR' },
          metadata: { cart: `cart-${n}` },
        },
      },
    });
    return {
      ...{ key: reference, partition: partitionOf(reference, partitionsDefault) },
      value: Buffer.from(value),
    };
  });
}

const busCaller = 'bench-bus';

/** The bare server under the same posts. */
export async function bareNest(count: number): Promise<HttpRun> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'bare-nest.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  try {
    const [url] = (await once(createInterface(server.stdout), 'line')) as [string];
    const run = await loaded(url, { prefix: 'bare', count, token: 'none' }, () =>
      used(server.pid!, nothingRead),
    );
    return run.http;
  } finally {
    const ended = once(server, 'exit');
    server.kill();
    await ended;
  }
}

/** Intake over HTTP and over the bus; every slip is looked for in its database and on Kafka. @throws Error when one is missing */
export async function intakeRun(bench: Bench, count: number, dataDir: string): Promise<IntakeRun> {
  const nobody = { 'provider-gateway': 0, ledger: 0, reconciliation: 0 };
  const stack = await startStack({
    dataDir: join(dataDir, 'intake'),
    profile: 'stack',
    instances: nobody,
    rules: slipsAlone,
  });
  const url = new URL(bench.databaseUrl);
  url.pathname = '/intake';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const pid = stack.services.pid('intake')!;
    const servers = await serverPids(client, dataDir);
    const sent = (wanted: number) => untilSent(client, wanted);
    const what = { prefix: 'http', count, token: stack.env.TOKEN_PUBLISHER! };
    const over = await loaded(stack.env.INTAKE_URL!, what, () => used(pid, servers), sent);
    await produce(bench, commands('warm', warmPosts), topics.commands.name);
    await sent(over.answered + warmPosts);
    const wanted = commands('bus', count);
    const before = used(pid, servers);
    const started = performance.now();
    await produce(bench, wanted, topics.commands.name);
    await sent(over.answered + warmPosts + count);
    const seconds = (performance.now() - started) / 1000;
    const busCosts = costs(before, used(pid, servers), count);
    await checkSlips(bench, client, over.ids, count + warmPosts);
    return {
      http: over.http,
      bus: { seconds, cpuSeconds: (busCosts.node * count) / 1e6, items: count },
      busCosts,
      peakRssMiB: peakRssMiB(pid),
    };
  } finally {
    await client.end();
    await stack.stop();
  }
}

interface Loaded {
  readonly http: HttpRun;
  readonly answered: number;
  readonly ids: readonly string[];
}

async function loaded(
  url: string,
  { prefix, count, token }: { readonly prefix: string; readonly count: number; readonly token: string },
  cpu: () => Costs,
  sent: (wanted: number) => Promise<void> = async () => {},
): Promise<Loaded> {
  const client = new LoadClient(url, '/v1/slips');
  try {
    const warm = await client.closed(posts(`${prefix}-warm`, warmPosts, token));
    await sent(warmPosts);
    const wanted = posts(prefix, count, token);
    global.gc?.();
    const before = cpu();
    const closed = await client.closed(wanted);
    // What is still on its way to Kafka belongs to these requests.
    await sent(warmPosts + count);
    const after = cpu();
    const perSecond = count / closed.seconds / 2;
    const due = posts(`${prefix}-open`, Math.ceil(perSecond * openSeconds), token);
    const open = await client.open(due, perSecond);
    await sent(warmPosts + count + due.length);
    const spent = costs(before, after, count);
    return {
      http: {
        closed: { seconds: closed.seconds, cpuSeconds: (spent.node * count) / 1e6, items: count },
        costs: spent,
        closedMs: latency(closed),
        openMs: latency(open),
      },
      answered: warmPosts + count + due.length,
      ids: [warm, closed, open].flatMap(({ bodies }) => bodies.map((body) => JSON.parse(body).id as string)),
    };
  } finally {
    await client.close();
  }
}

const latency = ({ latenciesMs }: Load): Latency => ({
  p50: percentile(latenciesMs, 50),
  p99: percentile(latenciesMs, 99),
});

/** Seconds of CPU so far. */
function used(pid: number, servers: ServerPids): Costs {
  const { user, system } = process.cpuUsage();
  return {
    node: cpuSecondsOf(pid),
    postgres: cpuSecondsOfFamily(servers.postgres),
    kafka: cpuSecondsOfFamily(servers.kafka),
    client: (user + system) / 1e6,
  };
}

function costs(before: Costs, after: Costs, items: number): Costs {
  const us = (who: keyof Costs) => ((after[who] - before[who]) / items) * 1e6;
  return { node: us('node'), postgres: us('postgres'), kafka: us('kafka'), client: us('client') };
}

/** Kafka has acknowledged so many of intake's events. */
async function untilSent(client: pg.Client, wanted: number): Promise<void> {
  const sql = 'select sum(sent_seq)::int as n from relay where topic = $1';
  await waitFor(async () => (await client.query(sql, [topics.events.name])).rows[0].n >= wanted, {
    timeoutMs: waitMs,
    what: `${wanted} events on Kafka`,
    intervalMs: 20,
  });
}

/** Exactly the slips that were answered with 202, and one for each command, in the database and on the topic. */
async function checkSlips(
  bench: Bench,
  client: pg.Client,
  ids: readonly string[],
  commanded: number,
): Promise<void> {
  const { rows } = await client.query<{ slip_id: string; caller: string; status: string }>(
    'select slip_id, caller, status from slip',
  );
  const stored = new Set(rows.map(({ slip_id }) => slip_id));
  const onBus = rows.filter(({ caller, status }) => caller === busCaller && status === 'submitted').length;
  const known = ids.every((id) => stored.has(id)) && new Set(ids).size === ids.length;
  if (!known || onBus !== commanded || stored.size !== ids.length + commanded) {
    throw new Error(`the database has ${stored.size} slips, ${onBus} of them of the bus`);
  }
  const published = await submitted(bench, stored.size);
  if (published.size !== stored.size || rows.some(({ slip_id }) => !published.has(slip_id))) {
    throw new Error(`Kafka has ${published.size} of ${stored.size} slips`);
  }
}

/** The slips of `slips.events.v1`. @throws Error when one was submitted twice or there is anything else */
async function submitted(bench: Bench, count: number): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const done = Promise.withResolvers<void>();
  const consumer = rawKafka(bench).consumer({ groupId: `check-${bench.round}`, maxWaitTimeInMs: 300 });
  await consumer.connect();
  await consumer.subscribe({ topic: topics.events.name, fromBeginning: true });
  let seen = 0;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        const { slipId, event } = decodeSlipEvent(value!);
        if (event.type !== 'SlipSubmitted' || found.has(slipId)) {
          done.reject(new Error(`${event.type} of ${slipId} should not be there`));
        }
        found.add(slipId);
      }
      seen += batch.messages.length;
      if (seen >= count) done.resolve();
    },
  });
  const late = setTimeout(
    () => done.reject(new Error(`Kafka has ${seen} of ${count} slips' events`)),
    waitMs,
  );
  try {
    await done.promise;
    return found;
  } finally {
    clearTimeout(late);
    await consumer.disconnect();
  }
}

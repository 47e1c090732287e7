import { sources, topics } from '@slipstream/contracts';
import { ownedDatabase } from '@slipstream/environment';
import { createKafka, ensureTopics, readLogBounds, SerialProducer } from '@slipstream/kafka';
import { slipsAlone, startStack } from '@slipstream/local';
import { coreMigrations, migrate, openDataSource, prepareTopics, UnitOfWork } from '@slipstream/postgres';
import { waitFor } from '@slipstream/testing';
import pg from 'pg';
import type { Bench } from './core-workloads.ts';
import { benchEvents } from './generator.ts';
import { cpuSecondsOf, peakRssMiB, type Sample } from './measure.ts';

const waitMs = 900_000;

/** Fills `slips.events.v1` of a fresh broker. */
export async function fillEvents(bench: Bench, count: number): Promise<void> {
  const kafka = createKafka({ brokers: bench.brokers, clientId: 'bench' });
  await ensureTopics(kafka);
  const producer = new SerialProducer(kafka);
  await producer.start();
  let batch: { topic: string; partition: number; key: string; value: Buffer }[] = [];
  for (const { partition, key, value } of benchEvents(count)) {
    batch.push({ topic: topics.events.name, partition, key, value });
    if (batch.length === 5_000) {
      await producer.sendBatch(batch);
      batch = [];
    }
  }
  if (batch.length > 0) await producer.sendBatch(batch);
  await producer.stop();
}

/**
 * Lets the ledger's new database know the events of its own that the topic has: without them it would be older than its
 * log (rule 4), and the ledger would rightly refuse to work.
 */
export async function knowOwnEvents(bench: Bench, count: number): Promise<void> {
  const own = new Map<number, number>();
  for (const { partition, source } of benchEvents(count)) {
    if (source === sources.ledger) own.set(partition, (own.get(partition) ?? 0) + 1);
  }
  const admin = createKafka({ brokers: bench.brokers, clientId: 'bench' }).admin();
  await admin.connect();
  const bounds = await readLogBounds(admin, topics.events.name);
  await admin.disconnect();
  const { url, migrationUrl } = await ownedDatabase(bench.databaseUrl, 'ledger');
  const dataSource = await openDataSource({ url, applicationName: 'bench' });
  try {
    await migrate(dataSource, [coreMigrations], migrationUrl);
    const unitOfWork = new UnitOfWork(dataSource);
    await prepareTopics(unitOfWork, [topics.events]);
    const partitions = [...own.keys()];
    await unitOfWork.query(knownSql, [
      topics.events.name,
      partitions,
      partitions.map((partition) => own.get(partition)),
      partitions.map((partition) => bounds.get(partition)!.end),
    ]);
  } finally {
    await dataSource.destroy();
  }
}

const knownSql = `
with own as (select * from unnest($2::int[], $3::bigint[], $4::bigint[]) as o(partition, seq, end_offset)),
numbered as (update sequencer s set next_seq = own.seq + 1 from own where s.topic = $1 and s.partition = own.partition)
update relay r set sent_seq = own.seq, end_offset = own.end_offset from own where r.topic = $1 and r.partition = own.partition`;

export interface ServiceSample extends Sample {
  readonly peakRssMiB: number;
}

/** Starts one real service on the filled topic and times it from its first position to `count` records. */
export async function catchUp(
  bench: Bench,
  service: 'ledger' | 'reconciliation',
  count: number,
  dataDir: string,
): Promise<ServiceSample> {
  const nobody = { intake: 0, 'provider-gateway': 0, ledger: 0, reconciliation: 0 };
  const stack = await startStack({
    dataDir,
    profile: 'stack',
    rules: slipsAlone,
    instances: { ...nobody, [service]: 1 },
  });
  const url = new URL(bench.databaseUrl);
  url.pathname = `/${service}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const handled = async () => {
    const { rows } = await client.query(
      'select coalesce(sum(greatest(next_offset, 0)), 0) as n from consumer_position where topic = $1',
      [topics.events.name],
    );
    return Number(rows[0].n);
  };
  try {
    const pid = stack.services.pid(service)!;
    const first = await waitFor(handled, { timeoutMs: waitMs, what: `${service} to begin`, intervalMs: 10 });
    const started = performance.now();
    const cpu = cpuSecondsOf(pid);
    const last = await waitFor(
      async () => {
        const now = await handled();
        return now >= count ? now : 0;
      },
      { timeoutMs: waitMs, what: `${service} to handle ${count} events`, intervalMs: 50 },
    );
    return {
      items: last - first,
      seconds: (performance.now() - started) / 1000,
      cpuSeconds: cpuSecondsOf(pid) - cpu,
      peakRssMiB: peakRssMiB(pid),
    };
  } finally {
    await client.end();
    await stack.stop();
  }
}

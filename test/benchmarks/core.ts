import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEnvironment } from '@slipstream/environment';
import { append, type Bench, rawConsume, rawProduce, rawUnnest, relay, runner } from './core-workloads.ts';
import { benchEvents } from './generator.ts';
import type { Row } from './measure.ts';
import { chartsOf, report, table, writeResult } from './report.ts';
import { catchUp, fillEvents, knowOwnEvents } from './service-workloads.ts';

export interface CoreOptions {
  readonly rounds: number;
  readonly events: number;
  readonly reconcilerEvents: number;
  readonly ledgerEvents: number;
  readonly jsonFile: string;
}

const row = (name: string, against: string | null = null, floor: number | null = null): Row => ({
  name,
  against,
  floor,
  samples: [],
});

/** The core against its limits, interleaved; every rule on, PostgreSQL with fsync, Kafka with acks=all. */
export async function core(options: CoreOptions, say: (line: string) => void): Promise<boolean> {
  const rows = {
    produce: row('raw produce'),
    consume: row('raw consume'),
    unnest: row('raw unnest insert'),
    append: row('append', 'raw unnest insert', 0.4),
    relay: row('relay', 'raw produce', 0.4),
    runner: row('consumer runner', 'raw consume', 0.6),
    ledger: row('ledger ingest', 'raw consume'),
    reconciler: row('reconciler catch-up', 'raw consume'),
  };
  const peaks: Record<string, number> = {};
  const events = [...benchEvents(options.events)];
  for (let round = 1; round <= options.rounds; round++) {
    await withServers(round, async (bench, dataDir) => {
      say(`round ${round} of ${options.rounds}: raw and ours, ${events.length} events`);
      const raw = `bench.raw.${round}`;
      rows.produce.samples.push(await rawProduce(bench, events, raw));
      rows.unnest.samples.push(await rawUnnest(bench, events));
      const appended = await append(bench, events);
      rows.append.samples.push(appended.sample);
      rows.relay.samples.push(await relay(bench, appended, events.length));
      await appended.close();
      await fillEvents(bench, options.reconcilerEvents);
      rows.consume.samples.push(await rawConsume(bench, 'slips.events.v1', options.reconcilerEvents));
      rows.runner.samples.push(await runner(bench, 'slips.events.v1', options.reconcilerEvents));
      say(
        `round ${round}: the reconciler on ${options.reconcilerEvents} events, the ledger on ${options.ledgerEvents}`,
      );
      await knowOwnEvents(bench, options.reconcilerEvents);
      for (const [service, count, target] of [
        ['reconciliation', options.reconcilerEvents, rows.reconciler],
        ['ledger', options.ledgerEvents, rows.ledger],
      ] as const) {
        const sample = await catchUp(bench, service, count, join(dataDir, service));
        target.samples.push(sample);
        peaks[service] = Math.max(peaks[service] ?? 0, sample.peakRssMiB);
      }
    });
  }
  const reported = report(Object.values(rows));
  console.log(table(reported));
  console.log(
    `peak memory: ${Object.entries(peaks)
      .map(([name, mib]) => `${name} ${mib} MiB`)
      .join(', ')}`,
  );
  writeResult(options.jsonFile, { options, rows: reported, peak_rss_mib: peaks }, chartsOf(reported));
  return reported.every((one) => one.holds !== false);
}

/** A fresh broker and database server per round: no round pays for another's data. */
export async function withServers(
  round: number,
  work: (bench: Bench, dataDir: string) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipstream-bench-'));
  const environment = await startEnvironment({ dataDir });
  process.env.KAFKA_BROKERS = environment.kafkaBrokers.join(',');
  process.env.DATABASE_URL = environment.databaseUrl;
  try {
    await work({ brokers: environment.kafkaBrokers, databaseUrl: environment.databaseUrl, round }, dataDir);
  } finally {
    delete process.env.KAFKA_BROKERS;
    delete process.env.DATABASE_URL;
    await environment.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

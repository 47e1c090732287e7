import { check } from './check.ts';
import type { Facts, Summary, TruthRow } from './facts.ts';
import { countImbalances, databaseNow, readLog, readOutboxes } from './read-databases.ts';
import { readTopic } from './read-topic.ts';

export interface CheckTarget {
  readonly brokers: readonly string[];
  /** A superuser's URL. */
  readonly databaseUrl: string;
  readonly simulatorUrl: string;
}

/**
 * Reads the facts and checks them. The outboxes are read first: what they hold must then be on the topic and in the
 * log, once these have had time to be written (`npm start -- --exit` asks when the feed has ended).
 */
export async function runCheck(target: CheckTarget): Promise<Summary> {
  return check(await readFacts(target));
}

export async function readFacts({ brokers, databaseUrl, simulatorUrl }: CheckTarget): Promise<Facts> {
  const now = await databaseNow(databaseUrl);
  const outbox = await readOutboxes(databaseUrl);
  const topic = await readTopic(brokers);
  const log = await readLog(databaseUrl);
  return {
    now,
    outbox,
    topic,
    log,
    truth: await readTruth(simulatorUrl),
    imbalances: await countImbalances(databaseUrl),
  };
}

async function readTruth(simulatorUrl: string): Promise<TruthRow[]> {
  const response = await fetch(new URL('/v1/truth', simulatorUrl), { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the simulator answered ${response.status} to GET /v1/truth`);
  return ((await response.json()) as { data: TruthRow[] }).data;
}

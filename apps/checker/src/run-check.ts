import { type Instant, parseInstant } from '@slipstream/kernel';
import { allDue, check, findings } from './check.ts';
import type { Facts, Summary, TruthRow } from './facts.ts';
import { countImbalances, databaseNow, readLog, readOutboxes } from './read-databases.ts';
import { readTopic } from './read-topic.ts';

export interface CheckTarget {
  readonly brokers: readonly string[];
  /** A superuser's URL. */
  readonly databaseUrl: string;
  readonly simulatorUrl: string;
  /** Slips submitted before (RFC 3339) are left out: the simulator remembers only its own run. */
  readonly since?: string | undefined;
}

/**
 * Reads the facts and checks them. The outboxes are read first: what they hold must then be on the topic and in the
 * log, once these have had time to be written (`npm start -- --exit` asks when the feed has ended).
 */
export async function runCheck(
  target: CheckTarget,
): Promise<{ summary: Summary; due: boolean; findings: string[] }> {
  const facts = await readFacts(target);
  const summary = check(facts);
  const isWrong = summary.false_alarms + summary.missed > 0;
  return { summary, due: allDue(facts), findings: isWrong ? findings(facts) : [] };
}

export async function readFacts({ brokers, databaseUrl, simulatorUrl, since }: CheckTarget): Promise<Facts> {
  const now = await databaseNow(databaseUrl);
  const outbox = await readOutboxes(databaseUrl);
  const topic = await readTopic(brokers);
  const log = await readLog(databaseUrl);
  return {
    now,
    outbox,
    topic,
    log,
    since: since === undefined ? null : parseSince(since),
    truth: await readTruth(simulatorUrl),
    imbalances: await countImbalances(databaseUrl),
  };
}

async function readTruth(simulatorUrl: string): Promise<TruthRow[]> {
  const response = await fetch(new URL('/v1/truth', simulatorUrl), { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the simulator answered ${response.status} to GET /v1/truth`);
  return ((await response.json()) as { data: TruthRow[] }).data;
}

function parseSince(text: string): Instant {
  const since = parseInstant(text);
  if (since === null) throw new Error(`no RFC 3339 time: ${text}`);
  return since;
}

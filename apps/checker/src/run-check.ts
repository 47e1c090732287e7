import { type Checked, check } from './check.ts';
import type { Micros } from './events.ts';
import type { Facts, LostProcess, TruthRow } from './facts.ts';
import type { KafkaLogin } from './kafka-login.ts';
import { Databases } from './read-databases.ts';
import { readTopic } from './read-topic.ts';

export interface CheckTarget {
  readonly brokers: readonly string[];
  /** Absent: they are spoken to in the clear. */
  readonly login?: KafkaLogin | undefined;
  /** A superuser's URL. */
  readonly databaseUrl: string;
  /** Absent: the providers are real, and tell no truth. What follows from topic and SQL alone is judged. */
  readonly simulatorUrl?: string | undefined;
  /** Slips submitted before (RFC 3339) are left out: the simulator remembers only its own run. */
  readonly since?: string | undefined;
  /** The processes that were killed or stopped meanwhile, by whoever did it; what they had only read is lost. */
  readonly lostProcesses?: readonly LostProcess[] | undefined;
}

/**
 * Reads the facts and checks them. What services committed is read first: it must then be on the topic and in the log,
 * once these have had time to be written (`npm start -- --exit` asks when the feed has ended).
 */
export async function runCheck(target: CheckTarget): Promise<Checked> {
  return check(await readFacts(target));
}

export async function readFacts(target: CheckTarget): Promise<Facts> {
  const databases = new Databases(target.databaseUrl);
  const now = await databases.now();
  const accepted = await databases.accepted();
  const transactions = await databases.transactions();
  const outbox = await databases.outboxes();
  const topic = await readTopic(target.brokers, target.login);
  return {
    now,
    accepted,
    transactions,
    outbox,
    topic,
    log: await databases.log(),
    imbalances: await databases.imbalances(),
    setAside: await databases.setAside(),
    truth: target.simulatorUrl === undefined ? null : await readTruth(target.simulatorUrl),
    lostProcesses: target.lostProcesses ?? [],
    since: target.since === undefined ? null : parseTime(target.since),
  };
}

async function readTruth(simulatorUrl: string): Promise<TruthRow[]> {
  const response = await fetch(new URL('/v1/truth', simulatorUrl), { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the simulator answered ${response.status} to GET /v1/truth`);
  return ((await response.json()) as { data: TruthRow[] }).data;
}

/** @throws Error for what is no RFC 3339 time */
export function parseTime(text: string): Micros {
  const parts = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/i.exec(text);
  const ms = parts ? Date.parse(`${parts[1]}${parts[3]}`) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`no RFC 3339 time: ${text}`);
  return BigInt(ms) * 1_000n + BigInt((parts![2] ?? '').padEnd(6, '0').slice(0, 6));
}

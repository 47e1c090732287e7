import { setTimeout as sleep } from 'node:timers/promises';
import { allTopics, type Topic } from '@slipstream/contracts';
import kafkajs, { type Admin } from 'kafkajs';
import type { KafkaClient } from './client.ts';
import { retryOptions } from './client.ts';
import { isKeptForEver, replicasOf, settingProblems, settingsOf } from './topic-settings.ts';

const readyTimeoutMs = 30_000;

/**
 * Makes the topics that are missing, checks those that were there, and waits until every one of them has its leaders.
 * Several services may call it at once. `known`: topics whose records the caller's database knows.
 * @throws Error naming topic, key, found and wanted when a topic was made otherwise (another number of partitions moves
 * keys, another retention loses records), or when one that is kept for ever is missing though its records are known: an
 * empty topic of its name would hide the loss
 */
export async function ensureTopics(
  kafka: KafkaClient,
  topics: readonly Topic[] = allTopics,
  known: ReadonlySet<string> = new Set(),
): Promise<void> {
  const admin = kafka.admin({ retry: retryOptions });
  await admin.connect();
  try {
    const brokers = (await admin.describeCluster()).brokers.length;
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic.name));
    refuseLost(missing, known);
    if (missing.length > 0) await create(admin, missing, brokers);
    await untilReady(admin, topics);
    await checkSettings(admin, topics);
  } finally {
    await admin.disconnect();
  }
}

function refuseLost(missing: readonly Topic[], known: ReadonlySet<string>): void {
  const lost = missing.filter((topic) => isKeptForEver(topic) && known.has(topic.name));
  if (lost.length === 0) return;
  const names = lost.map(({ name }) => name).join(', ');
  throw new Error(
    `${names} is kept for ever, and this service has read or written it, but it is gone: it is not made anew. ` +
      'Look whether the brokers are the right ones; else restore the topic with its records before any service starts',
  );
}

async function create(admin: Admin, topics: readonly Topic[], brokers: number): Promise<void> {
  try {
    await admin.createTopics({
      topics: topics.map((topic) => ({
        topic: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: replicasOf(brokers),
        configEntries: Object.entries(settingsOf(topic, brokers)).map(([name, value]) => ({ name, value })),
      })),
      waitForLeaders: false,
      timeout: 10_000,
    });
  } catch (error) {
    // Another service was faster with some of them; `untilReady` sees whether all are there.
    const errors = (error as { errors?: { type?: string }[] }).errors ?? [error as { type?: string }];
    if (!errors.every((one) => one.type === 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

async function checkSettings(admin: Admin, topics: readonly Topic[]): Promise<void> {
  const problems = await wrongSettings(admin, topics);
  if (problems.length > 0) throw new Error(`topics are not as they must be: ${problems.join('; ')}`);
}

async function wrongSettings(admin: Admin, topics: readonly Topic[]): Promise<string[]> {
  const resources = topics.map(({ name }) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }));
  const answer = await admin.describeConfigs({ resources, includeSynonyms: false });
  return answer.resources.flatMap(({ resourceName, configEntries }) => {
    const topic = topics.find(({ name }) => name === resourceName)!;
    return settingProblems(topic, new Map(configEntries.map((one) => [one.configName, one.configValue])));
  });
}

async function untilReady(admin: Admin, topics: readonly Topic[]): Promise<void> {
  const until = performance.now() + readyTimeoutMs;
  for (;;) {
    const waiting = await notReady(admin, topics);
    if (waiting.length === 0) return;
    if (performance.now() > until) {
      throw new Error(`topics without leaders after ${readyTimeoutMs} ms: ${waiting.join(', ')}`);
    }
    await sleep(50);
  }
}

async function notReady(admin: Admin, topics: readonly Topic[]): Promise<string[]> {
  const existing = new Set(await admin.listTopics());
  const here = topics.filter((topic) => existing.has(topic.name));
  const missing = topics.filter((topic) => !existing.has(topic.name)).map((topic) => topic.name);
  if (here.length === 0) return missing;
  const metadata = await admin.fetchTopicMetadata({ topics: here.map((topic) => topic.name) });
  for (const { name, partitions } of metadata.topics) {
    const problem = partitionsProblem(here.find((topic) => topic.name === name)!, partitions.length);
    if (problem !== null) throw new Error(problem);
    if (partitions.length === 0 || partitions.some((one) => one.leader < 0)) missing.push(name);
  }
  return missing;
}

/** Another number of partitions moves keys. 0: nobody knows it yet. */
function partitionsProblem({ name, partitions: wanted }: Topic, found: number): string | null {
  if (found === 0 || found === wanted) return null;
  return `topic ${name} has ${found} partitions, expected ${wanted}: partitions are fixed when a topic is made`;
}

export interface TopicsFound {
  readonly missing: readonly Topic[];
  /** What is not as it was declared, each with its topic, what was found and what is wanted. */
  readonly problems: readonly string[];
}

/** Declared against actual; changes nothing. @throws Error when the brokers cannot be asked */
export async function compareTopics(
  kafka: KafkaClient,
  topics: readonly Topic[] = allTopics,
): Promise<TopicsFound> {
  const admin = kafka.admin({ retry: retryOptions });
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const here = topics.filter((topic) => existing.has(topic.name));
    const missing = topics.filter((topic) => !existing.has(topic.name));
    if (here.length === 0) return { missing, problems: [] };
    const metadata = await admin.fetchTopicMetadata({ topics: here.map((topic) => topic.name) });
    const problems = metadata.topics.flatMap(({ name, partitions }) => {
      const moved = partitionsProblem(here.find((topic) => topic.name === name)!, partitions.length);
      const leaderless = partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId);
      const silent = leaderless.length > 0 && `topic ${name} has no leader for ${leaderless.join(', ')}`;
      return [moved, silent || null].filter((problem) => problem !== null);
    });
    return { missing, problems: [...problems, ...(await wrongSettings(admin, here))] };
  } finally {
    await admin.disconnect();
  }
}

/** What was lost, if it was not never there: beside other topics one that is kept for ever is not made anew. */
export function lostTopics({ missing }: TopicsFound, topics: readonly Topic[] = allTopics): readonly Topic[] {
  return missing.length === topics.length ? [] : missing.filter(isKeptForEver);
}

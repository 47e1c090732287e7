import type { KafkaClient } from './client.ts';
import { readLogBounds, seeingUncommitted } from './log-bounds.ts';

/** How far a consumer group is behind the end of one partition. */
export interface GroupLag {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** As the group last said; a service says so seldom, after its database knows it. */
  readonly nextOffset: number;
  readonly end: number;
  /** Records that were not handled, also those of a transaction that is still open; what the log has lost meanwhile does not count. */
  readonly behind: number;
}

/** Of every group that has said where it is on one of the topics. @throws Error when the brokers cannot be asked */
export async function readLag(kafka: KafkaClient, topics: readonly string[]): Promise<GroupLag[]> {
  const admin = seeingUncommitted(kafka).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const here = topics.filter((topic) => existing.has(topic));
    const bounds = new Map<string, Awaited<ReturnType<typeof readLogBounds>>>();
    for (const topic of here) bounds.set(topic, await readLogBounds(admin, topic));
    const { groups } = await admin.listGroups();
    const found: GroupLag[] = [];
    for (const { groupId: group } of groups) {
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics: here })) {
        for (const { partition, offset } of partitions) {
          const known = bounds.get(topic)?.get(partition);
          const nextOffset = Number(offset);
          if (known === undefined || nextOffset < 0) continue;
          const { start, end } = known;
          const behind = Math.max(0, end - Math.max(start, nextOffset));
          found.push({ group, topic, partition, nextOffset, end, behind });
        }
      }
    }
    return found;
  } finally {
    await admin.disconnect();
  }
}

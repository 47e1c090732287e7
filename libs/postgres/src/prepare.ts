import type { Topic } from '@slipstream/contracts';
import type { UnitOfWork } from './unit-of-work.ts';

const prepareSql = `
with wanted as (select t.topic, p as partition from unnest($1::text[], $2::int[]) as t(topic, partitions), generate_series(0, t.partitions - 1) as p),
     sequenced as (insert into sequencer (topic, partition) select topic, partition from wanted on conflict do nothing)
insert into relay (topic, partition) select topic, partition from wanted on conflict do nothing`;

/** Makes the sequencer and relay rows of the topics this service may publish to. */
export async function prepareTopics(unitOfWork: UnitOfWork, topics: readonly Topic[]): Promise<void> {
  await unitOfWork.query(prepareSql, [
    topics.map((topic) => topic.name),
    topics.map((topic) => topic.partitions),
  ]);
}

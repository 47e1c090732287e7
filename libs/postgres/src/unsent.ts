import type { UnitOfWork } from './unit-of-work.ts';

/** What was committed to be published on a topic, and lies in the outbox until a relay has sent it. */
export interface Unsent {
  readonly topic: string;
  readonly rows: number;
  /** Of the oldest row; 0 where none is left. */
  readonly ageSeconds: number;
}

// The oldest row of each partition that has one is found by its key.
const unsentSql = `
select s.topic, sum(greatest(s.next_seq - 1 - r.sent_seq, 0))::int as rows,
  coalesce(extract(epoch from clock_timestamp() - min(o.at)), 0)::float8 as age
from sequencer s join relay r using (topic, partition)
  left join lateral (select o.at from outbox o
    where o.topic = s.topic and o.partition = s.partition and o.seq > r.sent_seq and r.sent_seq < s.next_seq - 1
    order by o.seq limit 1) as o on true
group by s.topic`;

/** By topic. @throws where the database does not answer */
export async function readUnsent(unitOfWork: UnitOfWork): Promise<Unsent[]> {
  const found = await unitOfWork.query<{ topic: string; rows: number; age: number }>(unsentSql);
  return found.map(({ topic, rows, age }) => ({ topic, rows, ageSeconds: Math.max(age, 0) }));
}

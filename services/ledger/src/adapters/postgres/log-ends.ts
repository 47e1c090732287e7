import { topics } from '@slipstream/contracts';
import type { Tx } from '@slipstream/postgres';

const endsSql = `
select p as partition, (
  select e.kafka_offset + 1 from event_log e where e.partition = p order by e.kafka_offset desc limit 1) as handled
from generate_series(0, $1::int - 1) as p order by p`;

/** Where the log ends in each partition: the offset behind its last event. */
export async function logEnds(database: Pick<Tx, 'query'>): Promise<readonly number[]> {
  const rows = await database.query<{ handled: string | null }>(endsSql, [topics.events.partitions]);
  return rows.map(({ handled }) => Number(handled ?? 0));
}

/** As the keys of a list have them that stops there. */
export const writeEnds = (ends: readonly number[]): string => ends.map((end) => end.toString(36)).join('.');
export const readEnds = (text: string): number[] => text.split('.').map((end) => Number.parseInt(end, 36));

import type { UnitOfWork } from './unit-of-work.ts';

const knownSql = `
select topic from consumer_position where next_offset > 0
union
select topic from relay where end_offset > 0 or sent_seq > 0`;

/** The topics that this database has read records of or sent records to. */
export async function knownTopics(unitOfWork: UnitOfWork): Promise<Set<string>> {
  const rows = await unitOfWork.query<{ topic: string }>(knownSql);
  return new Set(rows.map(({ topic }) => topic));
}

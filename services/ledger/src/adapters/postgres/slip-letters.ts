import { topics } from '@slipstream/contracts';
import type { UnitOfWork } from '@slipstream/postgres';
import { consumerGroup } from '../../application/consumer-group.ts';
import { type SlipLetter, type SlipLetters, slipLettersMax } from '../../application/queries.ts';

/** The latest of a slip's dead letters that are looked at: whoever writes under its key may leave any number. */
const examinedMax = 1_000;

const own = (condition: string) =>
  `(select id, topic, partition, kafka_offset, reason, status, failed_at from dead_letter
    where consumer_group = $1 and topic = $2 and ${condition} order by kafka_offset desc limit ${examinedMax + 1})`;

// One that stands alone has no park key; its key names the slip all the same. Those that wait come in the order in which they
// are read again, which is the log's: the first is what the others wait behind. What was handled or given up follows.
const sql = `
select id::text, topic, partition, kafka_offset::text as offset, reason, status, failed_at as since, count(*) over ()::int as found
from (${own('park_key = $3')} union all ${own('park_key is null and sha256(key) = sha256($4) and key = $4')}) as mine
order by status in ('redriven', 'dismissed'),
  case when status in ('redriven', 'dismissed') then -kafka_offset else kafka_offset end, id
limit ${slipLettersMax}`;

interface LetterRow extends Omit<SlipLetter, 'offset'> {
  readonly offset: string;
  readonly found: number;
}

/** What the ledger itself set aside of a slip. */
export async function slipLetters(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  slipId: string,
): Promise<SlipLetters> {
  const parameters = [consumerGroup, topics.events.name, slipId, Buffer.from(slipId)];
  const rows = await unitOfWork.query<LetterRow>(sql, parameters);
  const count = Math.min(rows[0]?.found ?? 0, examinedMax);
  return { letters: rows.map(({ found: _, ...row }) => ({ ...row, offset: Number(row.offset) })), count };
}

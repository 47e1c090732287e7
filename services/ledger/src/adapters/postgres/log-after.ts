import { readEnvelope } from '@slipstream/contracts';
import type { UnitOfWork } from '@slipstream/postgres';
import type { EventFilter, LogStretch } from '../../application/queries.ts';
import { atOneMoment } from './at-one-moment.ts';
import { byTime } from './by-time.ts';
import { receivedBefore } from './ends-before.ts';
import { logEnds } from './log-ends.ts';
import { type EventRow, toLogged } from './logged-events.ts';
import { conditionsOf, type Place } from './slip-filter.ts';
import { type AskedRow, strangeAmong, untoldAmong } from './strange-slips.ts';

/** Events of one partition in a stretch, so that all of them come on alike. */
const perPartitionMax = 100;

interface Row extends Omit<EventRow, 'bytes'>, AskedRow {
  partition: number;
  kafka_offset: string;
  /** null where they are in `bytes`, or no times are asked for. */
  passed: Buffer | null;
}

/** Where a stream begins. */
export async function logStart(unitOfWork: UnitOfWork, filter: EventFilter): Promise<readonly number[]> {
  const ends = await logEnds(unitOfWork);
  if (filter.receivedFrom === undefined) return ends;
  const earlier = await receivedBefore(unitOfWork, filter);
  return ends.map((_, partition) => (earlier.get(partition) ?? -1) + 1);
}

/**
 * What the log has from these places on, a bounded number of events of each partition; in the order of each partition,
 * and from a time on by their times across partitions, so that what was is told as it came about.
 */
export async function logAfter(
  unitOfWork: UnitOfWork,
  filter: EventFilter,
  from: readonly number[],
): Promise<LogStretch> {
  const parameters: unknown[] = [from, perPartitionMax];
  const place: Place = (value) => `$${parameters.push(value)}`;
  const { slips, caller, terms, clock, receivedFrom } = filter;
  const conditions = conditionsOf({ clock: '', terms, metadata: [], caller }, place);
  if (clock !== null) conditions.push(`slip.clock = ${place(clock)}`);
  if (slips.length > 0) conditions.push(`slip.id = any(${place(slips)}::text[])`);
  const matched = ['true', ...conditions].join(' and ');
  const timed = receivedFrom !== undefined;
  const read = await unitOfWork.query<Row>(
    `select l.partition, l.kafka_offset, l.slip_id, l.version, case when ${matched} then l.bytes end as bytes,
       ${timed ? `case when (${matched}) is not true then l.bytes end` : 'null'} as passed, slip.first_offset is null as untold
     from unnest($1::bigint[]) with ordinality as p(start, n), lateral (
       select e.partition, e.kafka_offset, e.slip_id, e.version, e.bytes from event_log e
       where e.partition = p.n - 1 and e.kafka_offset >= p.start order by e.kafka_offset limit $2::int) as l
     join slip on slip.id = l.slip_id
     order by l.partition, l.kafka_offset`,
    parameters,
  );
  const timeOf = ({ bytes, passed }: Row) => readEnvelope((bytes ?? passed)!).time;
  const rows = timed
    ? byTime(
        read.map((row) => ({ ...row, time: timeOf(row) })),
        perPartitionMax,
      )
    : read;
  const until = [...from];
  for (const { partition, kafka_offset } of rows) until[partition] = Number(kafka_offset) + 1;
  const untold = untoldAmong(filter, rows);
  const strange =
    untold.length === 0 ? new Set() : await atOneMoment(unitOfWork, (tx) => strangeAmong(tx, filter, untold));
  const events = rows.flatMap((row) => {
    const { partition, bytes, slip_id } = row;
    if (bytes === null || strange.has(slip_id)) return [];
    const event = toLogged({ ...row, bytes }, slip_id);
    if (filter.types.length > 0 && !filter.types.includes(event.type)) return [];
    if (receivedFrom !== undefined && event.receivedTime < receivedFrom) return [];
    return [{ ...event, partition, offset: Number(row.kafka_offset) }];
  });
  return { events, until };
}

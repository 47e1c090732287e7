import type { Instant } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from './unit-of-work.ts';

/**
 * The clocks of imports on an inbound topic, in the tables `clock_mark` and `ended_clock` of the service that reads it.
 * While a clock runs it has a row for each partition; when it was closed and its last watermark was said, only its name
 * is kept: closed clocks cost nothing.
 */
export interface ClockMark {
  readonly clock: string;
  readonly partition: number;
  readonly time: Instant;
  readonly closed: boolean;
}

/** How far one clock has come on a topic. */
export interface RunningClock {
  readonly clock: string;
  /** Partitions that have a mark. */
  readonly partitions: number;
  /** The least over those partitions. */
  readonly time: Instant;
  readonly closed: boolean;
}

type Reader = Pick<Tx, 'query'>;

// One look by its key for each mark, whatever the planner thinks: an anti-join may read all that ever ended.
const notEnded = '(select e.clock from ended_clock e where e.topic = $1 and e.clock = m.clock) is null';

const advanceSql = `
insert into clock_mark (clock, topic, partition, time, closed)
select m.clock, $1, m.partition, max(m.time), bool_or(m.closed)
from unnest($2::text[], $3::int[], $4::timestamptz[], $5::boolean[]) as m(clock, partition, time, closed)
where ${notEnded}
group by m.clock, m.partition order by m.clock, m.partition
on conflict (clock, topic, partition) do update set
  time = greatest(clock_mark.time, excluded.time), closed = clock_mark.closed or excluded.closed`;

const runningSql = `
select clock, count(*)::int as partitions, min(time) as time, bool_and(closed) as closed
from clock_mark m where topic = $1 and ${notEnded} group by clock order by clock`;

const closedSql = `
select clock from clock_mark where topic = $1 and partition = $2 and clock = any($3::text[]) and closed
union select clock from ended_clock where topic = $1 and clock = any($3::text[])`;

const endSql = `
with ended as (insert into ended_clock (topic, clock) select $1, c from unnest($2::text[]) as c order by c on conflict do nothing)
delete from clock_mark where topic = $1 and clock = any($2::text[])`;

/** Moves marks forward; an earlier time or a reopening changes nothing, and a clock that has ended stays so. */
export async function advanceClocks(tx: Reader, topic: string, marks: readonly ClockMark[]): Promise<void> {
  await tx.query(advanceSql, [
    topic,
    marks.map((mark) => mark.clock),
    marks.map((mark) => mark.partition),
    marks.map((mark) => mark.time),
    marks.map((mark) => mark.closed),
  ]);
}

export function runningClocks(reader: Reader, topic: string): Promise<RunningClock[]> {
  return reader.query<RunningClock>(runningSql, [topic]);
}

/** Which of these clocks are closed on a partition. */
export async function closedClocks(
  tx: Reader,
  topic: string,
  partition: number,
  clocks: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ clock: string }>(closedSql, [topic, partition, clocks]);
  return new Set(rows.map(({ clock }) => clock));
}

/** To be called when the last watermark of closed clocks was said. */
export async function endClocks(
  unitOfWork: UnitOfWork,
  topic: string,
  clocks: readonly string[],
): Promise<void> {
  await unitOfWork.query(endSql, [topic, clocks]);
}

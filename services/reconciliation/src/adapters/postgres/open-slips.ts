import { earlier, type Instant } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import { isDetermined } from './to-judge.ts';

const anythingOpenSql = `
select exists (select 1 from open_slip where verdict = 'open')
    or exists (select 1 from open_slip where next_step_at is not null)
    or exists (select 1 from quiet_due where due_at is not null) as open`;

const lookSql = `
select clock_timestamp() as now, coalesce(sum(slips - in_time - overdue), 0)::int as open_slips
  from clock_progress where clock = '${wallClock}'`;

// One look into the index for each partition; what lies behind a dead letter waits for no clock.
const awaitedSql = `
select least(min(due.due_at), min(step.next_step_at),
    (select min(q.due_at) from quiet_due q where q.partition <> all($4::int[]))) as awaited
  from (select p as partition, $1::text as consumer_group, $2::text as topic from generate_series(0, $3::int - 1) as p) as r
  left join lateral (select o.due_at from open_slip o
    where o.partition = r.partition and o.clock = '${wallClock}' and o.verdict = 'open' and ${isDetermined}
    order by o.due_at limit 1) as due on true
  left join lateral (select o.next_step_at from open_slip o
    where o.partition = r.partition and o.next_step_at is not null and o.next_step = 'conclude' and ${isDetermined}
    order by o.next_step_at limit 1) as step on true`;

/**
 * The earliest time that must be vouched for before a live slip can be judged or concluded; null: none is open. `quietDue`:
 * what this instance follows in memory, by partition; of the others it is read what they wrote down.
 */
export async function earliestAwaited(
  unitOfWork: UnitOfWork,
  { group, topic }: { readonly group: string; readonly topic: string },
  partitions: number,
  quietDue: ReadonlyMap<number, Instant | null> = new Map(),
): Promise<Instant | null> {
  const own = [...quietDue.keys()];
  const parameters = [group, topic, partitions, own];
  const [row] = await unitOfWork.query<{ awaited: Instant | null }>(awaitedSql, parameters);
  const all = [row!.awaited, ...quietDue.values()].filter((due) => due !== null);
  return all.length === 0 ? null : all.reduce(earlier);
}

/** Whether some slip still waits for a verdict or a step. */
export async function anythingOpen(unitOfWork: UnitOfWork): Promise<boolean> {
  const [row] = await unitOfWork.query<{ open: boolean }>(anythingOpenSql);
  return row!.open;
}

/** The database's clock, and how many live slips have no verdict. */
export async function lookAtOpenSlips(unitOfWork: UnitOfWork): Promise<{ now: Instant; openSlips: number }> {
  const [row] = await unitOfWork.query<{ now: Instant; open_slips: number }>(lookSql);
  return { now: row!.now, openSlips: row!.open_slips };
}

/** Up to when live deadlines were judged, by partition, as whoever owns it has written down. */
export async function judgedThrough(unitOfWork: UnitOfWork): Promise<ReadonlyMap<number, Instant>> {
  const rows = await unitOfWork.query<{ partition: number; judged_through: Instant }>(
    `select partition, judged_through from clock_progress where clock = '${wallClock}' and judged_through > '-infinity'`,
  );
  return new Map(rows.map(({ partition, judged_through }) => [partition, judged_through]));
}

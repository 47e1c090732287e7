import type { Instant } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';

const anythingOpenSql = `
select exists (select 1 from open_slip where verdict = 'open')
    or exists (select 1 from open_slip where next_step_at is not null) as open`;

const lookSql = `
select clock_timestamp() as now, coalesce(sum(slips - in_time - overdue), 0)::int as open_slips
  from clock_progress where clock = '${wallClock}'`;

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

import type { Instant } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import type { ActionsUnit, Decision, WaitingAction } from '../../application/actions/ports.ts';
import type { Unit } from '../../application/ports.ts';
import type { ActionType } from '../../domain/case/act.ts';
import { toAction, toDecision, writeResult } from './action-rows.ts';

/** Actions, or cases, of one transaction: other partitions want their turn. */
const actionsMax = 200;

const waitingSql = `
select distinct on (a.slip_id) a.action_id, a.slip_id, a.action, a.details::text as details, a.asked_by, a.reason,
       a.if_version, a.decision, a.decided_by, a.decision_note, coalesce(c.version, 0) as version,
       exists (select 1 from case_action p where p.slip_id = a.slip_id and p.action_id <> a.action_id
         and (p.status = 'proposed' or (p.status = 'waiting' and p.decision is not null))) as proposed
  from (select * from case_action where partition = $1 and status = 'waiting' order by asked_at limit ${actionsMax}) as a
  left join case_file c on c.slip_id = a.slip_id
 order by a.slip_id, a.asked_at`;

const answerSql = `
update case_action a set status = d.status, result = d.result::json,
  finished_at = case when d.status = 'proposed' then null else clock_timestamp() end
  from unnest($1::uuid[], $2::text[], $3::text[]) as d(action_id, status, result)
 where a.action_id = d.action_id`;

// The time stands in a query of its own, which is asked once: compared with the clock row by row, all young cases are read, too.
const toEscalateSql = `
select slip_id from case_file
 where partition = $1 and status = 'open' and escalated_at is null
   and opened_at < (select clock_timestamp() - make_interval(secs => $2::float8 / 1000))
 order by opened_at limit ${actionsMax}`;

const withEscalationsSql = `
select p.partition from unnest($1::int[]) as p(partition)
 where exists (select 1 from case_file c where c.partition = p.partition and c.status = 'open' and c.escalated_at is null
   and c.opened_at < (select clock_timestamp() - make_interval(secs => $2::float8 / 1000)))`;

interface WaitingRow {
  readonly action_id: string;
  readonly slip_id: string;
  readonly action: ActionType;
  readonly details: string;
  readonly asked_by: string;
  readonly reason: string;
  readonly if_version: number | null;
  readonly decision: Decision['type'] | null;
  readonly decided_by: string | null;
  readonly decision_note: string | null;
  readonly version: number;
  readonly proposed: boolean;
}

/** Those of the partitions that have a case which is to be told on. */
export async function withEscalations(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  partitions: readonly number[],
  afterMs: number,
): Promise<readonly number[]> {
  const rows = await unitOfWork.query<{ partition: number }>(withEscalationsSql, [partitions, afterMs]);
  return rows.map(({ partition }) => partition);
}

/** What is done about people's actions in one transaction. */
export async function openActionsUnit(tx: Tx, unit: Unit): Promise<ActionsUnit> {
  const [row] = await tx.query<{ now: Instant }>('select clock_timestamp() as now');
  return {
    ...{ unit, now: row!.now },
    async waiting(partition) {
      return (await tx.query<WaitingRow>(waitingSql, [partition])).map(toWaiting);
    },
    async toEscalate(partition, afterMs) {
      const rows = await tx.query<{ slip_id: string }>(toEscalateSql, [partition, afterMs]);
      return rows.map(({ slip_id }) => slip_id);
    },
    answer(done) {
      if (done.length === 0) return;
      tx.send(answerSql, [done.map(({ id }) => id), done.map(({ status }) => status), done.map(writeResult)]);
    },
  };
}

function toWaiting(row: WaitingRow): WaitingAction {
  return {
    ...{ id: row.action_id, slipId: row.slip_id, by: row.asked_by, reason: row.reason },
    ...{ ifVersion: row.if_version, version: row.version, proposed: row.proposed },
    ...{ action: toAction(row.action, row.details), decision: toDecision(row) },
  };
}

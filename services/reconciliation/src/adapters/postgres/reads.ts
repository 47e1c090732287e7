import { type Instant, instantFromMs } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { CaseReason, Cause } from '@slipstream/slip';
import { type Looked, lookedPageOf } from '../../application/newest-first.ts';
import type { CaseView, ClockView, Reads } from '../../application/reads.ts';
import { never } from '../../domain/deadline/judgeable.ts';
import { curveView } from '../../domain/returns/curve-view.ts';
import type { ReturnsState } from '../../domain/returns/returns-watch.ts';
import { confineToCases } from './case-condition.ts';
import { Search } from './search.ts';

const caseColumns = `c.slip_id, c.status, c.reason, c.summary, c.provider, c.opened_at, c.closed_at, c.resolution,
  c.cause::text as cause, c.reasons::text as reasons, c.assignee, c.escalated_at, c.version,
  case when c.status = 'open' then extract(epoch from clock_timestamp() - c.opened_at) * 1000 end::bigint as age_ms`;

const caseSql = `select ${caseColumns} from case_file c where c.slip_id = $1`;

const clocksSql = `
select clock, count(*)::int as partitions, min(judged_through) as judged_through, bool_and(closed) as closed,
       bool_and(concluded) as concluded, sum(slips) as slips, sum(slips - in_time - overdue) as open,
       sum(overdue) as overdue, sum(not_returned) as not_returned
  from clock_progress group by clock order by clock`;

interface CaseRow {
  readonly slip_id: string;
  readonly status: 'open' | 'closed';
  readonly reason: string;
  readonly summary: string;
  readonly provider: string | null;
  readonly opened_at: Instant;
  readonly closed_at: Instant | null;
  readonly resolution: string | null;
  readonly cause: string | null;
  readonly reasons: string;
  readonly assignee: string | null;
  readonly escalated_at: Instant | null;
  readonly version: number;
  readonly age_ms: string | null;
}

interface ClockRow {
  readonly clock: string;
  readonly partitions: number;
  readonly judged_through: Instant;
  readonly closed: boolean;
  readonly concluded: boolean;
  readonly slips: string;
  readonly open: string;
  readonly overdue: string;
  readonly not_returned: string;
}

/** `partitions`: of `slips.events.v1`; a clock is judged when it is judged on all of them. */
export function createReads(unitOfWork: UnitOfWork, partitions: number): Reads {
  return {
    async cases(filter, from, pageSize) {
      const search = new Search();
      confineToCases(search, filter);
      const cases = { table: 'case_file', alias: 'c', at: 'opened_at', id: 'slip_id' };
      const page = search.lookedNewestFirst(cases, from, pageSize);
      const sql = `select ${caseColumns}, c.matched, c.is_edge ${page}`;
      const rows = await unitOfWork.query<CaseRow & Looked>(sql, search.parameters);
      return lookedPageOf(rows, from, pageSize, toCase, ({ opened_at: at, slip_id: id }) => ({ at, id }));
    },
    async caseOf(slipId) {
      const [row] = await unitOfWork.query<CaseRow>(caseSql, [slipId]);
      return row ? toCase(row) : null;
    },
    async clocks() {
      const rows = await unitOfWork.query<ClockRow>(clocksSql);
      return rows.map((row) => toClock(row, row.partitions >= partitions));
    },
    async returnCurves() {
      const [row] = await unitOfWork.query<{ state: ReturnsState }>('select state from returns_watch');
      return Object.values(row?.state.lanes ?? {}).map((lane) => {
        const view = curveView(lane);
        const { fallingSince } = view;
        return { ...view, fallingSince: fallingSince === null ? null : instantFromMs(fallingSince) };
      });
    },
  };
}

function toCase(row: CaseRow): CaseView {
  const { status, reason, summary, provider, resolution } = row;
  return {
    ...{ slipId: row.slip_id, status, reason, summary, provider, resolution },
    ...{ openedAt: row.opened_at, closedAt: row.closed_at, assignee: row.assignee, version: row.version },
    ...{ escalatedAt: row.escalated_at, ageMs: row.age_ms === null ? null : Number(row.age_ms) },
    reasons: JSON.parse(row.reasons) as CaseReason[],
    cause: row.cause === null ? null : (JSON.parse(row.cause) as Cause),
  };
}

function toClock(row: ClockRow, everywhere: boolean): ClockView {
  const judged = everywhere && row.judged_through > never;
  return {
    clock: row.clock,
    judgedThrough: judged ? row.judged_through : null,
    closed: everywhere && row.closed,
    concluded: everywhere && row.concluded,
    counts: {
      slips: Number(row.slips),
      open: Number(row.open),
      overdue: Number(row.overdue),
      notReturned: Number(row.not_returned),
    },
  };
}

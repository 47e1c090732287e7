import { type Instant, instantFromMs } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { CaseReason, Cause } from '@slipstream/slip';
import type { CasePage, CasePosition, CaseView, ClockView, Reads } from '../../application/reads.ts';
import { never } from '../../domain/deadline/judgeable.ts';
import { curveView } from '../../domain/returns/curve-view.ts';
import type { ReturnsState } from '../../domain/returns/returns-watch.ts';

const caseColumns =
  'slip_id, status, reason, summary, provider, opened_at, closed_at, resolution, cause::text as cause, reasons::text as reasons';

const casesSql = (back: boolean) => `
select ${caseColumns}
  from case_file
 where ($1::text is null or status = $1) and ($2::text is null or cause_class = $2 or cause_code = $2)
   and ($3::text is null or provider = $3)
   and ($4::timestamptz is null or (opened_at, slip_id) ${back ? '>' : '<'} ($4, $5))
 order by opened_at ${back ? 'asc' : 'desc'}, slip_id ${back ? 'asc' : 'desc'} limit $6`;
const towardsOlder = casesSql(false);
const towardsNewer = casesSql(true);

const caseSql = `select ${caseColumns} from case_file where slip_id = $1`;

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
      const rows = await unitOfWork.query<CaseRow>(from?.back ? towardsNewer : towardsOlder, [
        ...[filter.status, filter.cause, filter.provider],
        ...[from?.at ?? null, from?.slipId ?? null, pageSize + 1],
      ]);
      return toPage(rows.map(toCase), from, pageSize);
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

/** One row more than the page was read: it tells whether there is more in the direction of reading. */
function toPage(read: readonly CaseView[], from: CasePosition | null, pageSize: number): CasePage {
  const more = read.length > pageSize;
  const cases = from?.back ? read.slice(0, pageSize).toReversed() : read.slice(0, pageSize);
  const first = cases[0];
  const last = cases.at(-1);
  const older = from?.back ? true : more;
  const newer = from?.back ? more : from !== null;
  return {
    cases,
    next: last && older ? { at: last.openedAt, slipId: last.slipId, back: false } : null,
    previous: first && newer ? { at: first.openedAt, slipId: first.slipId, back: true } : null,
  };
}

function toCase(row: CaseRow): CaseView {
  const { status, reason, summary, provider, resolution } = row;
  return {
    ...{ slipId: row.slip_id, status, reason, summary, provider, resolution },
    ...{ openedAt: row.opened_at, closedAt: row.closed_at },
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

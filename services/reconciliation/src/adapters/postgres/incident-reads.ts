import type { Instant, Money } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { IncidentReads, IncidentSlip, IncidentView } from '../../application/incidents/reads.ts';
import { type Looked, lookedPageOf, pageOf } from '../../application/newest-first.ts';
import { ownSide } from '../../domain/incident/decide.ts';
import type { Fate } from '../../domain/incident/missed.ts';
import { Search } from './search.ts';

/** All that is shown of an incident, from its slips as they are; `edges` are exact where its own are of a second. */
const viewOf = (incidents: string, more = '') => `
select i.id, i.side, i.since, i.until, i.opened_at, i.closed_at, i.merged_into, i.warnings, i.blind_since, i.blind_by,
       m.*, coalesce(h.held, '[]') as held, coalesce(c.causes, '[]') as causes${more}
  from ${incidents} i,
  lateral (select count(*)::int as slips from waiting_slip where incident = i.id) w,
  lateral (select count(*)::int + w.slips as slips, min(at) as first, max(at) as last,
      count(*) filter (where fate = 'open' or has_open_case)::int
        + case when i.closed_at is null then w.slips else 0 end as open,
      count(*) filter (where fate = 'returned')::int as repaired,
      count(*) filter (where fate = 'refunded')::int as refunded,
      count(*) filter (where has_open_case)::int as open_cases,
      count(*) filter (where withheld_at is not null and fate = 'open')::int as withheld,
      coalesce(array_agg(distinct route), '{}') as routes
    from missed_slip where incident = i.id) m,
  lateral (select json_agg(json_build_object('currency', currency, 'amount', amount::text) order by currency) as held
    from (select currency, sum(amount) as amount from missed_slip
      where incident = i.id and fate = 'open' and currency is not null group by 1) by_currency) h,
  lateral (select json_agg(json_build_object('class', cause_class, 'code', cause_code, 'slips', slips)
      order by slips desc, cause_code) as causes
    from (select cause_class, cause_code, count(*)::int as slips from missed_slip
      where incident = i.id and cause_code is not null group by 1, 2) by_cause) c`;

const oneSql = `${viewOf('incident')} where i.id = $1`;

const slipsSql = (back: boolean) => `
select * from (
  select slip_id, provider, route, kind, currency, amount::text as amount, at, deadline, cause_class, cause_code, fate,
         has_open_case
    from missed_slip where incident = $1
  union all
  select w.slip_id, m.provider, m.route, m.kind, m.currency, m.amount::text, w.deadline, w.deadline, m.cause_class,
         m.cause_code, coalesce(m.fate, 'waiting'), coalesce(m.has_open_case, false)
    from waiting_slip w left join missed_slip m using (slip_id) where w.incident = $1) s
 where ($2::timestamptz is null or (at, slip_id) ${back ? '>' : '<'} ($2, $3))
 order by at ${back ? 'asc' : 'desc'}, slip_id ${back ? 'asc' : 'desc'} limit $4`;
const olderSlips = slipsSql(false);
const newerSlips = slipsSql(true);

interface ViewRow {
  readonly id: string;
  readonly side: string;
  readonly since: Instant;
  readonly until: Instant;
  readonly first: Instant | null;
  readonly last: Instant | null;
  readonly opened_at: Instant;
  readonly closed_at: Instant | null;
  readonly merged_into: string | null;
  readonly warnings: readonly string[];
  readonly blind_since: Instant | null;
  readonly blind_by: string | null;
  readonly routes: readonly string[];
  readonly causes: IncidentView['causes'];
  readonly held: readonly { readonly currency: string; readonly amount: string }[];
  readonly slips: number;
  readonly open: number;
  readonly repaired: number;
  readonly refunded: number;
  readonly open_cases: number;
  readonly withheld: number;
}

interface SlipRow {
  readonly slip_id: string;
  readonly provider: string | null;
  readonly route: string | null;
  readonly kind: string | null;
  readonly currency: string | null;
  readonly amount: string | null;
  readonly at: Instant;
  readonly deadline: Instant;
  readonly cause_class: string | null;
  readonly cause_code: string | null;
  readonly fate: Fate | 'waiting';
  readonly has_open_case: boolean;
}

export function createIncidentReads(unitOfWork: UnitOfWork): IncidentReads {
  return {
    async incidents({ status, provider }, from, pageSize) {
      const search = new Search();
      search.judge(status, (one) => `i.closed_at is ${one === 'open' ? '' : 'not '}null`);
      search.judge(provider, (one) => `i.side = ${search.place(one)}`);
      const incidents = { table: 'incident', alias: 'i', at: 'opened_at', id: 'id' };
      const page = search.lookedNewestFirst(incidents, from, pageSize);
      const direction = from?.back ? 'asc' : 'desc';
      const sql = `${viewOf(`(select * ${page})`, ', i.matched, i.is_edge')} order by i.opened_at ${direction}, i.id ${direction}`;
      const rows = await unitOfWork.query<ViewRow & Looked>(sql, search.parameters);
      return lookedPageOf(rows, from, pageSize, toView, ({ opened_at: at, id }) => ({ at, id }));
    },
    async incident(id) {
      const [row] = await unitOfWork.query<ViewRow>(oneSql, [id]);
      return row ? toView(row) : null;
    },
    async slips(id, from, pageSize) {
      const rows = await unitOfWork.query<SlipRow>(from?.back ? newerSlips : olderSlips, [
        ...[id, from?.at ?? null, from?.id ?? null, pageSize + 1],
      ]);
      return pageOf(rows.map(toSlip), from, pageSize, ({ at, slipId }) => ({ at, id: slipId }));
    },
  };
}

function toView(row: ViewRow): IncidentView {
  return {
    id: row.id,
    status: row.closed_at === null ? 'open' : 'closed',
    provider: row.side === ownSide ? null : row.side,
    since: row.first ?? row.since,
    until: row.last ?? row.until,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    mergedInto: row.merged_into,
    warnings: row.warnings,
    blindSince: row.blind_since,
    blindBy: row.blind_by,
    routes: row.routes,
    causes: row.causes,
    counts: {
      ...{ slips: row.slips, open: row.open, repaired: row.repaired, refunded: row.refunded },
      ...{ openCases: row.open_cases, withheld: row.withheld },
    },
    heldAmount: row.held.map(({ currency, amount }) => ({ amount: BigInt(amount), currency })),
  };
}

function toSlip(row: SlipRow): IncidentSlip {
  const { provider, route, kind, at, deadline, fate } = row;
  const amount: Money | null =
    row.currency === null ? null : { amount: BigInt(row.amount ?? 0), currency: row.currency };
  const cause =
    row.cause_class === null || row.cause_code === null
      ? null
      : { class: row.cause_class, code: row.cause_code };
  return {
    ...{ slipId: row.slip_id, provider, route, kind, amount, at, deadline, cause, fate },
    hasOpenCase: row.has_open_case,
  };
}

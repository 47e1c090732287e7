import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type { StoreTx } from '../../application/ports.ts';
import type { Unmatched, UnmatchedReason } from '../../application/unmatched.ts';

const saidMax = 2_000;

const unmatchedSql = `
with unmatched as (
  select 'callback' as kind, c.received_at, c.provider as sender, c.webhook_id as id, nullif(c.slip_id, '') as slip_id,
    null as reference, '${wallClock}' as clock,
    case when c.handled = 'unreadable' then 'unreadable' when d.slip_id is null then 'unknown_slip'
      when d.mode <> 'dispatched' or d.provider <> c.provider then 'other_provider' else 'not_sent' end as reason,
    c.body, null as data
  from callback c left join dispatch d on d.slip_id = c.slip_id
  where c.handled in ('orphan', 'unreadable')
  union all
  select 'report', p.received_at, p.caller, p.result_id, null, p.reference, p.clock,
    case when p.orphan_at is not null then 'no_slip' when exists (
        select 1 from dispatch d where d.caller = p.caller and d.reference = p.reference and d.mode = 'reported')
      then 'waits_for_hold' else 'waits_for_slip' end, null, p.data::text
  from parked_result p
  union all
  select 'statement_line', l.received_at, l.provider, l.day || ':' || l.line, l.slip_id, null, '${wallClock}',
    case when l.problem is not null then 'unreadable' when d.slip_id is null then 'unknown_slip'
      when d.mode <> 'dispatched' or d.provider <> l.provider then 'other_provider' else 'not_sent' end,
    null, coalesce(l.problem || ': ', '') || l.said
  from statement_line l left join dispatch d on d.slip_id = l.slip_id
)
select kind, received_at, sender, id, slip_id, reference, clock, reason, body, data,
  floor(extract(epoch from clock_timestamp() - received_at))::bigint as age_s
from unmatched
where ($1::text is null or kind = $1) and ($2::text is null or reason = $2) and ($3::text is null or sender = $3)
  and ($4::timestamptz is null or (received_at, kind, sender, id) > ($4, $5, $6, $7))
order by received_at, kind, sender, id limit $8`;

interface UnmatchedRow {
  kind: Unmatched['kind'];
  received_at: Instant;
  sender: string;
  id: string;
  slip_id: string | null;
  reference: string | null;
  clock: string;
  reason: UnmatchedReason;
  body: Buffer | null;
  data: string | null;
  age_s: string;
}

/** Asked by people alone: it reads all that has no slip. */
export function unmatched(tx: Tx): StoreTx['unmatched'] {
  return async (filter, after, limit) => {
    const rows = await tx.query<UnmatchedRow>(unmatchedSql, [
      ...[filter.kind, filter.reason, filter.sender],
      ...[after?.receivedAt ?? null, after?.kind ?? null, after?.sender ?? null, after?.id ?? null],
      limit + 1,
    ]);
    const data = rows.slice(0, limit).map(toUnmatched);
    const last = data.at(-1);
    if (rows.length <= limit || last === undefined) return { data, next: null };
    const { receivedAt, kind, sender, id } = last;
    return { data, next: { receivedAt, kind, sender, id } };
  };
}

function toUnmatched(row: UnmatchedRow): Unmatched {
  const { kind, reason, sender, id, reference, clock } = row;
  const said = row.data ?? row.body?.toString('utf8') ?? '';
  return {
    ...{ kind, reason, sender, id, reference, clock },
    slipId: row.slip_id,
    receivedAt: row.received_at,
    ageS: clock === wallClock ? Number(row.age_s) : null,
    said: said.slice(0, saidMax).toWellFormed(),
  };
}

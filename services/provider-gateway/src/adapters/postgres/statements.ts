import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { ClaimedStatement, StatementState, Statements } from '../../application/ports.ts';

const latestSql = 'select provider, max(day)::text as day from statement group by provider';

const addSql = `
insert into statement (provider, day)
select provider, day from unnest($1::text[], $2::date[]) as d(provider, day) on conflict do nothing`;

const claimSql = `
update statement s set tries = s.tries + 1, lease_until = clock_timestamp() + make_interval(secs => $2 / 1000.0)
where (s.provider, s.day) = (
  select provider, day from statement
  where provider = any($1) and read_at is null and next_at <= clock_timestamp()
    and (lease_until is null or lease_until < clock_timestamp())
  order by day, provider limit 1 for update skip locked)
returning provider, day::text, tries, digest, handled, unmatched`;

const mine = 'provider = $1 and day = $2::date and tries = $3 and read_at is null';

const holdSql = `select 1 from statement where ${mine} for update`;

const dayOfSql = `
select day::text from statement where provider = $1 and day <> $2::date and digest = $3 and handled > 0 order by day limit 1`;

const restartSql = `
with restarted as (
  update statement set digest = null, handled = 0, unmatched = 0 where ${mine} returning provider, day
)
delete from statement_line l using restarted r where l.provider = r.provider and l.day = r.day`;

const advanceSql = `
update statement set digest = $4, handled = $5, unmatched = $6,
  lease_until = clock_timestamp() + make_interval(secs => $7 / 1000.0)
where ${mine}`;

const finishSql = `
update statement set read_at = clock_timestamp(), lease_until = null, problem = null, digest = $4 where ${mine}`;

const putOffSql = `
update statement set lease_until = null, problem = $4, next_at = clock_timestamp() + make_interval(secs => $5 / 1000.0)
where ${mine}`;

const keepSql = `
insert into statement_line (provider, day, line, slip_id, received_at, said, problem)
select $1, $2::date, line, slip_id, clock_timestamp(), said, problem
from unnest($3::int[], $4::text[], $5::text[], $6::text[]) as w(line, slip_id, said, problem)
on conflict (provider, day, line) do update
  set slip_id = excluded.slip_id, said = excluded.said, problem = excluded.problem`;

const latestOfSql = `
select day::text, tries, handled as lines, unmatched, problem, next_at, read_at,
  case when read_at is not null then 'read' when lease_until > clock_timestamp() then 'reading' else 'due' end as status
from statement where provider = $1 order by day desc limit $2`;

interface StateRow {
  day: string;
  status: StatementState['status'];
  tries: number;
  lines: number;
  unmatched: number;
  problem: string | null;
  next_at: Instant;
  read_at: Instant | null;
}

/** A line may be any bytes that are text; PostgreSQL takes all but one. */
const storable = (text: string) => text.replaceAll('\0', '\ufffd').toWellFormed();

export function statements(tx: Tx): Statements {
  const place = ({ provider, day, tries }: ClaimedStatement) => [provider, day, tries];
  return {
    async latestDays() {
      const rows = await tx.query<{ provider: string; day: string }>(latestSql);
      return new Map(rows.map((row) => [row.provider, row.day]));
    },
    add(days) {
      tx.send(addSql, [days.map((one) => one.provider), days.map((one) => one.day)]);
    },
    async claim(providers, leaseMs) {
      const [row] = await tx.query<ClaimedStatement>(claimSql, [providers, leaseMs]);
      return row ?? null;
    },
    restart(claimed) {
      tx.send(restartSql, place(claimed));
    },
    async dayOf({ provider, day }, digest) {
      const [row] = await tx.query<{ day: string }>(dayOfSql, [provider, day, digest]);
      return row?.day ?? null;
    },
    async hold(claimed) {
      return (await tx.query(holdSql, place(claimed))).length > 0;
    },
    advance(claimed, { digest, handled, unmatched }, leaseMs) {
      tx.send(advanceSql, [...place(claimed), digest, handled, unmatched, leaseMs]);
    },
    finish(claimed, digest) {
      tx.send(finishSql, [...place(claimed), digest]);
    },
    putOff(claimed, problem, waitMs) {
      tx.send(putOffSql, [...place(claimed), storable(problem), waitMs]);
    },
    keep({ provider, day }, lines) {
      if (lines.length === 0) return;
      tx.send(keepSql, [
        ...[provider, day],
        lines.map((one) => one.line),
        lines.map((one) => one.slipId),
        lines.map((one) => storable(one.said)),
        lines.map((one) => one.problem),
      ]);
    },
    async latestOf(provider, limit) {
      const rows = await tx.query<StateRow>(latestOfSql, [provider, limit]);
      return rows.map(({ next_at, read_at, ...row }) => ({
        ...row,
        nextAt: read_at === null ? next_at : null,
        readAt: read_at,
      }));
    },
  };
}

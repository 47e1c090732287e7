import type { Tx } from '@slipstream/postgres';
import { namesLock } from './booked-slips.ts';

/** Those of which something was told that their lines do not show; whoever comes second does not wait. */
const toSettleSql = `select id from statement where has_told and due_at < 'infinity' order by id for update skip locked`;

/** Who writes slips holds this, too: a name that is kept now is looked for in all of them. */
const lockNamesSql = `select pg_advisory_xact_lock(${namesLock})`;

/** An older release told where a line stands, and not its number. */
const numberSql = (table: 'told_line' | 'statement_break') => `
update ${table} t set n = l.n from statement_line l
 where t.statement_id = any($1::uuid[]) and t.n is null and l.statement_id = t.statement_id and l.line = t.line`;
const numberLinesSql = numberSql('told_line');
const numberBreaksSql = `${numberSql('statement_break')} and t.kind <> 'gap'`;

/** What a line names that is of no slip of ours is looked for again. */
const nameSql = `
update statement_break k set is_named = true,
  names = array(select json_array_elements_text(l.named)) || array_remove(array[l.provider_reference], null)
  from statement_line l
 where k.statement_id = any($1::uuid[]) and k.kind = 'missing_here' and k.status <> 'resolved' and k.names is null
   and l.statement_id = k.statement_id and l.n = k.n`;

/** What the breaks of a line leave of it, our books and its fee explain. */
const settleSql = `
with told as (
  select statement_id, n, count(distinct slip_id) as slips, min(slip_id) as slip_id
    from told_line where statement_id = any($1::uuid[]) group by 1, 2
), broken as (
  select statement_id, n, coalesce(sum(difference) filter (where kind <> 'fee'), 0) as books,
      coalesce(sum(difference) filter (where kind = 'fee'), 0) as fees, bool_or(kind = 'missing_here') as is_of_none
    from statement_break where statement_id = any($1::uuid[]) and kind <> 'gap' group by 1, 2)
update statement_line l set is_told = true, slip_id = case when t.slips = 1 then t.slip_id else '' end,
  ours = case when b.is_of_none then 0 else l.gross - coalesce(b.books, 0) end,
  fee = case when b.is_of_none then 0 else l.amount - l.gross - coalesce(b.fees, 0) end
  from told t left join broken b on b.statement_id = t.statement_id and b.n = t.n
 where l.statement_id = t.statement_id and l.n = t.n`;

const settledSql = 'update statement set has_told = false where id = any($1::uuid[])';

/** A slip that is not read yet is counted for later. */
const countSql = `
with told as (
  update told_line t set is_counted = true from booked_slip b
   where not t.is_counted and t.slip_id is not null and b.slip_id = t.slip_id
  returning t.slip_id, t.paid, t.came_back
), sums as (
  select slip_id, sum(paid) as paid, sum(came_back) as came_back from told group by 1)
update booked_slip b set paid = b.paid + s.paid, came_back = b.came_back + s.came_back, named = true
  from sums s where b.slip_id = s.slip_id`;

/** Lets lines and slips show what the log told of lines; before any are matched. */
export async function settleTold(tx: Tx): Promise<void> {
  tx.send(countSql);
  const statements = (await tx.query<{ id: string }>(toSettleSql)).map(({ id }) => id);
  if (statements.length === 0) return;
  tx.send(lockNamesSql);
  for (const sql of [numberLinesSql, numberBreaksSql, nameSql, settleSql, settledSql])
    tx.send(sql, [statements]);
}

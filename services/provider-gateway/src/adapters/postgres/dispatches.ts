import type { Instant } from '@slipstream/kernel';
import { rowsOf, type Tx } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type { Dispatches, SlipReference } from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import {
  type DispatchRow,
  insertSql,
  newRows,
  toChanges,
  toDispatch,
  toRow,
  updateSql,
  writtenRows,
} from './dispatch-row.ts';

// The clock is read also where there is no row.
const lockSql = `
select clock_timestamp() as now, d.* from (select 1) as one
left join lateral (select * from dispatch where slip_id = any($1) order by slip_id for update) as d on true`;

const lockByReferenceSql = `
select d.* from dispatch d
where d.slip_id in (
  select m.slip_id from unnest($1::text[], $2::text[]) as w(caller, reference)
  join dispatch m on m.caller = w.caller and m.reference = w.reference)
order by d.slip_id for update`;

// Each provider has its own limit, so a slow one never takes the places of the others; of its slips the one whose deadline
// is nearest goes first, whatever came before it. A slip with an event among the
// dead letters is undetermined: that event may end its dispatch, so nothing is sent until it was read (rules 6 and 9).
const lockDueSql = `
select due.*, clock_timestamp() as now
from unnest($1::text[], $2::int[]) as p(id, free),
lateral (
  select d.* from dispatch d
  where d.provider = p.id and d.status = 'held' and d.next_at <= clock_timestamp() and d.deadline > clock_timestamp()
    and not exists (select 1 from parked_key k where k.consumer_group = 'provider-gateway'
      and k.topic = 'slips.events.v1' and k.partition = d.partition and k.key = d.slip_id)
  order by d.deadline limit p.free for update skip locked
) as due`;

const giveUpSql = `
update dispatch set next_at = null where slip_id in (
  select slip_id from dispatch where status = 'held' and next_at is not null and deadline <= $1
  limit $2 for update skip locked)
returning slip_id`;

const lockAbandonedSql = `
select *, clock_timestamp() as now from dispatch
where status = 'intended' and lease_until < clock_timestamp()
order by lease_until limit $1 for update skip locked`;

const lockOwnedSql = `
select *, clock_timestamp() as now from dispatch
where status = 'intended' and owner = $1 order by slip_id limit $2 for update`;

const openStatuses = `status in ('submitted', 'held', 'intended', 'unanswered', 'answered')
  and not closed_for_dispatch and clock = '${wallClock}'`;

const countOpenSql = `
select status, count(*) as n from dispatch where provider = $1 and ${openStatuses} group by status`;

const anyOpenSql = `select exists (select 1 from dispatch where ${openStatuses}) as open`;

const anyInHandSql = `
select exists (select 1 from dispatch where status = 'held' and next_at is not null)
  or exists (select 1 from dispatch where status = 'intended')
  or exists (select 1 from inquiry where status = 'due')
  or exists (select 1 from inquiry where status = 'asking')
  or exists (select 1 from parked_result where orphan_at is null) as "inHand"`;

const epoch: Instant = '1970-01-01T00:00:00.000000Z';

export function dispatches(tx: Tx): Dispatches {
  /** Rows that this transaction has locked: they exist, so they are only changed. */
  const locked = new Set<string>();
  const read = (row: DispatchRow): Dispatch => {
    locked.add(row.slip_id);
    return toDispatch(row);
  };
  return {
    async lock(slipIds) {
      const rows = await tx.query<DispatchRow & { now: Instant }>(lockSql, [slipIds]);
      const found = rows.filter((row) => row.slip_id !== null).map(read);
      return { now: latest(rows), rows: new Map(found.map((dispatch) => [dispatch.slipId, dispatch])) };
    },
    async lockByReference(references: readonly SlipReference[]) {
      if (references.length === 0) return [];
      const rows = await tx.query<DispatchRow>(lockByReferenceSql, [
        references.map((one) => one.caller),
        references.map((one) => one.reference),
      ]);
      return rows.map(read);
    },
    async lockDue(limits) {
      const rows = await tx.query<DispatchRow & { now: Instant }>(lockDueSql, [
        [...limits.keys()],
        [...limits.values()],
      ]);
      return { now: latest(rows), due: rows.map(read) };
    },
    async lockAbandoned(limit) {
      const rows = await tx.query<DispatchRow & { now: Instant }>(lockAbandonedSql, [limit]);
      return { now: latest(rows), abandoned: rows.map(read) };
    },
    async lockOwned(owner, limit) {
      const rows = await tx.query<DispatchRow & { now: Instant }>(lockOwnedSql, [owner, limit]);
      return { now: latest(rows), abandoned: rows.map(read) };
    },
    async save(dispatches: readonly Dispatch[]) {
      const { changed = [], added = [] } = Object.groupBy(dispatches, ({ slipId }) =>
        locked.has(slipId) ? 'changed' : 'added',
      );
      if (added.length > 0) tx.send(insertSql, newRows.parameters(rowsOf(added, toRow)));
      if (changed.length > 0) tx.send(updateSql, writtenRows.parameters(rowsOf(changed, toChanges)));
    },
    async giveUp(before, limit) {
      return (await tx.query(giveUpSql, [before, limit])).length;
    },
    async countOpen(provider) {
      const rows = await tx.query<{ status: string; n: string }>(countOpenSql, [provider]);
      return new Map(rows.map((row) => [row.status, Number(row.n)]));
    },
    async anyOpen() {
      const [row] = await tx.query<{ open: boolean }>(anyOpenSql);
      return row!.open;
    },
    async anyInHand() {
      const [row] = await tx.query<{ inHand: boolean }>(anyInHandSql);
      return row!.inHand;
    },
  };
}

/** The clock is read for each row; the latest reading is later than every condition that was checked. */
function latest(rows: readonly { readonly now: Instant }[]): Instant {
  return (
    rows
      .map((row) => row.now)
      .toSorted()
      .at(-1) ?? epoch
  );
}

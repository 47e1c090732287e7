import type { Instant } from '@slipstream/kernel';
import { rowsOf, type Tx } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type {
  Dispatches,
  ProofState,
  RouteLine,
  SharedReference,
  SlipReference,
} from '../../application/ports.ts';
import type { Dispatch } from '../../domain/dispatch/state.ts';
import {
  attemptParameters,
  type DispatchRow,
  dispatchRow,
  insertSql,
  newRows,
  saveAttemptsSql,
  toChanges,
  toDispatch,
  toRow,
  updateNamedSql,
  updateSql,
  writtenRows,
} from './dispatch-row.ts';

const disabledSql = '(select array_agg(provider) from provider_state where disabled)';
const distrustedSql = '(select array_agg(provider) from proof_switch where off)';

// The clock is read also where there is no row. What people decided about providers is read with it, a few rows at most: so it
// holds from the next transaction on, everywhere, and is looked for by nobody in between.
const lockSql = `
select clock_timestamp() as now, ${disabledSql} as disabled, ${distrustedSql} as distrusted, d.* from (select 1) as one
left join lateral (
  select ${dispatchRow} from dispatch d where d.slip_id = any($1) order by d.slip_id for update) as d on true`;

const lockByReferenceSql = `
select ${dispatchRow} from dispatch d
where d.slip_id in (
  select m.slip_id from unnest($1::text[], $2::text[]) as w(caller, reference)
  join dispatch m on m.caller = w.caller and m.reference = w.reference)
order by d.slip_id for update`;

// Neither went on by the word of who broke its promise since, nor waits behind a dead letter.
const maySend = `not (d.moved and exists (select 1 from attempt a join proof_switch s using (provider)
      where a.slip_id = d.slip_id and a.ended = 'unanswered' and s.off))
    and not exists (select 1 from parked_key k where k.consumer_group = 'provider-gateway'
      and k.topic = 'slips.events.v1' and k.partition = d.partition and k.key = d.slip_id)`;

// Each provider has its own limit, so a slow one never takes the places of the others; of its slips the one whose deadline
// is nearest goes first, whatever came before it. A slip with an event among the
// dead letters is undetermined: that event may end its dispatch, so nothing is sent until it was read (rules 6 and 9).
const lockDueSql = `
select due.*, clock_timestamp() as now
from unnest($1::text[], $2::int[]) as p(id, free),
lateral (
  select ${dispatchRow} from dispatch d
  where d.provider = p.id and d.status in ('held', 'unanswered') and d.next_at <= clock_timestamp() and d.deadline > clock_timestamp()
    and not exists (select 1 from provider_state s where s.provider = p.id and s.disabled)
    and ${maySend}
  order by d.deadline limit p.free for update skip locked
) as due`;

const giveUpSql = `
update dispatch set next_at = null where slip_id in (
  select slip_id from dispatch where status in ('held', 'unanswered') and next_at is not null and deadline <= $1
  limit $2 for update skip locked)
returning slip_id`;

const lockAbandonedSql = `
select ${dispatchRow}, clock_timestamp() as now, ${distrustedSql} as distrusted from dispatch d
where status = 'intended' and lease_until < clock_timestamp()
order by lease_until limit $1 for update skip locked`;

const lockOwnedSql = `
select ${dispatchRow}, clock_timestamp() as now, ${distrustedSql} as distrusted from dispatch d
where status = 'intended' and owner = $1 order by slip_id limit $2 for update`;

// Never sent, or provably not: only such a slip may be handed to another provider. By slip, as every row is locked.
const lockStuckSql = `
select ${dispatchRow}, clock_timestamp() as now from dispatch d
where d.status = 'held' and d.next_at is not null and d.slip_id in (
  select h.slip_id from unnest($1::text[], $2::text[]) as w(provider, route)
  join dispatch h on h.provider = w.provider and h.route = w.route
  where h.status = 'held' and h.next_at is not null and h.deadline > clock_timestamp()
  order by h.deadline limit $3)
order by d.slip_id for update skip locked`;

// Each provider has its own limit, as for calls. Now stands in a query of its own, which is asked once: compared with the clock row by
// row, all that is not due yet is read, too.
const claimPollsSql = `
with due as (
  select d.slip_id, p.lease_ms
  from unnest($1::text[], $2::int[], $3::int[]) as p(id, free, lease_ms),
  lateral (
    select slip_id from dispatch where provider = p.id and poll_at <= (select clock_timestamp())
    order by poll_at limit p.free for update skip locked
  ) as d
)
update dispatch d set poll_at = clock_timestamp() + make_interval(secs => w.lease_ms / 1000.0)
from due w where d.slip_id = w.slip_id
returning ${dispatchRow}, clock_timestamp() as now`;

const pollNowSql = `
with polled as (
update dispatch set poll_at = clock_timestamp()
where slip_id = $2 and provider = $1 and mode = 'dispatched' and status in ('answered', 'unanswered')
  and clock = '${wallClock}' and deadline > clock_timestamp() and not refunded
  and (poll_at is null or poll_at > clock_timestamp())
returning 1)
select exists (select 1 from polled) as "willBeAsked",
  exists (select 1 from dispatch where slip_id = $2 and provider = $1 and attempt > 0) as "hasIt"`;

const openStatuses = `status in ('submitted', 'held', 'intended', 'unanswered', 'answered')
  and not closed_for_dispatch and clock = '${wallClock}'`;

const countOpenSql = `
select status, count(*) as n from dispatch where provider = $1 and ${openStatuses} group by status`;

// An attempt that was begun is unknown until it is answered or proved; what may still prove it is the later of two NOT_FOUND, the
// first of them asked when the provider must have decided.
const countByProofSql = `
with open as (
  select * from dispatch where provider = $1 and ${openStatuses}
  union all
  select * from dispatch
  where provider = $1 and status = 'unanswered' and closed_for_dispatch and not refunded and clock = '${wallClock}'
), judged as (
  select route, currency, amount,
    case when status in ('submitted', 'held') and not sent_maybe then 'never_sent'
      when closed_for_dispatch and first_not_found_at is not null and not acknowledged and last_step is null
        then 'not_executed'
      else 'unknown' end as state,
    case when not acknowledged and last_step is null then greatest(clock_timestamp(),
      coalesce(first_not_found_at, not_after + $2::double precision * interval '1 millisecond')
        + (policy->>'quietPeriodMs')::double precision * interval '1 millisecond') end as certain_at
  from open
)
select state, route, currency, count(*) as slips, coalesce(sum(amount), 0)::text as amount,
  max(certain_at) filter (where state = 'unknown') as certain_by,
  count(*) filter (where state = 'unknown' and certain_at is null) as open
from judged group by state, route, currency order by state, route, currency`;

// Of each provider the nearest deadlines, as they are sent: who is not among so many has time.
const linesSql = `
select d.route, least(max(extract(epoch from clock_timestamp() - d.next_at)) * 1000, 2147483647)::int as "waitMs"
from unnest($1::text[]) as p(id), lateral (
  select d.route, d.next_at from dispatch d
  where d.provider = p.id and d.status = 'held' and d.next_at <= clock_timestamp() and d.deadline > clock_timestamp()
    and ${maySend}
  order by d.deadline limit 10000) as d
group by d.route`;

const anyOpenSql = `select exists (select 1 from dispatch where ${openStatuses}) as open`;

const anyInHandSql = `
select exists (select 1 from dispatch where status in ('held', 'unanswered') and next_at is not null)
  or exists (select 1 from dispatch where status = 'intended')
  or exists (select 1 from inquiry where status = 'due')
  or exists (select 1 from inquiry where status = 'asking')
  or exists (select 1 from dispatch where poll_at < (select clock_timestamp() + interval '5 seconds') and deadline > clock_timestamp())
  or exists (select 1 from parked_result where orphan_at is null) as "inHand"`;

interface ProofRow {
  state: ProofState;
  route: string;
  currency: string | null;
  slips: string;
  amount: string;
  certain_by: Instant | null;
  open: string;
}

interface Circumstances {
  now: Instant;
  disabled: string[] | null;
  distrusted: string[] | null;
}

type AbandonedRow = DispatchRow & Omit<Circumstances, 'disabled'>;

const epoch: Instant = '1970-01-01T00:00:00.000000Z';

/** @param hear gets the database's time whenever it is read with the slips */
export function dispatches(tx: Tx, hear: (now: Instant) => void): Dispatches {
  /** Rows that this transaction has locked: they exist, so they are only changed. With the provider's reference then. */
  const locked = new Map<string, string | null>();
  const read = (row: DispatchRow): Dispatch => {
    locked.set(row.slip_id, row.provider_reference);
    return toDispatch(row);
  };
  return {
    async lock(slipIds) {
      const rows = await tx.query<DispatchRow & Circumstances>(lockSql, [slipIds]);
      const found = rows.filter((row) => row.slip_id !== null).map(read);
      const now = latest(rows);
      hear(now);
      return {
        now,
        rows: new Map(found.map((dispatch) => [dispatch.slipId, dispatch])),
        disabled: new Set(rows[0]?.disabled),
        distrusted: new Set(rows[0]?.distrusted),
      };
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
      const rows = await tx.query<AbandonedRow>(lockAbandonedSql, [limit]);
      return { now: latest(rows), abandoned: rows.map(read), distrusted: new Set(rows[0]?.distrusted) };
    },
    async lockOwned(owner, limit) {
      const rows = await tx.query<AbandonedRow>(lockOwnedSql, [owner, limit]);
      return { now: latest(rows), abandoned: rows.map(read), distrusted: new Set(rows[0]?.distrusted) };
    },
    async lockStuck(places, limit) {
      const rows = await tx.query<DispatchRow & { now: Instant }>(lockStuckSql, [
        places.map((one) => one.provider),
        places.map((one) => one.route),
        limit,
      ]);
      return { now: latest(rows), stuck: rows.map(read) };
    },
    async save(dispatches: readonly Dispatch[]) {
      const { changed = [], added = [] } = Object.groupBy(dispatches, ({ slipId }) =>
        locked.has(slipId) ? 'changed' : 'added',
      );
      if (added.length > 0) tx.send(insertSql, newRows.parameters(rowsOf(added, toRow)));
      const moved = dispatches.filter(({ earlier }) => earlier.length > 0);
      if (moved.length > 0) tx.send(saveAttemptsSql, attemptParameters(moved));
      const named = changed.filter(
        ({ slipId, provider, providerReference }) =>
          provider !== null && providerReference !== null && locked.get(slipId) === null,
      );
      const parameters = writtenRows.parameters(rowsOf(changed, toChanges));
      if (named.length > 0) return sharedAmong(named, await tx.query<SharedRow>(updateNamedSql, parameters));
      if (changed.length > 0) tx.send(updateSql, parameters);
      return [];
    },
    async claimPolls(limits, leaseMs) {
      const providers = [...limits.keys()];
      const rows = await tx.query<DispatchRow & { now: Instant }>(claimPollsSql, [
        providers,
        [...limits.values()],
        providers.map((id) => leaseMs.get(id) ?? 1_000),
      ]);
      return { now: latest(rows), due: rows.map(read) };
    },
    async pollNow(provider, slipId) {
      const [row] = await tx.query<{ willBeAsked: boolean; hasIt: boolean }>(pollNowSql, [provider, slipId]);
      return row!;
    },
    async giveUp(before, limit) {
      return (await tx.query(giveUpSql, [before, limit])).length;
    },
    async countOpen(provider) {
      const rows = await tx.query<{ status: string; n: string }>(countOpenSql, [provider]);
      return new Map(rows.map((row) => [row.status, Number(row.n)]));
    },
    async countByProof(provider, acceptanceDelayMaxMs) {
      const rows = await tx.query<ProofRow>(countByProofSql, [provider, acceptanceDelayMaxMs]);
      return rows.map((row) => ({
        ...{ state: row.state, route: row.route, currency: row.currency },
        ...{ slips: Number(row.slips), amount: BigInt(row.amount) },
        ...{ certainBy: row.certain_by, open: Number(row.open) },
      }));
    },
    async lines(providers) {
      return tx.query<RouteLine>(linesSql, [providers]);
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

interface SharedRow {
  slip_id: string;
  other: string;
}

/** Those that another slip had before, and those that two slips get with this very transaction. */
function sharedAmong(named: readonly Dispatch[], rows: readonly SharedRow[]): SharedReference[] {
  const before = new Map(rows.map((row) => [row.slip_id, row.other]));
  const first = new Map<string, string>();
  return named.flatMap(({ slipId, provider, providerReference }) => {
    const key = `${provider}\n${providerReference}`;
    const other = before.get(slipId) ?? first.get(key);
    if (!first.has(key)) first.set(key, slipId);
    return other === undefined ? [] : [{ slipId, other }];
  });
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

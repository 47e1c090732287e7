import { partitionsDefault } from '@slipstream/contracts';
import { type Instant, instantFromMs, instantToMs, toldSums } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import { type IncidentsTurn, slotMs, type Tallied } from '../../application/incidents/ports.ts';
import type { Withheld } from '../../domain/incident/bulks.ts';
import { type Incident, ownSide, type Side, type Warning } from '../../domain/incident/decide.ts';
import type { Slot } from '../../domain/incident/segments.ts';
import type { ReturnsState } from '../../domain/returns/returns-watch.ts';

/** A slip that was missed alone so long ago begins no incident any more; one that was over or closed so long ago takes nothing in. */
const aloneMax = "interval '1 hour'";
const knownMax = "interval '1 day'";
/**
 * After the last slip was missed it takes the time of its way, and no less than this, to know that no more are. Of what people
 * withheld nothing more is waited for: it ends with its last case, and opens again should another come.
 */
const calmMin = "interval '10 s'";

/**
 * What every partition has judged: what is missed in only some of them shows gaps that are none. Null: one was never
 * judged.
 */
const judgedSql = `
select case when count(*) >= ${partitionsDefault} then min(judged_through) end from clock_progress where clock = '${wallClock}'`;

// A time stands in a query of its own, which is asked once: compared with the clock row by row, an index is read to its end.
const changedSql = `
select (select max(changed_at) from missed_slip) as missed,
       case when exists (select 1 from missed_slip where incident is null and missed_at > (select clock_timestamp() - ${aloneMax}))
         then (${judgedSql}) end as judged,
       (select version from returns_watch) as returns,
       exists (select 1 from incident where closed_at is null and blind_since is null) as open`;

const knownSql = `
select id, side, since, until, closed_at is null as open, warnings from incident
 where blind_since is null and merged_into is null
   and (closed_at is null or greatest(until, closed_at) > clock_timestamp() - ${knownMax})`;

/**
 * Of no more than a day, however long ago an incident began that is still open: what was dispatched is not counted for ever, and where
 * the counts are gone, everything would look missed.
 */
const slotsSql = `
with earliest as (
  select least(
    (select min(at) from missed_slip where incident is null and missed_at > (select clock_timestamp() - ${aloneMax})),
    (select min(since) from incident where closed_at is null and blind_since is null)) as at
), since as (
  select greatest(at, clock_timestamp() - ${knownMax}) as at from earliest where at is not null
), missed as (
  select side, floor(extract(epoch from m.at))::bigint as slot, count(*)::int as missed
    from missed_slip m, since where m.at >= since.at and m.deadline <= (${judgedSql}) group by 1, 2
), counted as (
  select provider, slot, slips from dispatch_count, since where slot >= floor(extract(epoch from since.at))
  union all
  select s.provider, s.slot / 2, s.slips
    from since, returns_seen r, json_to_recordset(r.steps) as s(kind text, provider text, slot bigint, slips int)
   where s.kind = 'dispatched' and s.slot / 2 >= floor(extract(epoch from since.at))
), dispatched as (
  select provider as side, slot, sum(slips)::int as dispatched from counted group by 1, 2
  union all
  select '', slot, sum(slips)::int from counted group by 1, 2
)
select coalesce(m.side, d.side) as side, coalesce(m.slot, d.slot) as slot, coalesce(d.dispatched, 0) as dispatched,
       coalesce(m.missed, 0) as missed
  from missed m full join dispatched d using (side, slot)
 where coalesce(m.side, d.side) in (select side from missed)`;

/** Of no more than a day, as all that belongs to one; by the minute. */
const withheldSql = `
select extract(epoch from min(withheld_at)) * 1000 as first, extract(epoch from max(withheld_at)) * 1000 as last,
       floor(extract(epoch from min(at))) as from, floor(extract(epoch from max(at))) as until
  from missed_slip where withheld_at > (select clock_timestamp() - ${knownMax}) and side = '${ownSide}'
 group by date_trunc('minute', withheld_at)`;

const keepSql = `
insert into incident (id, side, since, until, warnings) values ($1, $2, $3, $4, $5)
on conflict (id) do update set
  since = excluded.since, until = excluded.until, closed_at = null, warnings = excluded.warnings`;

const takeInSql = `
update missed_slip set incident = $1
 where side = $2 and at >= $3 and at < $4 and (incident is null or incident = any($5::text[]))`;

const mergeSql =
  'update incident set closed_at = clock_timestamp(), merged_into = $1 where id = any($2::text[])';

const endedSql = `
update incident i set closed_at = clock_timestamp()
 where closed_at is null and blind_since is null
   and not exists (select 1 from json_array_elements_text(i.warnings) as w(id) where w.id = any($1::text[]))
   and not exists (select 1 from missed_slip m where m.incident = i.id and (m.fate = 'open' or m.has_open_case))
   and coalesce((select max(m.missed_at) + case when bool_or(m.withheld_at is not null) then ${calmMin}
         else greatest(${calmMin}, max(m.deadline - m.at)) end from missed_slip m
     where m.incident = i.id), i.opened_at + ${calmMin}) < clock_timestamp()
returning id`;

const tallySql = `
select i.id, i.side, i.since, i.until, i.closed_at is null as open, i.warnings, c.*
  from incident i,
  lateral (select count(*)::int as slips, count(*) filter (where fate = 'returned')::int as returned,
      count(*) filter (where fate = 'refunded')::int as refunded from missed_slip where incident = i.id) c
 where i.id = any($1::text[]) order by i.id`;

const atRiskSql = `
select currency, sum(amount)::text as amount from missed_slip
 where incident = $1 and fate = 'open' and currency is not null group by 1 order by 1`;

interface Row {
  readonly id: string;
  readonly side: Side;
  readonly since: Instant;
  readonly until: Instant;
  readonly open: boolean;
  readonly warnings: readonly string[];
}

type TallyRow = Row & { readonly slips: number; readonly returned: number; readonly refunded: number };

export interface IncidentStoreParts {
  /** The id of the ReturnsFalling that was told of it. */
  warningId(kind: 'falling', provider: string, route: string, foundAt: Instant): string;
}

/** What may have changed, asked outside of any transaction. */
export async function changedIncidents(unitOfWork: UnitOfWork): Promise<string> {
  const [row] = await unitOfWork.query<{ open: boolean }>(changedSql);
  // Whether an open one can be closed depends on the time, too.
  return JSON.stringify(row!.open ? [row, performance.now()] : row);
}

/** What the one that decides about incidents does in its transaction. */
export function incidentsTurn(
  tx: Tx,
  { warningId }: IncidentStoreParts,
  publish: IncidentsTurn['publish'],
): IncidentsTurn {
  return {
    publish,
    async evidence() {
      const known = await tx.query<Row>(knownSql);
      const rows = await tx.query<Slot & { side: Side }>(slotsSql);
      const counts = rows.map(({ side, slot, ...rest }) => ({ side, slot: Number(slot), ...rest }));
      const [kept] = await tx.query<{ state: ReturnsState }>('select state from returns_watch');
      const lanes = Object.values(kept?.state.lanes ?? {});
      const warnings = lanes.flatMap(({ provider, route, falling }): Warning[] => {
        if (falling === null) return [];
        const id = warningId('falling', provider, route, instantFromMs(falling.foundAt));
        return [{ id, provider, since: slotOf(falling.since), foundAt: slotOf(falling.foundAt) }];
      });
      const withheld = (await tx.query<Record<keyof Withheld, string>>(withheldSql)).map(
        ({ first, last, from, until }): Withheld => ({
          ...{ first: Number(first), last: Number(last), from: Number(from), until: Number(until) },
        }),
      );
      const slots = Map.groupBy(counts, ({ side }) => side);
      return { known: known.map(toIncident), slots, warnings, withheld };
    },
    async keep(incident, merged) {
      const { id, side, from, until, warnings } = incident;
      const before = merged.length > 0 ? await tally(merged) : [];
      const [since, end, next] = [from, until, until + 1].map((slot) => instantFromMs(slot * slotMs));
      await tx.query(keepSql, [id, side, since, end, JSON.stringify(warnings)]);
      await tx.query(takeInSql, [id, side, since, next, [...merged]]);
      if (merged.length > 0) await tx.query(mergeSql, [id, [...merged]]);
      const [now] = await tally([id]);
      return { now: now!, merged: before };
    },
    async closeEnded(standing) {
      const ended = await tx.query<{ id: string }>(endedSql, [[...standing]]);
      return ended.length === 0 ? [] : tally(ended.map(({ id }) => id));
    },
  };

  async function tally(ids: readonly string[]): Promise<Tallied[]> {
    const rows = await tx.query<TallyRow>(tallySql, [[...ids]]);
    const tallied: Tallied[] = [];
    for (const row of rows) {
      const money = await tx.query<{ currency: string; amount: string }>(atRiskSql, [row.id]);
      const { since, until, slips, returned, refunded } = row;
      const atRisk = toldSums(money.map(({ currency, amount }) => ({ currency, amount: BigInt(amount) })));
      tallied.push({ incident: toIncident(row), since, until, slips, returned, refunded, atRisk });
    }
    return tallied;
  }
}

function toIncident({ id, side, since, until, open, warnings }: Row): Incident {
  const [from, end] = [since, until].map((at) => slotOf(instantToMs(at)));
  return { id, side, from: from!, until: end!, isOpen: open, warnings };
}

function slotOf(ms: number): number {
  return Math.floor(ms / slotMs);
}

import type { Tx } from '@slipstream/postgres';
import { type PendingEvent, type PendingOpsEvent, wallClock } from '@slipstream/slip';
import { v5 } from 'uuid';
import type {
  KeptLine,
  KeptSlip,
  Matched,
  MatchingStatement,
  MatchTurn,
  NamedLine,
  NamedMatch,
  SlipLines,
  ToldOfSlip,
} from '../../application/statements/ports.ts';
import type { FoundBreak, GivenBack } from '../../domain/statement/breaks.ts';
import type { Day, StatementLine } from '../../domain/statement/statement.ts';
import { type BookedRow, namesLock, slipColumns, toKeptSlip } from './booked-slips.ts';
import {
  awaited,
  breakOpened,
  type ClosedRow,
  eventsOf,
  type KeptBreak,
  matchedEvent,
  type Place,
  type Places,
  toldAfterAll,
  wantedOf,
} from './break-events.ts';
import { closeOvertaken } from './repairs.ts';

/** UUIDv5 namespace of breaks: found again after a crash, a break is the same one. */
const breakNamespace = '7c1f4e1e-2a0b-5c7d-9d55-1f0c3a6b8e42';

/** A provider's statements one after the other: matched at once, two that tell of one slip would each take it for unpaid. */
const claimSql = `
select id, provider, source, phase, after_n, after_slip, booked_from::text as booked_from, booked_to::text as booked_to
  from statement s
 where status = 'accepted' and source = any($1::text[]) and due_at <= clock_timestamp() and not exists (
   select 1 from json_each_text(s.read_to) as r(partition, next_offset)
     left join booked_through b on b.partition = r.partition::int
    where coalesce(b.next_offset, 0) < r.next_offset::bigint)
   and not exists (
   select 1 from statement e where e.status = 'accepted' and e.provider = s.provider and e.source = any($1::text[]) and e.due_at < 'infinity'
     and (e.accepted_at, e.id) < (s.accepted_at, s.id))
 order by accepted_at limit 1 for update skip locked`;

const lineColumns = `l.n, l.line, l.account, l.kind, l.amount, l.gross, l.currency, l.booked_on::text as booked_on, l.named::text as named,
  l.provider_reference, l.outcome, l.reason, l.said`;

const linesSql = `select ${lineColumns} from statement_line l where l.statement_id = $1 and l.n > $2 and not l.is_told order by l.n limit $3`;

const namedSql = `
select ${slipColumns} from booked_slip b where b.provider = $1 and b.slip_id = any($2::text[])
union select ${slipColumns} from booked_slip b where b.provider = $1 and b.reference = any($2::text[])
union select ${slipColumns} from booked_slip b where b.provider = $1 and b.provider_reference = any($3::text[])`;

const resolveSql = `
update statement_line l set slip_id = r.slip_id from unnest($2::int[], $3::text[]) as r(n, slip_id)
where l.statement_id = $1 and l.n = r.n`;

/** Slips in their order, each with all its lines of which nothing is told. */
const slipsSql = `
with page as (
  select distinct slip_id from statement_line where statement_id = $1 and slip_id > $2 and not is_told order by slip_id limit $3)
select ${slipColumns}, ${lineColumns}
  from page p join booked_slip b on b.slip_id = p.slip_id
  join statement_line l on l.statement_id = $1 and l.slip_id = p.slip_id and not l.is_told
 order by b.slip_id, l.n`;

/** What returned before any statement of the provider is known cannot be missed. Locked, so that no other outcome is read meanwhile. */
const unpaidSql = `
select ${slipColumns} from booked_slip b
 where b.provider = $1 and b.outcome = 'succeeded' and not b.named and b.returned_on <= $2::date
   and b.returned_on >= (select min(booked_from) from statement where provider = $1) and b.slip_id > $3
   and not exists (select 1 from statement_break k where k.slip_id = b.slip_id and k.kind = 'missing_there' and k.status <> 'resolved')
 order by b.slip_id limit $4 for update of b`;

const explainSql = `
update statement_line l set ours = r.ours, fee = r.fee
  from unnest($2::int[], $3::bigint[], $4::bigint[]) as r(n, ours, fee)
 where l.statement_id = $1 and l.n = r.n`;

const tellSql = `
update booked_slip b set paid = b.paid + r.paid, came_back = b.came_back + r.came_back, named = true
  from unnest($1::text[], $2::numeric[], $3::numeric[]) as r(slip_id, paid, came_back) where b.slip_id = r.slip_id`;

const openSql = `
insert into statement_break (id, kind, statement_id, provider, n, line, slip_id, currency, difference, expected, seen, awaited, wanted, names,
  status, opened_at, given_back, resolved_at, resolution)
select r.id, r.kind, $1, $2, r.n, r.line, r.slip_id, r.currency, r.difference, r.expected, r.seen, r.awaited, r.wanted,
  case when r.kind = 'missing_here' then (
    select array(select json_array_elements_text(l.named)) || array_remove(array[l.provider_reference], null)
      from statement_line l where l.statement_id = $1 and l.n = r.n) end,
  case when r.is_repaired then 'resolved' else 'open' end, clock_timestamp(), r.is_repaired,
  case when r.is_repaired then clock_timestamp() end, case when r.is_repaired then 'told' end
  from unnest($3::uuid[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[],
    $13::text[], $14::bool[])
    as r(id, kind, n, line, slip_id, currency, difference, expected, seen, awaited, wanted, is_repaired)
on conflict (id) do nothing
returning id`;

/** A line that has it after all: what was missing, or the rest of what was paid in part. */
const foundSql = `
update statement_break k set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'told'
  from booked_slip b
 where k.slip_id = any($1::text[]) and k.status <> 'resolved' and b.slip_id = k.slip_id and (k.kind = 'missing_there'
   or (k.kind = 'amount' and k.slip_id = any($2::text[]) and k.statement_id <> $3
     and sign(k.difference) = case when b.kind = 'payout' then 1 else -1 end))
returning k.id, k.kind, k.slip_id, b.partition`;

/** Of a slip's payments that came once more, the first of that amount; people may have resolved its break before. */
const giveBackSql = `
with one as (
  select id, status from statement_break
   where slip_id = $1 and kind = 'duplicate' and difference = $2::bigint and not given_back order by opened_at, id limit 1 for update)
update statement_break k set given_back = true, status = 'resolved', resolved_at = coalesce(k.resolved_at, clock_timestamp()),
  resolution = coalesce(k.resolution, 'told')
  from one, booked_slip b where k.id = one.id and b.slip_id = k.slip_id
returning k.id, k.kind, k.slip_id, b.partition, one.status <> 'resolved' as "wasOpen"`;

/** Not beside a statement of the provider that is being matched: both would take a slip for unpaid. */
const namedLinesSql = `
select k.id as break_id, k.statement_id, s.provider, s.source, ${lineColumns}
  from statement_break k
  join statement s on s.id = k.statement_id and s.source = any($1::text[])
  join statement_line l on l.statement_id = k.statement_id and l.n = k.n
 where k.is_named and k.status <> 'resolved'
   and not exists (select 1 from statement e where e.status = 'accepted' and e.provider = s.provider and e.due_at < 'infinity')
 order by k.opened_at, k.n limit $2 for update of k skip locked`;

const lockNamesSql = `select pg_advisory_xact_lock(${namesLock})`;

/** A slip that was written between the look for it and the lock. */
const namedMeanwhileSql = `
update statement_break k set is_named = true
 where k.id = any($1::uuid[]) and exists (
   select 1 from booked_slip b where b.slip_id = any(k.names)
   union all select 1 from booked_slip b where b.reference = any(k.names)
   union all select 1 from booked_slip b where b.provider_reference = any(k.names))`;

const lookedAtSql = 'update statement_break set is_named = false where id = any($1::uuid[])';

const repairSql = `
update statement_break set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'repaired' where id = any($1::uuid[])`;

const toldMatchSql =
  'select slip_id from told_line where statement_id = $1 and n = $2 and slip_id is not null limit 1';

const placesSql =
  'select n, line, booked_on::text as booked_on from statement_line where statement_id = $1 and n = any($2::int[])';

const advanceSql =
  'update statement set phase = $2, after_n = $3, after_slip = $4, tries = 0, problem = null where id = $1';
const matchedSql = `
update statement set status = 'matched', matched_at = clock_timestamp(), tries = 0, problem = null where id = $1`;

interface LineRow {
  readonly n: number;
  readonly line: number;
  readonly account: number;
  readonly kind: StatementLine['kind'];
  readonly amount: string;
  readonly gross: string;
  readonly currency: string;
  readonly booked_on: Day;
  readonly named: string;
  readonly provider_reference: string | null;
  readonly outcome: StatementLine['outcome'];
  readonly reason: string | null;
  readonly said: string;
}

export function matchTurn(
  tx: Tx,
  publish: (tx: Tx, events: readonly PendingEvent[]) => void,
  publishOps: (tx: Tx, event: PendingOpsEvent) => void,
): MatchTurn {
  async function keepFound(
    { breakId, statement, line }: NamedLine,
    { slip, matching, told }: NonNullable<NamedMatch['found']>,
  ): Promise<void> {
    const { slipId, partition } = slip;
    tx.send(repairSql, [[breakId]]);
    const resolved = (slip: string) => {
      const about = { breakId, kind: 'missing_here', statement: statement.id, provider: statement.provider };
      const data = { ...about, resolution: 'repaired', slip, by: null, reason: null };
      publishOps(tx, { subject: statement.id, event: { type: 'StatementBreakResolved', data } });
    };
    // Matched by what the log told; that its break was closed was not told.
    const [before] = await tx.query<{ slip_id: string }>(toldMatchSql, [statement.id, line.n]);
    if (before !== undefined) return resolved(before.slip_id);
    tx.send(resolveSql, [statement.id, [line.n], [slipId]]);
    tell(tx, new Map([[slipId, told]]));
    const lines = await fileLines(tx, statement, matching.matches);
    const events = matching.matches.map((match) => matchedEvent(statement, match, lines.get(match.line)!));
    publish(
      tx,
      events.map((event) => ({ slipId, partition, clock: wallClock, receivedAt: null, event })),
    );
    publish(tx, await closeFound(tx, statement, [slipId], [slip]));
    resolved(slipId);
  }
  return {
    async claim(sources) {
      const [row] = await tx.query<{
        id: string;
        provider: string;
        source: string;
        phase: MatchingStatement['phase'];
        after_n: number;
        after_slip: string;
        booked_from: Day | null;
        booked_to: Day | null;
      }>(claimSql, [sources]);
      if (!row) return null;
      const {
        after_n: afterN,
        after_slip: afterSlip,
        booked_from: bookedFrom,
        booked_to: bookedTo,
        ...rest
      } = row;
      return { ...rest, afterN, afterSlip, bookedFrom, bookedTo };
    },
    async linesAfter({ id, afterN }, limit) {
      return (await tx.query<LineRow>(linesSql, [id, afterN, limit])).map(toLine);
    },
    async named(provider, references, providerReferences) {
      return (await tx.query<BookedRow>(namedSql, [provider, references, providerReferences])).map(
        toKeptSlip,
      );
    },
    resolve({ id }, lines) {
      if (lines.length > 0)
        tx.send(resolveSql, [id, lines.map(({ n }) => n), lines.map(({ slipId }) => slipId)]);
    },
    async slipsAfter({ id, afterSlip }, limit) {
      const rows = await tx.query<BookedRow & LineRow>(slipsSql, [id, afterSlip, limit]);
      const groups = Map.groupBy(rows, (row) => row.slip_id);
      return [...groups.values()].map(
        (all): SlipLines => ({ slip: toKeptSlip(all[0]!), lines: all.map(toLine) }),
      );
    },
    async unpaidAfter({ provider, afterSlip }, through, limit) {
      return (await tx.query<BookedRow>(unpaidSql, [provider, through, afterSlip, limit])).map(toKeptSlip);
    },
    async keep(matched) {
      const { statement, matchings, slips, told, paidUp } = matched;
      const explained = matchings.flatMap((one) => one.explained);
      const fees = new Map(slips.map(({ slipId, fee }) => [slipId, fee]));
      const breaks = matchings
        .flatMap((one) => one.breaks)
        .map((found): KeptBreak => {
          const fee = fees.get(found.slipId ?? '') ?? null;
          return { ...found, id: breakId(statement, found), wanted: wantedOf(found, fee) };
        });
      const nameless = breaks.filter(({ type }) => type === 'missing_here');
      // Before any lock on a slip: who writes slips takes it first, too.
      if (nameless.length > 0) tx.send(lockNamesSql);
      tx.send(explainSql, [
        statement.id,
        explained.map(({ line }) => line),
        explained.map(({ ours }) => ours.toString()),
        explained.map(({ fee }) => fee.toString()),
      ]);
      tell(tx, told);
      const lines = await fileLines(tx, statement, [...breaks, ...matchings.flatMap((one) => one.matches)]);
      const opened = await openBreaks(tx, matched, breaks, lines);
      if (nameless.length > 0) tx.send(namedMeanwhileSql, [nameless.map(({ id }) => id)]);
      publish(tx, eventsOf(matched, opened, lines));
      for (const found of opened)
        if (found.slipId === null) publishOps(tx, breakOpened(statement, found, lines));
      publish(tx, await closeFound(tx, statement, [...told.keys()], paidUp));
      for (const { givenBack = [] } of matchings)
        for (const one of givenBack) publish(tx, await closeGivenBack(tx, one));
      // From here on no outcome is written of the slips that are told, which are locked: now it is known what overtook this page.
      publish(
        tx,
        await closeOvertaken(
          tx,
          slips.filter(({ slipId }) => told.has(slipId)),
        ),
      );
    },
    async namedLines(sources, limit) {
      const rows = await tx.query<NamedLineRow>(namedLinesSql, [sources, limit]);
      return rows.map(
        (row): NamedLine => ({
          breakId: row.break_id,
          statement: { id: row.statement_id, provider: row.provider, source: row.source },
          line: toLine(row),
        }),
      );
    },
    async keepNamed(matches) {
      if (matches.length === 0) return;
      tx.send(lookedAtSql, [matches.map(({ named }) => named.breakId)]);
      for (const { named, found } of matches) if (found !== null) await keepFound(named, found);
    },
    advance({ id }, to) {
      if (to === 'matched') tx.send(matchedSql, [id]);
      else tx.send(advanceSql, [id, to.phase, to.afterN, to.afterSlip]);
    },
  };
}

/** While they are matched, lines are told apart by their number: in some files all stand on one line. */
function toLine(row: LineRow): KeptLine {
  return {
    ...{ n: row.n, line: row.n, account: row.account, kind: row.kind, currency: row.currency },
    ...{ amount: BigInt(row.amount), gross: BigInt(row.gross), bookedOn: row.booked_on, reason: row.reason },
    references: JSON.parse(row.named) as string[],
    ...{ providerReference: row.provider_reference, outcome: row.outcome, text: row.said },
  };
}

interface NamedLineRow extends LineRow {
  readonly break_id: string;
  readonly statement_id: string;
  readonly provider: string;
  readonly source: string;
}

function tell(tx: Tx, told: ReadonlyMap<string, ToldOfSlip>): void {
  const tells = [...told];
  tx.send(tellSql, [
    tells.map(([slipId]) => slipId),
    tells.map(([, { paid }]) => paid.toString()),
    tells.map(([, { cameBack }]) => cameBack.toString()),
  ]);
}

/** Where lines stand in the file, by their numbers. */
async function fileLines(
  tx: Tx,
  { id }: Pick<MatchingStatement, 'id'>,
  told: readonly { readonly line: number | null }[],
): Promise<ReadonlyMap<number | null, Place>> {
  const numbers = [...new Set(told.map(({ line }) => line))].filter((line) => line !== null);
  if (numbers.length === 0) return new Map();
  const rows = await tx.query<Place & { n: number }>(placesSql, [id, numbers]);
  return new Map(rows.map(({ n, ...place }) => [n, place]));
}

function breakId({ id }: MatchingStatement, { type, slipId, line }: FoundBreak): string {
  return v5(`${id}|${line ?? ''}|${type}|${slipId ?? ''}`, breakNamespace);
}

/** Gives those that are new: what the log told is kept already. */
async function openBreaks(
  tx: Tx,
  { statement: { id, provider } }: Matched,
  breaks: readonly KeptBreak[],
  lines: Places,
): Promise<readonly KeptBreak[]> {
  if (breaks.length === 0) return [];
  const rows = await tx.query<{ id: string }>(openSql, [
    ...[id, provider],
    breaks.map((one) => one.id),
    breaks.map(({ type }) => type),
    breaks.map(({ line }) => line),
    breaks.map(({ line }) => lines.get(line)?.line ?? null),
    breaks.map(({ slipId }) => slipId),
    breaks.map(({ currency }) => currency),
    breaks.map(({ difference }) => difference.toString()),
    breaks.map(({ expected }) => expected),
    breaks.map(({ seen }) => seen),
    breaks.map(({ type }) => awaited[type] ?? null),
    breaks.map(({ wanted }) => wanted),
    breaks.map(({ isRepaired = false }) => isRepaired),
  ]);
  const opened = new Set(rows.map((row) => row.id));
  return breaks.filter((one) => opened.has(one.id));
}

/** What was missing, or the rest of it, is told by this statement: its break closes itself. */
async function closeFound(
  tx: Tx,
  { id }: Pick<MatchingStatement, 'id'>,
  named: readonly string[],
  paidUp: readonly KeptSlip[],
): Promise<PendingEvent[]> {
  if (named.length === 0) return [];
  const paid = paidUp.map(({ slipId }) => slipId);
  const rows = await tx.query<ClosedRow>(foundSql, [named, paid, id]);
  return rows.map(toldAfterAll);
}

async function closeGivenBack(tx: Tx, { slipId, amount }: GivenBack): Promise<PendingEvent[]> {
  const rows = await tx.query<ClosedRow & { wasOpen: boolean }>(giveBackSql, [slipId, amount.toString()]);
  return rows.filter(({ wasOpen }) => wasOpen).map(toldAfterAll);
}

import type { Tx } from '@slipstream/postgres';
import { type PendingEvent, type SlipEvent, wallClock } from '@slipstream/slip';
import { v5 } from 'uuid';
import type {
  KeptLine,
  KeptSlip,
  Matched,
  MatchingStatement,
  MatchTurn,
  SlipLines,
} from '../../application/statements/ports.ts';
import type { BreakType, FoundBreak, LineMatch } from '../../domain/statement/breaks.ts';
import type { Day, StatementLine } from '../../domain/statement/statement.ts';
import { type BookedRow, slipColumns, toKeptSlip } from './booked-slips.ts';
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
   select 1 from statement e where e.status = 'accepted' and e.provider = s.provider and e.source = any($1::text[])
     and (e.accepted_at, e.id) < (s.accepted_at, s.id))
 order by accepted_at limit 1 for update skip locked`;

const lineColumns = `l.n, l.line, l.account, l.kind, l.amount, l.gross, l.currency, l.booked_on::text as booked_on, l.named::text as named,
  l.provider_reference, l.outcome, l.reason, l.said`;

const linesSql = `select ${lineColumns} from statement_line l where l.statement_id = $1 and l.n > $2 order by l.n limit $3`;

const namedSql = `
select ${slipColumns} from booked_slip b where b.provider = $1 and b.slip_id = any($2::text[])
union select ${slipColumns} from booked_slip b where b.provider = $1 and b.reference = any($2::text[])
union select ${slipColumns} from booked_slip b where b.provider = $1 and b.provider_reference = any($3::text[])`;

const resolveSql = `
update statement_line l set slip_id = r.slip_id from unnest($2::int[], $3::text[]) as r(n, slip_id)
where l.statement_id = $1 and l.n = r.n`;

/** Slips in their order, each with all its lines. */
const slipsSql = `
with page as (
  select distinct slip_id from statement_line where statement_id = $1 and slip_id > $2 order by slip_id limit $3)
select ${slipColumns}, ${lineColumns}
  from page p join booked_slip b on b.slip_id = p.slip_id
  join statement_line l on l.statement_id = $1 and l.slip_id = p.slip_id
 order by b.slip_id, l.n`;

/** What returned before any statement of the provider is known cannot be missed. */
const unpaidSql = `
select ${slipColumns} from booked_slip b
 where b.provider = $1 and b.outcome = 'succeeded' and not b.named and b.returned_on <= $2::date
   and b.returned_on >= (select min(booked_from) from statement where provider = $1) and b.slip_id > $3
   and not exists (select 1 from statement_break k where k.slip_id = b.slip_id and k.kind = 'missing_there' and k.status <> 'resolved')
 order by b.slip_id limit $4`;

const explainSql = `
update statement_line l set ours = r.ours, fee = r.fee
  from unnest($2::int[], $3::bigint[], $4::bigint[]) as r(n, ours, fee)
 where l.statement_id = $1 and l.n = r.n`;

const tellSql = `
update booked_slip b set paid = b.paid + r.paid, came_back = b.came_back + r.came_back, named = true
  from unnest($1::text[], $2::numeric[], $3::numeric[]) as r(slip_id, paid, came_back) where b.slip_id = r.slip_id`;

const openSql = `
insert into statement_break (id, kind, statement_id, provider, n, line, slip_id, currency, difference, expected, seen, awaited, wanted, status,
  opened_at)
select r.id, r.kind, $1, $2, r.n, r.line, r.slip_id, r.currency, r.difference, r.expected, r.seen, r.awaited, r.wanted, 'open', clock_timestamp()
  from unnest($3::uuid[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[],
    $13::text[]) as r(id, kind, n, line, slip_id, currency, difference, expected, seen, awaited, wanted)
on conflict (id) do nothing`;

/** A statement that has it after all. */
const foundSql = `
update statement_break set status = 'resolved', resolved_at = clock_timestamp(), resolution = 'told'
 where slip_id = any($1::text[]) and kind = 'missing_there' and status <> 'resolved' returning id, kind, slip_id`;

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

export function matchTurn(tx: Tx, publish: (tx: Tx, events: readonly PendingEvent[]) => void): MatchTurn {
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
      const { statement, matchings, slips, told } = matched;
      const explained = matchings.flatMap((one) => one.explained);
      tx.send(explainSql, [
        statement.id,
        explained.map(({ line }) => line),
        explained.map(({ ours }) => ours.toString()),
        explained.map(({ fee }) => fee.toString()),
      ]);
      const tells = [...told];
      tx.send(tellSql, [
        tells.map(([slipId]) => slipId),
        tells.map(([, { paid }]) => paid.toString()),
        tells.map(([, { cameBack }]) => cameBack.toString()),
      ]);
      const breaks = matchings
        .flatMap((one) => one.breaks)
        .map((found) => ({ ...found, id: breakId(statement, found) }));
      const lines = await fileLines(tx, statement, [...breaks, ...matchings.flatMap((one) => one.matches)]);
      openBreaks(tx, statement, breaks, lines);
      publish(tx, eventsOf(matched, breaks, lines));
      publish(tx, await closeFound(tx, slips, [...told.keys()]));
      // From here on no outcome is written of the slips that are told, which are locked: now it is known what overtook this page.
      publish(
        tx,
        await closeOvertaken(
          tx,
          slips.filter(({ slipId }) => told.has(slipId)),
        ),
      );
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

interface Place {
  readonly line: number;
  readonly booked_on: Day;
}

/** Where lines stand in the file, by their numbers. */
async function fileLines(
  tx: Tx,
  { id }: MatchingStatement,
  told: readonly { readonly line: number | null }[],
): Promise<ReadonlyMap<number | null, Place>> {
  const numbers = [...new Set(told.map(({ line }) => line))].filter((line) => line !== null);
  if (numbers.length === 0) return new Map();
  const rows = await tx.query<Place & { n: number }>(placesSql, [id, numbers]);
  return new Map(rows.map(({ n, ...place }) => [n, place]));
}

type KeptBreak = FoundBreak & { readonly id: string };
type Places = ReadonlyMap<number | null, Place>;

function breakId({ id }: MatchingStatement, { type, slipId, line }: FoundBreak): string {
  return v5(`${id}|${line ?? ''}|${type}|${slipId ?? ''}`, breakNamespace);
}

/** Of these the log would have told, had it happened here. */
const awaited: Readonly<Partial<Record<BreakType, SlipEvent['type']>>> = {
  status: 'SlipReturned',
  amount: 'SlipReturned',
  currency: 'SlipReturned',
  fee: 'SlipReturned',
  missing_here: 'SlipSubmitted',
};

function openBreaks(
  tx: Tx,
  { id, provider }: MatchingStatement,
  breaks: readonly KeptBreak[],
  lines: Places,
): void {
  if (breaks.length === 0) return;
  tx.send(openSql, [
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
    breaks.map(wantedOf),
  ]);
}

/** What the slip's outcome must become for the break to close itself. */
function wantedOf({ type, seen }: FoundBreak): string | null {
  if (type !== 'status') return null;
  if (seen === 'failed' || seen === 'void') return seen;
  return seen === 'came back' ? 'failed' : 'succeeded';
}

function eventsOf(
  { statement, matchings, slips }: Matched,
  breaks: readonly KeptBreak[],
  lines: Places,
): PendingEvent[] {
  const partitions = new Map(slips.map(({ slipId, partition }) => [slipId, partition]));
  const about = (slipId: string, event: SlipEvent): PendingEvent => ({
    ...{ slipId, partition: partitions.get(slipId)!, clock: wallClock, receivedAt: null, event },
  });
  const matches = matchings.flatMap((one) => one.matches);
  return [
    ...matches.map((match) => about(match.slipId, matchedEvent(statement, match, lines.get(match.line)!))),
    ...breaks.flatMap(({ id, type, slipId, line, difference, currency, expected, seen }) =>
      slipId === null
        ? []
        : about(slipId, {
            type: 'BreakOpened',
            data: {
              ...{ breakId: id, kind: type, statement: statement.id, line: lines.get(line)?.line ?? null },
              ...{ difference, currency, expected, seen, awaited: awaited[type] ?? null },
            },
          }),
    ),
  ];
}

function matchedEvent({ id, provider }: MatchingStatement, match: LineMatch, place: Place): SlipEvent {
  const { outcome, reason, amount, currency, fee, providerReference } = match;
  return {
    type: 'StatementLineMatched',
    data: {
      ...{ statement: id, line: place.line, provider, outcome, reason, providerReference },
      amount: amount === null || amount === 0n ? null : { amount, currency },
      fee: fee === null ? null : { amount: fee, currency },
      bookedOn: place.booked_on,
    },
  };
}

/** What was missing there is told by this statement: its break closes itself. */
async function closeFound(
  tx: Tx,
  slips: readonly KeptSlip[],
  named: readonly string[],
): Promise<PendingEvent[]> {
  if (named.length === 0) return [];
  const rows = await tx.query<{ id: string; kind: BreakType; slip_id: string }>(foundSql, [named]);
  const partitions = new Map(slips.map(({ slipId, partition }) => [slipId, partition]));
  return rows.map(({ id, kind, slip_id: slipId }) => ({
    ...{ slipId, partition: partitions.get(slipId)!, clock: wallClock, receivedAt: null },
    event: {
      type: 'BreakResolved',
      data: { breakId: id, kind, resolution: 'told', repairedBy: null, by: null, reason: null },
    },
  }));
}

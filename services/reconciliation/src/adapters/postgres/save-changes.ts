import type { Tx } from '@slipstream/postgres';
import type { Change } from '../../application/advance.ts';
import { type Place, placeOf } from '../../domain/watch/watched-slip.ts';
import { saveCases } from './case-files.ts';
import { type Counts, countsOf } from './counts.ts';
import { saveMissed } from './missed-slips.ts';
import { archivedColumns, watchedColumns } from './row.ts';

/** The sets of slips are disjoint or in different tables, so their order in the one statement means nothing. */
const saveSql = `
with unwatched as (
  delete from open_slip where slip_id = any($13::text[])
), unarchived as (
  delete from archived_slip where slip_id = any($14::text[])
), archived as (
  insert into archived_slip (slip_id, partition, verdict, state, observations)
  select * from unnest($15::text[], $16::int[], $17::text[], $18::text[], $19::text[])
  on conflict (slip_id) do update set state = excluded.state, observations = excluded.observations
), counted as (
  insert into clock_progress (clock, partition, slips, in_time, overdue, not_returned)
  select c.clock, $26, c.slips, c.in_time, c.overdue, c.not_returned
    from unnest($20::text[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[])
      as c(clock, slips, in_time, overdue, not_returned)
   where $25
  on conflict (clock, partition) do update set
    slips = clock_progress.slips + excluded.slips, in_time = clock_progress.in_time + excluded.in_time,
    overdue = clock_progress.overdue + excluded.overdue,
    not_returned = clock_progress.not_returned + excluded.not_returned
)
insert into open_slip (slip_id, partition, clock, deadline, due_at, verdict, awaits_hold, next_step, next_step_at,
  state, observations, late_at)
select * from unnest($1::text[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bool[],
  $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::timestamptz[])
on conflict (slip_id) do update set
  deadline = excluded.deadline, due_at = excluded.due_at, verdict = excluded.verdict, awaits_hold = excluded.awaits_hold, next_step = excluded.next_step,
  next_step_at = excluded.next_step_at, state = excluded.state, observations = excluded.observations,
  late_at = excluded.late_at`;

/**
 * Writes the changes of one partition: a statement for slips and counts, and one more when cases changed. `together`: as {@link saveCases}.
 */
export async function saveChanges(tx: Tx, changes: readonly Change[], together = true): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const moves = changes.map((change) => ({ change, from: from(change), to: placeOf(change.slip) }));
  const counts = countsOf(changes);
  // A new slip that is forgotten at once was never written.
  if (moves.some(({ from, to }) => from !== 'forgotten' || to !== 'forgotten') || counts.length > 0) {
    await saveSlips(tx, first.slip.partition, moves, counts);
  }
  await saveCases(tx, changes, together);
  saveMissed(tx, changes);
}

interface Move {
  readonly change: Change;
  readonly from: Place;
  readonly to: Place;
}

function from({ before }: Change): Place {
  return before === null ? 'forgotten' : placeOf(before);
}

async function saveSlips(
  tx: Tx,
  partition: number,
  moves: readonly Move[],
  counts: readonly Counts[],
): Promise<void> {
  const slipsTo = (place: Place) =>
    sorted(moves.filter(({ to }) => to === place).map(({ change }) => change.slip));
  const idsLeaving = (place: Place) =>
    moves
      .filter(({ from, to }) => from === place && to !== place)
      .map(({ change }) => change.slip.state.slipId);
  tx.send(saveSql, [
    ...watchedColumns(slipsTo('watched')),
    idsLeaving('watched'),
    idsLeaving('archived'),
    ...archivedColumns(slipsTo('archived')),
    counts.map(({ clock }) => clock),
    counts.map(({ slips }) => slips),
    counts.map(({ inTime }) => inTime),
    counts.map(({ overdue }) => overdue),
    counts.map(({ notReturned }) => notReturned),
    counts.length > 0,
    partition,
  ]);
}

function sorted(slips: readonly Change['slip'][]): Change['slip'][] {
  return slips.toSorted((a, b) => (a.state.slipId < b.state.slipId ? -1 : 1));
}

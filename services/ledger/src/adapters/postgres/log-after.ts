import type { UnitOfWork } from '@slipstream/postgres';
import { fits } from '../../application/fits.ts';
import type { EventFilter, LogStretch } from '../../application/queries.ts';
import { atOneMoment } from './at-one-moment.ts';
import { type EventRow, toLogged } from './logged-events.ts';
import { conditionsOf, type Place } from './slip-filter.ts';
import { type SlipRow, slipColumns, toViews } from './slip-views.ts';

/** Events of one partition in a stretch, so that all of them come on alike. */
const perPartitionMax = 100;

interface Row extends Omit<EventRow, 'bytes'> {
  partition: number;
  kafka_offset: string;
  slip_id: string;
  /** null: not asked for. */
  bytes: Buffer | null;
  /** The row of its slip is an older release's: it does not tell by whom the slip came, nor on which route. */
  untold: boolean;
}

/** What the log has from these places on, a bounded number of events of each partition; in the order of each partition. */
export async function logAfter(
  unitOfWork: UnitOfWork,
  filter: EventFilter,
  from: readonly number[],
): Promise<LogStretch> {
  const parameters: unknown[] = [from, perPartitionMax];
  const place: Place = (value) => `$${parameters.push(value)}`;
  const { slips, caller, terms, clock } = filter;
  const conditions = conditionsOf({ clock: '', terms, metadata: [], caller }, place);
  if (clock !== null) conditions.push(`slip.clock = ${place(clock)}`);
  if (slips.length > 0) conditions.push(`slip.id = any(${place(slips)}::text[])`);
  const rows = await unitOfWork.query<Row>(
    `select l.partition, l.kafka_offset, l.slip_id, l.version, case when ${['true', ...conditions].join(' and ')} then l.bytes end as bytes,
       slip.first_offset is null as untold
     from unnest($1::bigint[]) with ordinality as p(start, n), lateral (
       select e.partition, e.kafka_offset, e.slip_id, e.version, e.bytes from event_log e
       where e.partition = p.n - 1 and e.kafka_offset >= p.start order by e.kafka_offset limit $2::int) as l
     join slip on slip.id = l.slip_id
     order by l.partition, l.kafka_offset`,
    parameters,
  );
  const until = [...from];
  for (const { partition, kafka_offset } of rows) until[partition] = Number(kafka_offset) + 1;
  const strange = await strangeAmong(unitOfWork, filter, rows);
  const events = rows.flatMap((row) => {
    const { partition, bytes, slip_id } = row;
    if (bytes === null || strange.has(slip_id)) return [];
    const event = toLogged({ ...row, bytes }, slip_id);
    if (filter.types.length > 0 && !filter.types.includes(event.type)) return [];
    return [{ ...event, partition, offset: Number(row.kafka_offset) }];
  });
  return { events, until };
}

const slipsSql = `select ${slipColumns} from slip where id = any($1::text[])`;

/** Slips of rows that do not tell whether they were asked for, and were not. */
async function strangeAmong(
  unitOfWork: UnitOfWork,
  { terms, caller }: EventFilter,
  rows: readonly Row[],
): Promise<ReadonlySet<string>> {
  const routes = terms.filter(({ field }) => field === 'route');
  const untold = new Set(
    rows.flatMap(({ slip_id, bytes, untold: is }) => (is && bytes !== null ? slip_id : [])),
  );
  if (untold.size === 0 || (caller === null && routes.length === 0)) return new Set();
  const views = await atOneMoment(unitOfWork, async (tx) =>
    toViews(tx, await tx.query<SlipRow>(slipsSql, [[...untold]])),
  );
  const asked = { terms: routes, metadata: [], caller };
  return new Set(views.flatMap((view) => (fits(view, asked, {}) ? [] : view.state.slipId)));
}

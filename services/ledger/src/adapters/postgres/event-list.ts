import { readEnvelope } from '@slipstream/contracts';
import { type PageOf, type PageRequest, pageBetween, traceIdOf } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { EventListFilter, ListedEvent } from '../../application/queries.ts';
import { receivedBefore } from './ends-before.ts';
import { readInIndexOrder } from './in-index-order.ts';
import { logEnds, readEnds, writeEnds } from './log-ends.ts';
import { toLogged } from './logged-events.ts';
import { conditionsOf, type Place } from './slip-filter.ts';
import { type AskedRow, strangeAmong, untoldAmong } from './strange-slips.ts';

/** Events of a partition that a page looks at. */
const examinedMax = 5_000;
/** Those that are read where only their envelopes tell whether they were asked for. */
const decodedMax = 1_000;
/** Slips whose events are gathered by their own index; those of more are come upon in the log soon. */
const gatheredSlipsMax = 1_000;

interface Row extends AskedRow {
  readonly partition: number;
  readonly kafka_offset: string;
  readonly version: string;
  readonly clock: string;
  /** Its place among the events that this stretch looks at. */
  readonly examined: string;
}

/** A part of the log that one statement reads: a partition, or the events of some slips. */
type Stretch = { readonly partition: number } | { readonly slips: readonly string[] };

/**
 * A page of the log, partition by partition and by offset, up to where each ended when the first page was read: that stands in the keys,
 * behind the place. All in one snapshot of the database.
 */
export async function eventPage(
  tx: Tx,
  filter: EventListFilter,
  { limit, from }: PageRequest,
): Promise<PageOf<ListedEvent>> {
  const known = from?.key[2] ?? writeEnds(await logEnds(tx));
  const ends = readEnds(known);
  const slips = await slipsAskedFor(tx, filter);
  const earlier = slips === null ? await receivedBefore(tx, filter) : nothing;
  readInIndexOrder(tx);
  const found: ListedEvent[] = [];
  let edge: Row | null = null;
  for (const stretch of stretchesOf(slips, ends.length, from)) {
    const most = isToldByEnvelopes(filter) ? decodedMax : limit + 1 - found.length;
    const { sql, parameters } = searchFor(filter, stretch, { ends, earlier, from, most });
    const rows = await tx.query<Row>(sql, parameters);
    found.push(...(await listed(tx, filter, rows)));
    const last = rows.at(-1);
    const wasCut = last && (rows.length === most || Number(last.examined) === examinedMax);
    if (wasCut) edge = last;
    if (wasCut || found.length > limit) break;
  }
  const shown = found.slice(0, limit);
  const keyOf = ({ partition, offset }: ListedEvent) => [String(partition), String(offset), known];
  const isFull = found.length > limit;
  const atEdge = edge && [String(edge.partition), edge.kafka_offset, known];
  const behind = isFull ? keyOf(shown.at(-1)!) : atEdge;
  return pageBetween(shown, from, shown[0] ? keyOf(shown[0]) : null, behind);
}

/** The events of a few slips by their own index, else partition after partition from where the page starts. */
function* stretchesOf(
  slips: readonly string[] | null,
  partitions: number,
  from: PageRequest['from'],
): Generator<Stretch> {
  if (slips !== null) return yield { slips };
  const step = from?.side === 'before' ? -1 : 1;
  const first = from === null ? 0 : Number(from.key[0]);
  for (let partition = first; partition >= 0 && partition < partitions; partition += step)
    yield { partition };
}

/** Whether only the envelopes tell which events were asked for. */
const isToldByEnvelopes = ({ receivedFrom, receivedTo }: EventListFilter): boolean =>
  receivedFrom !== undefined || receivedTo !== undefined;

const nothing: ReadonlyMap<number, number> = new Map();

/** A bounded number of slips, among which are all that can fit; null: any, or too many to gather. */
async function slipsAskedFor(
  tx: Pick<Tx, 'query'>,
  { slips, terms }: EventListFilter,
): Promise<readonly string[] | null> {
  if (slips.length > 0) return slips;
  for (const column of ['reference', 'account'] as const) {
    const term = terms.find(({ field, isNot }) => field === column && !isNot);
    if (!term) continue;
    const sql = `select id from slip where ${column} = any($1::text[]) limit $2`;
    const rows = await tx.query<{ id: string }>(sql, [term.values, gatheredSlipsMax + 1]);
    if (rows.length <= gatheredSlipsMax) return rows.map(({ id }) => id);
  }
  return null;
}

interface Within {
  readonly ends: readonly number[];
  /** Up to this offset a partition has nothing that is asked for. */
  readonly earlier: ReadonlyMap<number, number>;
  readonly from: PageRequest['from'];
  /** Rows that it gives at most. */
  readonly most: number;
}

/** Reads events in the order of the log until enough match or enough were looked at; the last one that was looked at is given too. */
function searchFor(filter: EventListFilter, stretch: Stretch, { ends, earlier, from, most }: Within) {
  const parameters: unknown[] = [];
  const place: Place = (value) => `$${parameters.push(value)}`;
  const direction = from?.side === 'before' ? 'desc' : 'asc';
  const order = (table: string) => `${table}.partition ${direction}, ${table}.kafka_offset ${direction}`;
  const looked =
    'slips' in stretch
      ? `select e.* from unnest(${place(stretch.slips)}::text[]) as asked(id), lateral (
           select ${logColumns} from event_log e where e.slip_id = asked.id offset 0) as e`
      : `select ${logColumns} from event_log e`;
  const within =
    'slips' in stretch ? placesOfSlips : placesOfPartition(stretch.partition, earlier.get(stretch.partition));
  const { clock, terms, caller, types, trace } = filter;
  const conditions = [
    ...conditionsOf({ clock: '', terms, metadata: [], caller }, place),
    ...(clock === null ? [] : [`slip.clock = ${place(clock)}`]),
    ...(types.length === 0 ? [] : [bytesHave(place(types))]),
    ...(trace === null ? [] : [bytesHave(place([trace]))]),
  ];
  const sql = `
select partition, kafka_offset, slip_id, version, clock, case when matched then bytes end as bytes, untold, examined from (
  select l.*, slip.clock, slip.first_offset is null as untold, (${['true', ...conditions].join(' and ')}) is true as matched,
         row_number() over (order by ${order('l')}) as examined
  from (${looked} where ${within(place, ends, from).join(' and ')} order by ${order('e')} limit ${examinedMax}) as l
    left join lateral (select s.* from slip s where s.id = l.slip_id offset 0) as slip on true) as one
where matched or examined = ${examinedMax} order by ${order('one')} limit ${most}`;
  return { sql, parameters };
}

const logColumns = 'e.partition, e.kafka_offset, e.slip_id, e.version, e.bytes';

/** Texts stand in an event's bytes as they are: what does not have one of them need not be read. */
const bytesHave = (texts: string): string =>
  `exists (select from unnest(${texts}::text[]) as t(word) where position(convert_to(t.word, 'UTF8') in l.bytes) > 0)`;

type Places = (place: Place, ends: readonly number[], from: PageRequest['from']) => string[];

const placesOfSlips: Places = (place, ends, from) => {
  const bounds = [`e.kafka_offset < coalesce((${place(ends)}::bigint[])[e.partition + 1], 0)`];
  if (from === null) return bounds;
  const [partition, offset] = from.key;
  const sign = from.side === 'before' ? '<' : '>';
  return [
    ...bounds,
    `(e.partition, e.kafka_offset) ${sign} (${place(partition)}::int, ${place(offset)}::bigint)`,
  ];
};

const placesOfPartition =
  (partition: number, earlier: number | undefined): Places =>
  (place, ends, from) => {
    const bounds = [
      `e.partition = ${place(partition)}::int`,
      `e.kafka_offset < ${place(ends[partition])}::bigint`,
      ...(earlier === undefined ? [] : [`e.kafka_offset > ${place(earlier)}::bigint`]),
    ];
    if (from === null || Number(from.key[0]) !== partition) return bounds;
    const sign = from.side === 'before' ? '<' : '>';
    return [...bounds, `e.kafka_offset ${sign} ${place(from.key[1])}::bigint`];
  };

/** Those of the rows that were asked for, as their envelopes tell it. */
async function listed(
  tx: Pick<Tx, 'query'>,
  filter: EventListFilter,
  rows: readonly Row[],
): Promise<ListedEvent[]> {
  const strange = await strangeAmong(tx, filter, untoldAmong(filter, rows));
  return rows.flatMap(({ bytes, slip_id, partition, kafka_offset, version, clock }) => {
    if (bytes === null || strange.has(slip_id)) return [];
    const { traceparent } = readEnvelope(bytes);
    const event = {
      ...toLogged({ version, bytes }, slip_id),
      ...{ partition, offset: Number(kafka_offset), clock, traceId: traceIdOf(traceparent) },
    };
    return isAskedFor(event, filter) ? [event] : [];
  });
}

function isAskedFor(
  { type, traceId, receivedTime }: ListedEvent,
  { types, trace, receivedFrom, receivedTo }: EventListFilter,
): boolean {
  if (types.length > 0 && !types.includes(type)) return false;
  if (trace !== null && traceId !== trace) return false;
  if (receivedFrom !== undefined && receivedTime < receivedFrom) return false;
  return receivedTo === undefined || receivedTime < receivedTo;
}

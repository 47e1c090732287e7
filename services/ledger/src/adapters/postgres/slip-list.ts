import { readEnvelope, slipEventOf } from '@slipstream/contracts';
import { isSlipstreamError, type PageOf, type PageRequest, pageBetween } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { fits } from '../../application/fits.ts';
import type { SlipFilter, SlipView } from '../../application/queries.ts';
import { readInIndexOrder } from './in-index-order.ts';
import { logEnds, readEnds, writeEnds } from './log-ends.ts';
import { branchesOf, conditionsOf, type Place } from './slip-filter.ts';
import { taggedSlips } from './slip-tags.ts';
import { type SlipRow, slipColumns, toViews } from './slip-views.ts';

/** Slips that a page looks at: in their rows, and where only their events tell whether they fit. */
const examinedMax = 10_000;
const foldedMax = 1_000;

interface FoundRow extends SlipRow {
  /** Its place among the slips that this page looks at. */
  examined: string;
  matched: boolean;
}

/**
 * A page of slips, with what it stops at in its keys: the slips that were known when the first page was read, by how far each
 * partition of the log had been handled. All in one snapshot of the database.
 */
export async function slipPage(
  tx: Tx,
  filter: SlipFilter,
  order: 'asc' | 'desc',
  page: PageRequest,
): Promise<PageOf<SlipView>> {
  const known = page.from?.key[2] ?? writeEnds(await logEnds(tx));
  const among = await taggedSlips(tx, filter, examinedMax);
  readInIndexOrder(tx);
  const search = searchFor(filter, order, page, known, among);
  const rows = await tx.query<FoundRow>(search.sql, search.parameters);
  const matching = rows.filter(({ matched }) => matched);
  const views = await toViews(tx, matching);
  const metadata = filter.metadata.length === 0 ? null : await metadataOf(tx, views);
  const found = matching
    .map((row, n) => ({ row, view: views[n]! }))
    .filter(({ view }) => fits(view, filter, metadata?.get(view.state.slipId) ?? {}));
  const shown = found.slice(0, page.limit);
  const keyOf = (row: SlipRow) => [row.listed_at, row.id, known];
  const last = rows.at(-1);
  const wasCut =
    last !== undefined && (rows.length === search.limit || Number(last.examined) === search.examinedMax);
  const behind = found.length > page.limit ? shown.at(-1)!.row : wasCut ? last : null;
  const [first] = shown;
  const items = shown.map(({ view }) => view);
  return pageBetween(items, page.from, first ? keyOf(first.row) : null, behind && keyOf(behind));
}

interface Search {
  readonly sql: string;
  readonly parameters: unknown[];
  /** Rows that it gives at most, and slips that it looks at. */
  readonly limit: number;
  readonly examinedMax: number;
}

/**
 * Reads slips in their order, each of the branches by its index, until enough match or enough were looked at. The last one that
 * was looked at is given too: from there the next page goes on.
 * `among`: those that can match; null: any.
 */
export function searchFor(
  filter: SlipFilter,
  order: 'asc' | 'desc',
  { limit, from }: PageRequest,
  known: string,
  among: readonly string[] | null = null,
): Search {
  const parameters: unknown[] = [];
  const place: Place = (value) => `$${parameters.push(value)}`;
  const isFolded = needsEvents(filter);
  const max = isFolded ? foldedMax : examinedMax;
  const direction = (order === 'asc') === (from?.side !== 'before') ? 'asc' : 'desc';
  const sorted = (table: string) => `${table}.listed_at ${direction}, ${table}.id ${direction}`;
  const bounds = ['true'];
  if (from !== null) {
    const [listedAt, id] = from.key;
    const sign = direction === 'asc' ? '>' : '<';
    bounds.push(`(slip.listed_at, slip.id) ${sign} (${place(listedAt)}::timestamptz, ${place(id)}::text)`);
  }
  const branches = among === null ? inTime(branchesOf(filter, place), filter, place) : ['true'];
  const table = among === null ? 'slip' : slipsAmong(place(among));
  const parts = branches.map((branch) => {
    const where = [...bounds, branch].join(' and ');
    // By the time alone, with all that have the last one: so much of the order every index has, and nothing is sorted that is not given.
    const first = `order by slip.listed_at ${direction} fetch first ${max} rows with ties`;
    return `select * from (select slip.* from ${table} where ${where} ${first}) as part`;
  });
  const ends = place(readEnds(known));
  const matches = [
    `slip.clock = ${place(filter.clock)}`,
    `(slip.first_offset is null or slip.first_offset < coalesce((${ends}::bigint[])[slip.partition + 1], 0))`,
    ...conditionsOf(filter, place),
  ].join(' and ');
  const rows = isFolded ? max : limit + 1;
  const sql = `
select ${slipColumns}, examined, matched from (
  select slip.*, (${matches}) is true as matched from (
    select slip.*, row_number() over (order by ${sorted('slip')}) as examined from (
      ${parts.join('\n      union all ')}
      order by listed_at ${direction}, id ${direction} limit ${max}) as slip) as slip) as slip
where matched or examined = ${max} order by ${sorted('slip')} limit ${rows}`;
  return { sql, parameters, limit: rows, examinedMax: max };
}

/** By their keys, however few they seem to be to the planner. */
const slipsAmong = (ids: string): string =>
  `unnest(${ids}::text[]) as tagged(id), lateral (select s.* from slip s where s.id = tagged.id offset 0) as slip`;

/**
 * By the time of the submission, which for few slips is another one than that of their first event: those have an index of their own, and
 * whatever else is asked of them is judged when they were read.
 */
function inTime(
  branches: readonly string[],
  { clock, submittedFrom, submittedTo }: SlipFilter,
  place: Place,
): string[] {
  if (submittedFrom === undefined && submittedTo === undefined) return [...branches];
  const confirmed = `slip.clock = ${place(clock)} and slip.confirmed_at is not null`;
  const [within, outside]: [string[], string[]] = [[], []];
  const split = (time: string, inside: string, beyond: string) => {
    const at = `${place(time)}::timestamptz`;
    within.push(`slip.listed_at ${inside} ${at}`);
    outside.push(`${confirmed} and slip.listed_at ${beyond} ${at}`);
  };
  if (submittedFrom !== undefined) split(submittedFrom, '>=', '<');
  if (submittedTo !== undefined) split(submittedTo, '<', '>=');
  return [...branches.map((branch) => [branch, ...within].join(' and ')), ...outside];
}

/** Whether rows do not tell it. */
function needsEvents({ terms, metadata }: SlipFilter): boolean {
  if (metadata.length > 0) return true;
  return terms.some(
    ({ field, values }) =>
      field === 'provider_reference' || (field === 'lacks' && values.includes('provider_reference')),
  );
}

/** Submissions are among a slip's first events. */
const firstEventsSql = `
select slip_id, bytes from event_log where slip_id = any($1::text[]) and version <= 8 order by slip_id, version`;

/** What submitters wrote beside their slips. */
async function metadataOf(
  tx: Tx,
  views: readonly SlipView[],
): Promise<Map<string, Readonly<Record<string, string>>>> {
  const ids = views.map(({ state }) => state.slipId);
  const rows = await tx.query<{ slip_id: string; bytes: Buffer }>(firstEventsSql, [ids]);
  const found = new Map<string, Readonly<Record<string, string>>>();
  for (const { slip_id, bytes } of rows) {
    const metadata = found.has(slip_id) ? null : metadataIn(bytes);
    if (metadata !== null) found.set(slip_id, metadata);
  }
  return found;
}

function metadataIn(bytes: Buffer): Readonly<Record<string, string>> | null {
  try {
    const event = slipEventOf(readEnvelope(bytes))?.event;
    if (event?.type !== 'SlipSubmitted' && event?.type !== 'SlipDrafted') return null;
    return event.data.details?.clear?.metadata ?? null;
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}

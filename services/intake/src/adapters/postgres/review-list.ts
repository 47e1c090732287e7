import { type Instant, type PageOf, type PageRequest, pageBetween } from '@slipstream/kernel';
import type { UnitOfWork } from '@slipstream/postgres';
import type { ListedReview, ReviewFilter } from '../../application/ports.ts';
import { type ReviewRow, toListed } from './review-rows.ts';
import { clockSql, reviewColumns } from './statements.ts';

/** Reviews that a page looks at. */
const examinedMax = 5_000;

interface FoundRow extends ReviewRow {
  /** Its place among those that this page looks at. */
  readonly examined: string;
  readonly matched: boolean;
}

/** A page of reviews, the oldest first, and what time it is. Whoever asks for few among many gets what lies among so many, and where to go on. */
export async function reviewPage(
  unitOfWork: Pick<UnitOfWork, 'query'>,
  filter: ReviewFilter,
  page: PageRequest,
): Promise<PageOf<ListedReview> & { readonly now: Instant }> {
  const { sql, parameters } = searchFor(filter, page);
  const rows = await unitOfWork.query<FoundRow>(sql, parameters);
  const matching = rows.filter(({ matched }) => matched);
  const shown = matching.slice(0, page.limit);
  const last = rows.at(-1);
  const wasCut = last !== undefined && Number(last.examined) === examinedMax;
  const behind = matching.length > page.limit ? shown.at(-1)! : wasCut ? last : null;
  const found = pageBetween(
    shown.map(toListed),
    page.from,
    shown[0] ? keyOf(shown[0]) : null,
    behind && keyOf(behind),
  );
  const [first] = rows;
  return { ...found, now: first ? first.now : await readNow(unitOfWork) };
}

const keyOf = ({ requested_at, slip_id }: ReviewRow): readonly string[] => [requested_at, slip_id];

async function readNow(unitOfWork: Pick<UnitOfWork, 'query'>): Promise<Instant> {
  const [row] = await unitOfWork.query<{ now: Instant }>(clockSql);
  return row!.now;
}

/** By its index until enough match or enough were looked at; the last one that was looked at is given too: from there the next page goes on. */
function searchFor({ status, route, kind, account, maker, claimedBy }: ReviewFilter, page: PageRequest) {
  const parameters: unknown[] = [];
  const place = (value: unknown) => `$${parameters.push(value)}`;
  const [sign, direction] = page.from?.side === 'before' ? ['<', 'desc'] : ['>', 'asc'];
  const sorted = `order by r.requested_at ${direction}, r.slip_id ${direction}`;
  const within = [`r.status = ${place(status)}`];
  if (page.from !== null) {
    const [requestedAt, slipId] = page.from.key;
    const from = `(${place(requestedAt)}::timestamptz, ${place(slipId)}::uuid)`;
    within.push(`(r.requested_at, r.slip_id) ${sign} ${from}`);
  }
  const asked = Object.entries({ route, kind, account, maker, claimed_by: claimedBy });
  const matches = asked.flatMap(([column, value]) =>
    value === null ? [] : [`r.${column} = ${place(value)}`],
  );
  const sql = `
select clock_timestamp() as now, r.slip_id, s.version, ${reviewColumns}, r.examined, r.matched
from (
  select r.*, row_number() over (${sorted}) as examined, (${['true', ...matches].join(' and ')}) is true as matched
  from (select * from review r where ${within.join(' and ')} ${sorted} limit ${examinedMax}) as r
) as r, lateral (select version from slip where slip_id = r.slip_id offset 0) as s
where r.matched or r.examined = ${examinedMax} ${sorted} limit ${place(page.limit + 1)}`;
  return { sql, parameters };
}

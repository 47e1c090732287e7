import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import { wallClock } from '@slipstream/slip';
import type { StoreTx } from '../../application/ports.ts';
import {
  type Unmatched,
  type UnmatchedFilter,
  type UnmatchedPlace,
  unmatchedKinds,
} from '../../application/unmatched.ts';

type Kind = Unmatched['kind'];

const saidMax = 2_000;
/** Of each kind, what a page looks at where some of it are asked for. */
const examinedMax = 2_000;

/** Where what has no slip lies, of one kind. An index has it by its time, its sender and its id. */
interface Source {
  readonly table: string;
  readonly condition: string;
  readonly sender: string;
  /** What its id is made of, with colons between. */
  readonly ids: readonly { readonly column: string; readonly type: string }[];
  readonly columns: string;
  /** What is known of the slip of its row `u`, as `d`. */
  readonly known: string;
  readonly reason: string;
}

const bySlip = 'slip_id = u.slip_id';
const whyNot = (sender: string) => `case when d.slip_id is null then 'unknown_slip'
      when d.mode <> 'dispatched' or d.provider <> u.${sender} then 'other_provider' else 'not_sent' end`;

const sources: Readonly<Record<Kind, Source>> = {
  callback: {
    // Word for word as the index says it.
    ...{ table: 'callback', condition: "handled in ('orphan', 'unreadable')", sender: 'provider' },
    ids: [{ column: 'webhook_id', type: 'text' }],
    columns: `u.webhook_id as id, nullif(u.slip_id, '') as slip_id, null as reference, '${wallClock}' as clock, u.body, null as data`,
    known: bySlip,
    reason: `case when u.handled = 'unreadable' then 'unreadable' else ${whyNot('provider')} end`,
  },
  report: {
    ...{ table: 'parked_result', condition: 'true', sender: 'caller' },
    ids: [{ column: 'result_id', type: 'text' }],
    columns:
      'u.result_id as id, null as slip_id, u.reference, u.clock, null::bytea as body, u.data::text as data',
    known: 'caller = u.caller and reference = u.reference',
    reason: `case when d.slip_id is null and u.orphan_at is null then 'waits_for_slip' when d.slip_id is null then 'no_slip'
      when d.mode <> 'reported' or d.clock <> u.clock then 'misfit' when d.status = 'refused' then 'refused_slip'
      else 'waits_for_hold' end`,
  },
  statement_line: {
    ...{ table: 'statement_line', condition: 'true', sender: 'provider' },
    ids: [
      { column: 'day', type: 'date' },
      { column: 'line', type: 'int' },
    ],
    columns: `u.day || ':' || u.line as id, u.slip_id, null as reference, '${wallClock}' as clock, null::bytea as body,
    coalesce(u.problem || ': ', '') || u.said as data`,
    known: bySlip,
    reason: `case when u.problem is not null then 'unreadable' else ${whyNot('provider')} end`,
  },
};

interface UnmatchedRow {
  kind: Kind;
  received_at: Instant;
  sender: string;
  id: string;
  slip_id: string | null;
  reference: string | null;
  clock: string;
  reason: Unmatched['reason'];
  body: Buffer | null;
  data: string | null;
  age_s: string;
  matched: boolean;
  /** It is the last one that its search may look at. */
  is_end: boolean;
}

/**
 * Of each kind what lies behind the place, by its index, put together by the time, then by the kind. Where one was looked at only so far, what others
 * have behind that is left to the next page.
 */
export function unmatched(tx: Tx): StoreTx['unmatched'] {
  return async (filter, after, limit) => {
    const kinds = filter.kind === null ? unmatchedKinds : [filter.kind];
    const found = await Promise.all(
      kinds.map((kind) => {
        const { sql, parameters } = searchFor(kind, filter, after, limit);
        return tx.query<UnmatchedRow>(sql, parameters);
      }),
    );
    const rows = found.flat().toSorted(inOrder);
    const end = rows.find((row) => row.is_end) ?? null;
    const until = end === null ? rows.length : rows.indexOf(end) + 1;
    const matching = rows.slice(0, until).filter(({ matched }) => matched);
    const shown = matching.slice(0, limit);
    const last = matching.length > limit ? shown.at(-1)! : end;
    return { data: shown.map(toUnmatched), next: last && placeOf(last) };
  };
}

/** Those of one kind come in their order already. */
function inOrder(one: UnmatchedRow, other: UnmatchedRow): number {
  if (one.received_at !== other.received_at) return one.received_at < other.received_at ? -1 : 1;
  return unmatchedKinds.indexOf(one.kind) - unmatchedKinds.indexOf(other.kind);
}

const placeOf = ({ received_at, kind, sender, id }: UnmatchedRow): UnmatchedPlace => ({
  ...{ receivedAt: received_at, kind, sender, id },
});

function searchFor(kind: Kind, filter: UnmatchedFilter, after: UnmatchedPlace | null, limit: number) {
  const { table, condition, sender, ids, columns, known, reason } = sources[kind];
  const parameters: unknown[] = [];
  const place = (value: unknown) => `$${parameters.push(value)}`;
  const matches = ['true'];
  if (filter.sender !== null) matches.push(`u.${sender} = ${place(filter.sender)}`);
  if (filter.reason !== null) matches.push(`w.reason = ${place(filter.reason)}`);
  // One more than the page has tells whether there are more.
  const most = place(matches.length === 1 ? limit + 1 : examinedMax);
  const within = after === null ? condition : `${condition} and ${behind(kind, after, place)}`;
  const keys = ['received_at', sender, ...ids.map(({ column }) => column)].map((name) => `u.${name}`);
  const sorted = `order by ${keys.join(', ')}`;
  const sql = `
select * from (
  select '${kind}' as kind, u.received_at, u.${sender} as sender, ${columns}, w.reason, u.examined, (${matches.join(' and ')}) as matched,
    floor(extract(epoch from clock_timestamp() - u.received_at))::bigint as age_s, u.examined = ${most}::bigint as is_end
  from (
    select u.*, row_number() over (${sorted}) as examined
    from (select * from ${table} u where ${within} ${sorted} limit ${most}::bigint) as u
  ) as u
    left join lateral (select slip_id, mode, provider, clock, status from dispatch where ${known} limit 1) as d on true
    cross join lateral (select ${reason} as reason) as w
) as u
where matched or is_end order by examined limit ${place(limit + 1)}`;
  return { sql, parameters };
}

/** At the place's own time lie the kinds before its kind in front of it, and those after it behind it. */
function behind(kind: Kind, after: UnmatchedPlace, place: (value: unknown) => string): string {
  const time = `${place(after.receivedAt)}::timestamptz`;
  if (kind !== after.kind) {
    const isLater = unmatchedKinds.indexOf(kind) > unmatchedKinds.indexOf(after.kind);
    return `received_at ${isLater ? '>=' : '>'} ${time}`;
  }
  const { sender, ids } = sources[kind];
  const names = [sender, ...ids.map(({ column }) => column)].join(', ');
  const parts = ids.length === 1 ? [after.id] : after.id.split(':');
  const values = ids.map(({ type }, n) => `${place(parts[n])}::${type}`).join(', ');
  return `(received_at, ${names}) > (${time}, ${place(after.sender)}::text, ${values})`;
}

function toUnmatched(row: UnmatchedRow): Unmatched {
  const { kind, reason, sender, id, reference, clock } = row;
  const said = row.data ?? row.body?.toString('utf8') ?? '';
  return {
    ...{ kind, reason, sender, id, reference, clock },
    slipId: row.slip_id,
    receivedAt: row.received_at,
    ageS: clock === wallClock ? Number(row.age_s) : null,
    said: said.slice(0, saidMax).toWellFormed(),
  };
}

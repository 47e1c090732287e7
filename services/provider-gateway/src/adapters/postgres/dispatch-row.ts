import { type Instant, must } from '@slipstream/kernel';
import { bool, columns, int4, int8, jsonb, type RowOf, text, timestamptz } from '@slipstream/postgres';
import type { Outcome, RouteMode, SlipKind, SlipPolicy } from '@slipstream/slip';
import type {
  AttemptEndWord,
  Choice,
  Dispatch,
  DispatchStatus,
  EarlierAttempt,
  KeptAnswer,
} from '../../domain/dispatch/state.ts';
import { fromJson, toJson } from './json.ts';

/** A row of `dispatch` as PostgreSQL gives it: bigint as text, timestamptz as an Instant. */
export interface DispatchRow {
  slip_id: string;
  partition: number;
  clock: string;
  caller: string;
  reference: string;
  kind: SlipKind;
  account: string;
  counterparty: string;
  amount: string | null;
  currency: string | null;
  route: string;
  mode: RouteMode;
  provider: string | null;
  deadline: Instant;
  policy: SlipPolicy;
  traceparent: string;
  status: DispatchStatus;
  attempt: number;
  not_after: Instant | null;
  digest: string | null;
  digest_attempt: number | null;
  owner: string | null;
  lease_until: Instant | null;
  next_at: Instant | null;
  sent_maybe: boolean;
  poll_at: Instant | null;
  acknowledged: boolean;
  last_step: string | null;
  outcome: Outcome | null;
  evidence: string | null;
  provider_reference: string | null;
  told: string[];
  first_not_found_at: Instant | null;
  closed_for_dispatch: boolean;
  refunded: boolean;
  late_success: unknown;
  seen_results: string[];
  choice: Choice | null;
  moved: boolean;
  /** Null where none is. */
  earlier: readonly EarlierAttempt[] | null;
}

/**
 * A whole row of `dispatch d` for {@link toDispatch}; its earlier attempts are looked for only where there are some. Times
 * within JSON are written as an Instant is.
 */
export const dispatchRow = `d.*, case when d.moved then (
  select json_agg(json_build_object('attempt', a.attempt, 'provider', a.provider, 'notAfter', ${instant('a.not_after')},
    'end', a.ended, 'firstNotFoundAt', ${instant('a.first_not_found_at')}) order by a.attempt)
  from attempt a where a.slip_id = d.slip_id) end as earlier`;

function instant(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

export function toDispatch(row: DispatchRow): Dispatch {
  return {
    slipId: row.slip_id,
    partition: row.partition,
    clock: row.clock,
    caller: row.caller,
    reference: row.reference,
    kind: row.kind,
    account: row.account,
    counterparty: row.counterparty,
    amount:
      row.amount === null || row.currency === null
        ? null
        : { amount: BigInt(row.amount), currency: row.currency },
    route: row.route,
    mode: row.mode,
    provider: row.provider,
    choice: row.choice,
    earlier: row.moved ? must(row.earlier, 'a row that was not read whole') : [],
    deadline: row.deadline,
    policy: row.policy,
    traceparent: row.traceparent,
    status: row.status,
    attempt: row.attempt,
    notAfter: row.not_after,
    // One of an earlier attempt was left by a release that keeps none.
    digest: row.digest_attempt === row.attempt ? row.digest : null,
    owner: row.owner,
    leaseUntil: row.lease_until,
    nextAt: row.next_at,
    sentMaybe: row.sent_maybe,
    pollAt: row.poll_at,
    acknowledged: row.acknowledged,
    lastStep: row.last_step,
    outcome: row.outcome,
    evidence: row.evidence,
    providerReference: row.provider_reference,
    told: row.told,
    firstNotFoundAt: row.first_not_found_at,
    closedForDispatch: row.closed_for_dispatch,
    refunded: row.refunded,
    lateSuccess: row.late_success === null ? null : (fromJson(row.late_success) as KeptAnswer),
    seenResults: row.seen_results,
  };
}

// What SlipSubmitted told never changes; the rest is what this service knows and did.
const told = {
  ...{
    slip_id: text,
    partition: int4,
    clock: text,
    caller: text,
    reference: text,
    kind: text,
    account: text,
  },
  ...{ counterparty: text, amount: int8, currency: text, route: text, mode: text },
  ...{ policy: jsonb, traceparent: text },
};
const done = {
  // Moved by an approval.
  deadline: timestamptz,
  ...{ provider: text, choice: jsonb, moved: bool },
  ...{
    status: text,
    attempt: int4,
    not_after: timestamptz,
    digest: text,
    digest_attempt: int4,
    owner: text,
    lease_until: timestamptz,
  },
  ...{
    next_at: timestamptz,
    sent_maybe: bool,
    poll_at: timestamptz,
    acknowledged: bool,
    last_step: text,
    outcome: text,
  },
  ...{ evidence: text, provider_reference: text, first_not_found_at: timestamptz, closed_for_dispatch: bool },
  ...{ refunded: bool, late_success: jsonb },
  // An array's own text: arrays of arrays cannot be unnested by one level.
  ...{ told: text, seen_results: text },
};
const arrays: ReadonlySet<string> = new Set(['told', 'seen_results']);

/** A whole row, for {@link insertSql}; and what may change of one, for {@link updateSql}. */
export const newRows = columns({ ...told, ...done });
export const writtenRows = columns({ slip_id: text, ...done });

const fromRow = (name: string) => (arrays.has(name) ? `w.${name}::text[]` : `w.${name}`);

export const insertSql = `
insert into dispatch (${newRows.names.join(', ')})
select ${newRows.names.map(fromRow).join(', ')} from ${newRows.unnest('w')}
on conflict (slip_id) do update set ${Object.keys(done)
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')}`;

const changes = Object.keys(done)
  .map((name) => `${name} = ${fromRow(name)}`)
  .join(', ');

export const updateSql = `
update dispatch d set ${changes} from ${writtenRows.unnest('w')} where d.slip_id = w.slip_id`;

/**
 * As {@link updateSql}; gives the other slips that their provider names so. Each name is looked up by itself, and locked until the
 * commit: in one order, so that two transactions wait for each other in one direction only.
 */
export const updateNamedSql = `
with w as (
  select * from ${writtenRows.unnest('w')}
), written as (
  update dispatch d set ${changes} from w where d.slip_id = w.slip_id
)
select slip_id, other from (
  select w.slip_id, named_so(w.provider, w.provider_reference, w.slip_id) as other
  from (
    select slip_id, provider, provider_reference from w
    where provider is not null and provider_reference is not null order by provider, provider_reference offset 0
  ) as w offset 0
) as looked where other is not null`;

export function toRow(dispatch: Dispatch): RowOf<typeof told & typeof done> {
  return {
    ...toChanges(dispatch),
    partition: dispatch.partition,
    clock: dispatch.clock,
    caller: dispatch.caller,
    reference: dispatch.reference,
    kind: dispatch.kind,
    account: dispatch.account,
    counterparty: dispatch.counterparty,
    amount: dispatch.amount?.amount ?? null,
    currency: dispatch.amount?.currency ?? null,
    route: dispatch.route,
    mode: dispatch.mode,
    policy: JSON.stringify(dispatch.policy),
    traceparent: dispatch.traceparent,
  };
}

export function toChanges(dispatch: Dispatch): RowOf<{ slip_id: typeof text } & typeof done> {
  return {
    slip_id: dispatch.slipId,
    provider: dispatch.provider,
    choice: dispatch.choice === null ? null : JSON.stringify(dispatch.choice),
    moved: dispatch.earlier.length > 0,
    deadline: dispatch.deadline,
    status: dispatch.status,
    attempt: dispatch.attempt,
    not_after: dispatch.notAfter,
    digest: dispatch.digest,
    digest_attempt: dispatch.digest === null ? null : dispatch.attempt,
    owner: dispatch.owner,
    lease_until: dispatch.leaseUntil,
    next_at: dispatch.nextAt,
    sent_maybe: dispatch.sentMaybe,
    poll_at: dispatch.pollAt,
    acknowledged: dispatch.acknowledged,
    last_step: dispatch.lastStep,
    outcome: dispatch.outcome,
    evidence: dispatch.evidence,
    provider_reference: dispatch.providerReference,
    told: textOfArray(dispatch.told),
    first_not_found_at: dispatch.firstNotFoundAt,
    closed_for_dispatch: dispatch.closedForDispatch,
    refunded: dispatch.refunded,
    late_success: dispatch.lateSuccess === null ? null : JSON.stringify(toJson(dispatch.lateSuccess)),
    seen_results: textOfArray(dispatch.seenResults),
  };
}

const attemptRows = columns({
  ...{ slip_id: text, attempt: int4, provider: text, not_after: timestamptz },
  ...{ ended: text, first_not_found_at: timestamptz },
});

/** Of slips that went on to another provider; an attempt that is there may only have ended otherwise. */
export const saveAttemptsSql = `
insert into attempt as a (${attemptRows.names.join(', ')})
select ${attemptRows.names.join(', ')} from ${attemptRows.unnest('w')}
on conflict (slip_id, attempt) do update set ended = excluded.ended where a.ended <> excluded.ended`;

export function attemptParameters(dispatches: readonly Dispatch[]): Buffer[] {
  const rows = dispatches.flatMap(({ slipId, earlier }) =>
    earlier.map(({ attempt, provider, notAfter, end, firstNotFoundAt }) => ({
      ...{ slip_id: slipId, attempt, provider, not_after: notAfter },
      ...{ ended: end satisfies AttemptEndWord, first_not_found_at: firstNotFoundAt },
    })),
  );
  return attemptRows.parameters(rows);
}

function textOfArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

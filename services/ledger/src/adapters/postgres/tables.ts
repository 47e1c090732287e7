import { columns, columnTypes, table } from '@slipstream/postgres';

const { binaryString, bool, bytea, int2, int4, int8, numeric, text, timestamptz, uuid } = columnTypes;

/** What is written of a batch, by its columns. */
export const eventLog = table('event_log', {
  partition: int4,
  kafka_offset: int8,
  slip_id: text,
  version: int8,
  bytes: bytea,
  chain: binaryString,
  status: text,
  mark: int4,
});

export const asideLog = table('aside_log', { partition: int4, kafka_offset: int8, bytes: bytea, mark: int4 });

export const slipTags = table('slip_tag', { digest: int8, kafka_offset: int8, partition: int4 });

export const logNodes = table('log_node', {
  ...{ partition: int4, level: int2, n: int8, hash: binaryString, last_offset: int8 },
});

const grownTrees = columns({
  partition: int4,
  before: int8,
  size: int8,
  position: int8,
  peaks: binaryString,
});
/** Counts those that were as expected. */
export const growTrees = {
  sql: `
with grown as (
  update log_tree t set size = g.size, position = g.position, peaks = g.peaks from ${grownTrees.unnest('g')}
    where t.partition = g.partition and t.size = g.before returning 1
)
select count(*)::int as n from grown`,
  rows: grownTrees,
};

/** What changes of a slip at nearly every event. */
const usual = {
  provider: text,
  status: text,
  outcome: text,
  version: int8,
  position: int8,
  chain: binaryString,
  hold_status: text,
  entries: int2,
};
/** What changes at few. */
const rare = {
  reference: text,
  account: text,
  counterparty: text,
  kind: text,
  rare_status: text,
  cause_class: text,
  cause_code: text,
  amount: numeric,
  currency: text,
  confirmed_at: timestamptz,
  caller: text,
  route: text,
  case_status: text,
  deadline: timestamptz,
  overdue: bool,
  not_returned: bool,
  waits_from: int8,
  hold_terms: text,
  snapshot_version: int8,
};

export const newSlips = table('slip', {
  ...{ id: text, partition: int4, clock: text, listed_at: timestamptz, first_offset: int8 },
  ...usual,
  ...rare,
  snapshot: text,
});
const keyed = { id: text, before: int8 };
/** A snapshot that does not say where it stands stands at the row's version, which is about to be another one. */
const keptSnapshot = 'snapshot_version = coalesce(s.snapshot_version, s.version)';
/** For slips of which nothing else has changed. */
export const usualUpdates = updateOf(columns({ ...keyed, ...usual }), `${assigned(usual)}, ${keptSnapshot}`);
export const rareColumns: readonly string[] = Object.keys(rare);
export const updates = updateOf(
  columns({ ...keyed, ...usual, ...rare, snapshot: text }),
  `${assigned({ ...usual, ...rare })}, snapshot = coalesce(c.snapshot, s.snapshot)`,
);

function assigned(named: object): string {
  return Object.keys(named)
    .map((name) => `${name} = c.${name}`)
    .join(', ');
}

/** Counts what it found as it was loaded. */
function updateOf<Rows extends { unnest(alias: string): string }>(rows: Rows, assignments: string) {
  const sql = `
with changed as (
  update slip s set ${assignments} from ${rows.unnest('c')} where s.id = c.id and s.version = c.before returning 1
)
select count(*)::int as n from changed`;
  return { sql, rows };
}

export const entries = table('entry', {
  slip_id: text,
  n: int2,
  type: text,
  id: uuid,
  debit: int8,
  credit: int8,
  amount: int8,
  rest_credit: int8,
  rest: int8,
  at: timestamptz,
});

const accountKeys = columns({ owner: text, kind: text, clock: text, currency: text });
const sameAccount = 'a.owner = w.owner and a.kind = w.kind and a.clock = w.clock and a.currency = w.currency';

const openedAccounts = columns({
  ...{ owner: text, kind: text, clock: text, currency: text, partition: int4, change: numeric },
});
/**
 * Moves accounts whose ids are not known, those that are not there from nothing; tells when. In the order of their key, so
 * that two that open the same ones wait for each other in one direction only.
 */
export const openAccounts = {
  sql: `
insert into account as a (owner, kind, clock, currency, partition, balance)
  select w.owner, w.kind, w.clock, w.currency, w.partition, w.change from ${openedAccounts.unnest('w')}
  order by w.owner collate "C", w.kind collate "C", w.clock collate "C", w.currency collate "C", w.partition
  on conflict on constraint account_of_partition do update set balance = a.balance + excluded.balance
  returning id::text, owner, kind, clock, currency, partition, statement_timestamp() as at`,
  rows: openedAccounts,
};

/** Whoever decides by a balance holds its lock to the commit; ascending, so that nobody waits in a ring. */
export const lockBalances = {
  sql: `
select pg_advisory_xact_lock(k.lock) from (
  select distinct hashtextextended(concat_ws(chr(31), w.clock, w.currency, w.kind, w.owner), 0) as lock
    from ${accountKeys.unnest('w')} order by 1 offset 0) as k`,
  rows: accountKeys,
};

/** Asked after the lock was granted: what its holder before had written is seen. */
export const balances = {
  sql: `
select w.place::int as place, coalesce(sum(a.balance), 0)::text as balance
  from ${accountKeys.numbered('w')} left join account a on ${sameAccount}
  group by w.place`,
  rows: accountKeys,
};

const moved = columns({ id: int8, change: numeric });
/** Counts what it moved, and tells when: the times of a batch's entries begin there. */
export const moveBalances = {
  sql: `
with moved as (
  update account a set balance = a.balance + c.change from ${moved.unnest('c')} where a.id = c.id returning 1
)
select count(*)::int as n, statement_timestamp() as at from moved`,
  rows: moved,
};

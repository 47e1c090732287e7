import { columns, columnTypes, table } from '@slipstream/postgres';

const { bool, bytea, int2, int4, int8, numeric, text, timestamptz, uuid } = columnTypes;

/** What is written of a batch, by its columns. */
export const eventLog = table('event_log', {
  partition: int4,
  kafka_offset: int8,
  slip_id: text,
  version: int8,
  bytes: bytea,
  chain: bytea,
});

/** What changes of a slip. */
const changing = {
  reference: text,
  account: text,
  counterparty: text,
  provider: text,
  kind: text,
  status: text,
  rare_status: text,
  outcome: text,
  cause_class: text,
  cause_code: text,
  amount: numeric,
  currency: text,
  listed_at: timestamptz,
  deadline: timestamptz,
  overdue: bool,
  not_returned: bool,
  version: int8,
  position: int8,
  waits_from: int8,
  state: text,
  chain: bytea,
  hold_status: text,
  hold_terms: text,
  entries: int2,
};

export const newSlips = table('slip', { id: text, partition: int4, clock: text, ...changing });
const changedSlips = columns({ id: text, before: int8, ...changing });
export const slipUpdates = {
  /** Counts what it found as it was loaded. */
  sql: `
with changed as (
  update slip s set ${Object.keys(changing)
    .map((name) => `${name} = c.${name}`)
    .join(', ')}
    from ${changedSlips.unnest('c')} where s.id = c.id and s.version = c.before
    returning 1
)
select count(*)::int as n from changed`,
  rows: changedSlips,
};

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
const accountPlaces = columns({ owner: text, kind: text, clock: text, currency: text, partition: int4 });
const sameAccount = 'a.owner = w.owner and a.kind = w.kind and a.clock = w.clock and a.currency = w.currency';

/** Places of the accounts that are there, with their ids; `own`: this very transaction wrote the row. */
export const accountIds = {
  sql: `
select w.place::int as place, a.id::text as id, a.xmin = pg_current_xact_id()::xid as own
  from ${accountPlaces.numbered('w')}
  join account a on ${sameAccount} and a.partition = w.partition`,
  rows: accountPlaces,
};

/** In the order of its key, so that two that open the same ones wait for each other in one direction only. */
export const openAccounts = {
  sql: `
insert into account (owner, kind, clock, currency, partition)
  select w.owner, w.kind, w.clock, w.currency, w.partition from ${accountPlaces.unnest('w')}
  order by w.owner collate "C", w.kind collate "C", w.clock collate "C", w.currency collate "C", w.partition
  on conflict do nothing`,
  rows: accountPlaces,
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

import type { UnitOfWork } from '@slipstream/postgres';
import { recordedAs, submitted } from './builders.ts';
import { Feed } from './feed.ts';

/** Slips that are written by one statement. */
const chunk = 50_000;

/**
 * Fills the tables that questions read with slips a second apart, as many of each kind as busy months leave: nine in ten on the
 * wall clock, most of them settled, one in a hundred overdue. What their events say is always the same.
 */
export async function fillBooks(unitOfWork: Pick<UnitOfWork, 'query'>, slips: number): Promise<void> {
  const { value } = new Feed(0).event(recordedAs(submitted(), 1));
  for (let from = 1; from <= slips; from += chunk) {
    const until = Math.min(slips, from + chunk - 1);
    await unitOfWork.query(slipsSql, [from, until]);
    await unitOfWork.query(eventsSql, [from, until, value]);
  }
  for (const table of ['slip', 'event_log', 'entry', 'account']) await unitOfWork.query(`analyze ${table}`);
}

const slipsSql = `
insert into slip (id, partition, clock, reference, account, counterparty, provider, kind, status, rare_status, outcome, amount, currency,
  listed_at, first_offset, overdue, not_returned, cause_class, cause_code, case_status, caller, route, version, position, chain, entries,
  snapshot_version)
select 'slip-' || n, n % 12, case when n % 10 = 0 then 'import-1' else 'wall' end, 'ord-' || n, 'cust-' || n % 5000, 'shop-' || n % 50,
  'provider-' || n % 5, 'order', status, case when status in ('held', 'settled') then null else status end,
  case when status = 'settled' then 'succeeded' end, n, 'EUR', timestamptz '2026-01-01' + n * interval '1 s', n, n % 101 = 0,
  n % 202 = 0, case when n % 101 = 0 then 'third_party' end, case when n % 101 = 0 then 'callback_lost' end,
  case when n % 101 = 0 then 'open' end, 'shop', 'default', 1, n, sha256(''), 1, 0
from (select n, case when n % 51 = 0 then 'refunded' when n % 53 = 0 then 'held' else 'settled' end as status
        from generate_series($1::int, $2::int) n) s`;

const eventsSql = `
insert into event_log (partition, kafka_offset, slip_id, version, bytes, chain, status)
select n % 12, n * 2 + v, 'slip-' || n, v, $3, sha256(''), 'held' from generate_series($1::int, $2::int) n, generate_series(1, 2) v`;

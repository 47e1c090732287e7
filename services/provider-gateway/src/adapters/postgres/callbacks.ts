import type { Tx } from '@slipstream/postgres';
import type { Callbacks, OrphanPlace } from '../../application/ports.ts';

// In the order of the key, so that two instances that get the same callbacks wait for each other in one direction only.
const addSql = `
insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
select c.provider, c.webhook_id, c.slip_id, clock_timestamp(), c.body, 'stored'
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as c(provider, webhook_id, slip_id, body)
order by c.provider, c.webhook_id
on conflict (provider, webhook_id) do update
  set slip_id = excluded.slip_id, received_at = excluded.received_at, body = excluded.body, handled = excluded.handled
  where callback.handled = 'unreadable'
returning provider, webhook_id`;

const differingSql = `
select w.index::int - 1 as index
from unnest($1::text[], $2::text[], $3::bytea[]) with ordinality as w(provider, webhook_id, body, index)
join callback c on c.provider = w.provider and c.webhook_id = w.webhook_id
where c.body <> w.body`;

const markHandledSql = `
update callback c set handled = w.handled
from unnest($1::text[], $2::text[], $3::text[]) as w(provider, webhook_id, handled)
where c.provider = w.provider and c.webhook_id = w.webhook_id`;

// A stretch of the orphans each time: a provider that signs for others too may send any number of them.
const lockMatchedSql = `
with swept as (
  select slip_id, provider, webhook_id, lead(true) over (order by slip_id, provider, webhook_id) is null as last
  from (
    select slip_id, provider, webhook_id from callback
    where handled = 'orphan' and (slip_id, provider, webhook_id) > ($1, $2, $3)
    order by slip_id, provider, webhook_id limit $4
  ) as s
), matched as (
  select c.slip_id, c.provider, c.webhook_id, c.body from callback c
  where c.handled = 'orphan' and (c.provider, c.webhook_id) in (
    select s.provider, s.webhook_id from swept s join dispatch d on d.slip_id = s.slip_id
    where d.provider = s.provider and d.mode = 'dispatched' and d.attempt > 0)
  for update skip locked
)
select slip_id, provider, webhook_id, body, false as last from matched
union all
select slip_id, provider, webhook_id, null, true from swept where last and (select count(*) from swept) = $4`;

export function callbacks(tx: Tx): Callbacks {
  return {
    async add(received) {
      // The first of a webhook id within the batch is the one that is stored.
      const first = new Map<string, number>();
      for (const [index, one] of received.entries()) {
        const key = `${one.provider}\n${one.webhookId}`;
        if (!first.has(key)) first.set(key, index);
      }
      const wanted = [...first.values()].map((index) => received[index]!);
      const rows = await tx.query<{ provider: string; webhook_id: string }>(addSql, [
        wanted.map((one) => one.provider),
        wanted.map((one) => one.webhookId),
        wanted.map((one) => one.slipId),
        wanted.map((one) => one.body),
      ]);
      return new Set(rows.map((row) => first.get(`${row.provider}\n${row.webhook_id}`)!));
    },
    async differing(received) {
      const rows = await tx.query<{ index: number }>(differingSql, [
        received.map((one) => one.provider),
        received.map((one) => one.webhookId),
        received.map((one) => one.body),
      ]);
      return new Set(rows.map((row) => row.index));
    },
    async lockMatched(after, limit) {
      const rows = await tx.query<OrphanRow>(lockMatchedSql, [
        ...[after.slipId, after.provider, after.webhookId],
        limit,
      ]);
      const last = rows.find((row) => row.last);
      return {
        matched: rows.filter((row) => !row.last).map((row) => ({ ...placeOf(row), body: row.body! })),
        next: last ? placeOf(last) : null,
      };
    },
    async markHandled(handled) {
      if (handled.length === 0) return;
      tx.send(markHandledSql, [
        handled.map((one) => one.provider),
        handled.map((one) => one.webhookId),
        handled.map((one) => one.handled),
      ]);
    },
  };
}

interface OrphanRow {
  slip_id: string;
  provider: string;
  webhook_id: string;
  body: Buffer | null;
  last: boolean;
}

function placeOf(row: OrphanRow): OrphanPlace {
  return { slipId: row.slip_id, provider: row.provider, webhookId: row.webhook_id };
}

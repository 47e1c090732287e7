import type { Tx } from '@slipstream/postgres';
import type { Callbacks } from '../../application/ports.ts';

// In the order of the key, so that two instances that get the same callbacks wait for each other in one direction only.
const addSql = `
insert into callback (provider, webhook_id, slip_id, received_at, body, handled)
select c.provider, c.webhook_id, c.slip_id, clock_timestamp(), c.body, 'stored'
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as c(provider, webhook_id, slip_id, body)
order by c.provider, c.webhook_id
on conflict do nothing
returning provider, webhook_id`;

const markHandledSql = `
update callback c set handled = w.handled
from unnest($1::text[], $2::text[], $3::text[]) as w(provider, webhook_id, handled)
where c.provider = w.provider and c.webhook_id = w.webhook_id`;

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

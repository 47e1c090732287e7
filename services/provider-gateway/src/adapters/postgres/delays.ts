import type { Tx } from '@slipstream/postgres';
import type { Delays } from '../../application/ports.ts';
import type { DelayCount } from '../../domain/provider/delays.ts';

// In the order of the key: two instances that write at once wait for each other in one direction only.
const addSql = `
insert into provider_delay as d (provider, kind, bucket, n)
select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) as w(provider, kind, bucket, n) order by provider, kind, bucket
on conflict (provider, kind, bucket) do update set n = d.n + excluded.n`;

const ofSql = 'select provider, kind, bucket, n from provider_delay where provider = $1';

export function delays(tx: Tx): Delays {
  return {
    async add(counts) {
      tx.send(addSql, [
        counts.map((one) => one.provider),
        counts.map((one) => one.kind),
        counts.map((one) => one.bucket),
        counts.map((one) => one.n),
      ]);
    },
    async of(provider) {
      const rows = await tx.query<Omit<DelayCount, 'n'> & { n: string }>(ofSql, [provider]);
      return rows.map((row) => ({ ...row, n: Number(row.n) }));
    },
  };
}

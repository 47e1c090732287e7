import type { Tx } from '@slipstream/postgres';
import type { RefusedCallbacks } from '@slipstream/slip';
import { slipsToldApartMax } from '../../application/callback-tally.ts';
import type { CallbackCounts, TellableRefusals } from '../../application/ports.ts';

// In the order of the key: two instances that write at once wait for each other in one direction only.
const addSql = `
insert into callback_count as c (provider, minute, refused, about_its_slips, slips, accepted, since, until)
select provider, date_trunc('minute', clock_timestamp()), refused, about, string_to_array(slips, ' '), accepted,
  case when refused > 0 then clock_timestamp() end, case when refused > 0 then clock_timestamp() end
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[])
    as w(provider, refused, about, slips, accepted) order by provider
on conflict (provider, minute) do update set
  refused = c.refused + excluded.refused, about_its_slips = c.about_its_slips + excluded.about_its_slips,
  slips = array(select distinct unnest(c.slips || excluded.slips) limit ${slipsToldApartMax}),
  accepted = c.accepted + excluded.accepted,
  since = coalesce(c.since, excluded.since), until = coalesce(excluded.until, c.until)`;

const forgetSql = `
delete from callback_count
 where provider = any($1) and minute < clock_timestamp() - interval '1 day' and (told or refused = 0)`;

// Minutes that are over: no more is added to them.
const takeSql = `
with taken as (
  update callback_count set told = true
   where refused > 0 and not told and minute < date_trunc('minute', clock_timestamp())
  returning *
)
select provider, sum(refused)::int as refused, sum(about_its_slips)::int as "aboutItsSlips", sum(accepted)::int as accepted,
  min(since) as since, max(until) as until
  from taken group by provider order by provider`;

const anyUntoldSql = 'select 1 from callback_count where refused > 0 and not told limit 1';

/** An earlier slip is not waited for any more: its cause is not told anew. */
const tellableFor = "interval '1 hour'";
const untoldSlipsMax = 200;

const untoldSlipsSql = `
select distinct c.provider, slip as "slipId" from callback_count c, unnest(c.slips) slip
 where c.provider = any($1) and c.about_its_slips > 0 and c.minute > clock_timestamp() - ${tellableFor}
   and slip not in (select unnest(told_slips) from callback_count where provider = any($1) and about_its_slips > 0)
 order by c.provider, slip limit ${untoldSlipsMax}`;

const slipsToldSql = `
update callback_count
   set told_slips = array(select unnest(told_slips) union (select unnest(slips) intersect select unnest($2::text[])))
 where provider = any($1) and about_its_slips > 0 and slips && $2 and minute > clock_timestamp() - ${tellableFor}`;

// Nothing is summed while nobody's callbacks are refused, as is usual.
const besideSql = `
select w.slip_id as "slipId", sum(c.about_its_slips)::int as refused, sum(c.accepted)::int as accepted,
  min(c.since) as since, max(c.until) as until,
  (select count(distinct slip)::int from unnest(array_agg(array_to_string(c.slips, ' '))) one,
    unnest(string_to_array(one, ' ')) slip) as slips
  from unnest($1::text[], $2::text[], $3::timestamptz[]) as w(slip_id, provider, called_at)
  join callback_count c on c.provider = w.provider and c.minute >= date_trunc('minute', w.called_at)
 where exists (select 1 from callback_count where provider = any($2) and about_its_slips > 0)
 group by w.slip_id having max(c.until) filter (where c.about_its_slips > 0) >= min(w.called_at)`;

export function callbackCounts(tx: Tx): CallbackCounts {
  return {
    async add(counts) {
      const providers = counts.map(({ provider }) => provider);
      tx.send(forgetSql, [providers]);
      tx.send(addSql, [
        providers,
        counts.map(({ refused }) => refused),
        counts.map(({ aboutItsSlips }) => aboutItsSlips),
        // Ids of slips that are here: none has a space in it.
        counts.map(({ slips }) => slips.join(' ')),
        counts.map(({ accepted }) => accepted),
      ]);
    },
    async takeTellable() {
      const told = await tx.query<TellableRefusals>(takeSql);
      return { told, isMoreUntold: (await tx.query(anyUntoldSql)).length > 0 };
    },
    untoldSlips: (providers) => tx.query(untoldSlipsSql, [providers]),
    async slipsTold(providers, slipIds) {
      await tx.query(slipsToldSql, [providers, slipIds]);
    },
    async beside(slips) {
      const rows = await tx.query<RefusedCallbacks & { slipId: string }>(besideSql, [
        slips.map(({ slipId }) => slipId),
        slips.map(({ provider }) => provider),
        slips.map(({ calledAt }) => calledAt),
      ]);
      return new Map(rows.map(({ slipId, ...refused }) => [slipId, refused]));
    },
  };
}

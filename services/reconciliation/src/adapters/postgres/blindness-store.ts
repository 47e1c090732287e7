import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord, UnitOfWork } from '@slipstream/postgres';
import { type PendingOpsEvent, wallClock } from '@slipstream/slip';
import { type AtRisk, allAtRisk } from '../../application/at-risk.ts';
import type { Blinded } from '../../application/watch-blindness.ts';

const saidSql = 'select service as by, why, since from said_blind where instance = $1';

/**
 * What an instance said that has ended and was replaced by one of another name: nobody else would take it back. One at a time, and
 * only by whom has said nothing itself.
 */
const adoptSql = `
update said_blind set instance = $1 where instance = (
  select instance from said_blind b
   where not exists (select 1 from said_blind where instance = $1)
     and not exists (select 1 from instance i where i.name = b.instance
       and coalesce(i.lease_until, i.seen_at + interval '30 s') > clock_timestamp())
   order by since limit 1 for update skip locked)
returning service as by, why, since`;

const saySql = `
insert into said_blind (instance, service, why, since) values ($1, $2, $3, $4) on conflict do nothing
returning instance`;

const takeBackSql = 'delete from said_blind where instance = $1 returning service as by, why, since';

const atRiskSql = `
select o.state::json #>> '{amount,currency}' as currency, count(*)::int as slips,
       sum((o.state::json #>> '{amount,amount}')::numeric)::text as amount
  from open_slip o
 where o.clock = '${wallClock}' and o.verdict = 'open' and o.partition = any($1::int[])
 group by 1`;

export interface BlindnessStoreParts {
  readonly unitOfWork: UnitOfWork;
  readonly instance: string;
  encode(event: PendingOpsEvent): OutboundRecord;
  /** The partitions whose slips this instance judges, and what it follows of them in memory. */
  partitions(): readonly number[];
  inMemory(): AtRisk;
}

/** What an instance has said of its blindness; the event and the row are one transaction. */
export function blindnessStore({ unitOfWork, instance, encode, partitions, inMemory }: BlindnessStoreParts) {
  return {
    async said(): Promise<Blinded | null> {
      const [row] = await unitOfWork.query<Blinded>(saidSql, [instance]);
      if (row) return row;
      const [adopted] = await unitOfWork.query<Blinded>(adoptSql, [instance]);
      return adopted ?? null;
    },
    async say(blinded: Blinded | null): Promise<void> {
      const { slips, money } = blinded ? await atRisk() : { slips: 0, money: [] };
      await unitOfWork.run(async (tx) => {
        if (blinded) {
          const { by: service, why, since } = blinded;
          // Said already, and the answer to that commit was lost.
          if ((await tx.query(saySql, [instance, service, why, since])).length === 0) return;
          const data = { service, why, since, slips, money, instance };
          tx.publish([encode({ subject: service, event: { type: 'DetectorBlinded', data } })]);
          return;
        }
        const [ended] = await tx.query<{ by: string; since: Instant }>(takeBackSql, [instance]);
        if (!ended) return;
        const data = { service: ended.by, since: ended.since, instance };
        tx.publish([encode({ subject: ended.by, event: { type: 'DetectorRestored', data } })]);
      });
    },
  };

  async function atRisk(): Promise<AtRisk> {
    const rows = await unitOfWork.query<{ currency: string | null; slips: number; amount: string | null }>(
      atRiskSql,
      [partitions()],
    );
    return allAtRisk([
      inMemory(),
      ...rows.map(({ currency, slips, amount }) => ({
        slips,
        money: currency === null ? [] : [{ amount: BigInt(amount ?? 0), currency }],
      })),
    ]);
  }
}

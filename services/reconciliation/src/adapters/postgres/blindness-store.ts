import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord, UnitOfWork } from '@slipstream/postgres';
import { type PendingOpsEvent, wallClock } from '@slipstream/slip';
import { type AtRisk, allAtRisk } from '../../application/at-risk.ts';
import type { Blinded } from '../../application/watch-blindness.ts';

const saidSql = 'select service as by, why, since from said_blind where instance = $1';

const saySql =
  'insert into said_blind (instance, service, why, since) values ($1, $2, $3, $4) on conflict do nothing';

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
      return row ?? null;
    },
    async say(blinded: Blinded | null): Promise<void> {
      const { slips, money } = blinded ? await atRisk() : { slips: 0, money: [] };
      await unitOfWork.run(async (tx) => {
        if (blinded) {
          const { by: service, why, since } = blinded;
          tx.send(saySql, [instance, service, why, since]);
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

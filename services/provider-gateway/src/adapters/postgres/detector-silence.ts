import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord, UnitOfWork } from '@slipstream/postgres';
import { type PendingOpsEvent, wallClock } from '@slipstream/slip';
import type { Awaited, WatchDetectorParts } from '../../application/watch-detector.ts';

/** Whose silence it is. */
const service = 'reconciliation';

// The condition of the index `dispatch_open`.
const awaitedSql = `
select currency, count(*)::int as slips, sum(amount)::text as amount from dispatch
 where status in ('submitted', 'held', 'intended', 'unanswered', 'answered') and not closed_for_dispatch and clock = '${wallClock}'
 group by currency order by currency`;

const wasSaidSql = 'select 1 from said_silent where service = $1';

const saySql = `
insert into said_silent (service, instance, since)
values ($1, $2, clock_timestamp() - $3::int * interval '1 millisecond') on conflict do nothing
returning since`;

const takeBackSql = 'delete from said_silent where service = $1 returning instance, since';

interface AwaitedRow {
  readonly currency: string | null;
  readonly slips: number;
  readonly amount: string | null;
}

/** What the instances of this service have said of the reconciler's silence: one says it, with the row that keeps it. */
export function detectorSilence(
  unitOfWork: UnitOfWork,
  instance: string,
  encode: (event: PendingOpsEvent) => OutboundRecord,
): Omit<WatchDetectorParts, 'silentMs'> {
  return {
    async awaited(): Promise<Awaited> {
      const rows = await unitOfWork.query<AwaitedRow>(awaitedSql);
      return {
        slips: rows.reduce((sum, { slips }) => sum + slips, 0),
        money: rows.flatMap(({ currency, amount }) =>
          currency === null || amount === null ? [] : [{ amount: BigInt(amount), currency }],
        ),
      };
    },
    wasSaid: async () => (await unitOfWork.query(wasSaidSql, [service])).length > 0,
    sayBlinded: (silentMs, { slips, money }) =>
      unitOfWork.run(async (tx) => {
        const [row] = await tx.query<{ since: Instant }>(saySql, [service, instance, silentMs]);
        if (!row) return;
        const why = `nothing was heard of it for ${silentMs} ms`;
        const data = { service, why, since: row.since, slips, money, instance };
        tx.publish([encode({ subject: service, event: { type: 'DetectorBlinded', data } })]);
      }),
    sayRestored: () =>
      unitOfWork.run(async (tx) => {
        const [row] = await tx.query<{ instance: string; since: Instant }>(takeBackSql, [service]);
        if (!row) return;
        const data = { service, since: row.since, instance: row.instance };
        tx.publish([encode({ subject: service, event: { type: 'DetectorRestored', data } })]);
      }),
  };
}

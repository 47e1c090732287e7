import type { Instant } from '@slipstream/kernel';
import type { OutboundRecord, Tx, UnitOfWork } from '@slipstream/postgres';
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

/** Whoever takes back his word waits for the others that do: else each sees another's word, and nobody closes the incident. */
const lockIncidentSql =
  'select 1 from incident where closed_at is null and blind_since is not null for update';

const takeBackSql = 'delete from said_blind where instance = $1 returning service as by, why, since';

const openIncidentSql = `
insert into incident (id, side, since, until, blind_since, blind_by) values ($1, '', $2, $2, $2, $3)
on conflict do nothing returning id`;

const openOneSql = 'select id from incident where closed_at is null and blind_since is not null';

const waitingSql = `
insert into waiting_slip (incident, slip_id, deadline)
select $1, o.slip_id, o.deadline from open_slip o
 where o.clock = '${wallClock}' and o.verdict = 'open' and o.partition = any($2::int[]) and o.due_at <= $3
union all
select $1, m.slip_id, m.deadline from unnest($4::text[], $5::timestamptz[]) as m(slip_id, deadline)
on conflict do nothing`;

/** When nobody is blind any more; of the slips that waited each has its verdict, or gets it now. */
const closeIncidentSql = `
update incident set closed_at = clock_timestamp(), until = clock_timestamp()
 where closed_at is null and blind_since is not null and not exists (select 1 from said_blind)
returning id, since, until, (select count(*)::int from waiting_slip w where w.incident = id) as slips`;

const atRiskSql = `
select o.state::json #>> '{amount,currency}' as currency, count(*)::int as slips,
       sum((o.state::json #>> '{amount,amount}')::numeric)::text as amount
  from open_slip o
 where o.clock = '${wallClock}' and o.verdict = 'open' and o.partition = any($1::int[])
 group by 1`;

/** A slip whose deadline has passed and cannot be judged. */
export interface WaitingSlip {
  readonly slipId: string;
  readonly deadline: Instant;
}

export interface BlindnessStoreParts {
  readonly unitOfWork: UnitOfWork;
  readonly instance: string;
  encode(event: PendingOpsEvent): OutboundRecord;
  /** The partitions whose slips this instance judges, and what it follows of them in memory. */
  partitions(): readonly number[];
  inMemory(): AtRisk;
  /** What it follows there that was due by then. */
  dueInMemory(through: Instant): readonly WaitingSlip[];
  newId(): string;
}

/** What an instance has said of its blindness; the event and the row are one transaction. */
export function blindnessStore(parts: BlindnessStoreParts) {
  const { unitOfWork, instance, encode, partitions, inMemory, dueInMemory, newId } = parts;
  return {
    async said(): Promise<Blinded | null> {
      const [row] = await unitOfWork.query<Blinded>(saidSql, [instance]);
      if (row) return row;
      const [adopted] = await unitOfWork.query<Blinded>(adoptSql, [instance]);
      return adopted ?? null;
    },
    async say(blinded: Blinded | null): Promise<void> {
      const risk = blinded && (await atRisk());
      await unitOfWork.run(async (tx) => {
        if (blinded && risk) return sayOnce(tx, blinded, risk);
        tx.send(lockIncidentSql);
        const [ended] = await tx.query<{ by: string; since: Instant }>(takeBackSql, [instance]);
        if (!ended) return;
        const data = { service: ended.by, since: ended.since, instance };
        tx.publish([encode({ subject: ended.by, event: { type: 'DetectorRestored', data } })]);
        await closeIncident(tx);
      });
    },
    async keepIncident(blinded: Blinded, now: Instant): Promise<void> {
      const { by, since } = blinded;
      const waiting = dueInMemory(now);
      const risk = await atRisk();
      const { slips, money } = risk;
      await unitOfWork.run(async (tx) => {
        // A database that was put back under this process has forgotten it: what is not said nobody takes back, and it stays open.
        await sayOnce(tx, blinded, risk);
        const [opened] = await tx.query<{ id: string }>(openIncidentSql, [newId(), since, by]);
        const [open] = opened ? [opened] : await tx.query<{ id: string }>(openOneSql);
        if (!open) return;
        const due = [waiting.map(({ slipId }) => slipId), waiting.map(({ deadline }) => deadline)];
        await tx.query(waitingSql, [open.id, partitions(), now, ...due]);
        if (!opened) return;
        const data = {
          ...{ incident: open.id, provider: null, since, until: now, slips, atRisk: money },
          ...{ warnings: [], blindSince: since, blindBy: by },
        };
        tx.publish([encode({ subject: open.id, event: { type: 'IncidentOpened', data } })]);
      });
    },
  };

  /** Not again when it was said already, as after a commit whose answer was lost. */
  async function sayOnce(tx: Tx, { by: service, why, since }: Blinded, risk: AtRisk): Promise<void> {
    if ((await tx.query(saySql, [instance, service, why, since])).length === 0) return;
    const data = { service, why, since, ...risk, instance };
    tx.publish([encode({ subject: service, event: { type: 'DetectorBlinded', data } })]);
  }

  async function closeIncident(tx: Tx): Promise<void> {
    const [closed] = await tx.query<{ id: string; since: Instant; until: Instant; slips: number }>(
      closeIncidentSql,
    );
    if (!closed) return;
    const { id, since, until, slips } = closed;
    const data = {
      ...{ incident: id, provider: null, since, until, slips, returned: 0, refunded: 0, mergedInto: null },
    };
    tx.publish([encode({ subject: id, event: { type: 'IncidentClosed', data } })]);
  }

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

import { insertRedrive, type Order } from './dead-letters.ts';
import type { Tx, UnitOfWork } from './unit-of-work.ts';

/** A partition as one group owns it. */
export interface OwnedPlace {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** A slip whose letters are to be read again, or one letter that stands alone (`parkKey` null). */
export interface RedriveItem extends OwnedPlace {
  readonly parkKey: string | null;
  readonly letterId: string | null;
  readonly redriveId: string;
  readonly perSecond: number;
}

/** A letter with what the record was. */
export interface ParkedRecord {
  readonly id: string;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** Why a letter failed again. */
export interface Refusal {
  readonly reason: string;
  readonly errorClass: string;
  readonly detail: string;
}

const nextSql = `
with owned as (select * from unnest($1::text[], $2::text[], $3::int[]) as o(consumer_group, topic, partition)), item as (
  select k.consumer_group, k.topic, k.partition, k.key as park_key, null::bigint as letter_id, k.redrive_id
  from parked_key k join owned using (consumer_group, topic, partition) where k.redrive_id is not null
  union all
  select d.consumer_group, d.topic, d.partition, null, d.id, d.redrive_id
  from dead_letter d join owned using (consumer_group, topic, partition) where d.status = 'queued'
)
select i.consumer_group as "group", i.topic, i.partition, i.park_key as "parkKey", i.letter_id as "letterId",
  i.redrive_id as "redriveId", r.per_second as "perSecond"
from item i join redrive r on r.id = i.redrive_id
order by i.redrive_id, i.letter_id, i.park_key limit $4`;

const takeSql = `
select id, kafka_offset as offset, key, value, headers,
  (extract(epoch from coalesce(record_time, failed_at)) * 1000)::bigint as "timestampMs"
from dead_letter
where consumer_group = $1 and topic = $2 and partition = $3
  and (park_key = $4 and status = 'parked' or id = $5 and status = 'queued')
order by kafka_offset limit $6 for update`;

const doneSql = `
update dead_letter set status = 'redriven', resolved_at = clock_timestamp(), redrive_id = $2, redrives = redrives + 1
where id = any($1::bigint[])`;

const failedSql = `
update dead_letter set status = 'parked', reason = $2, error_class = $3, detail = $4, attempts = attempts + 1,
  redrives = redrives + $5, redrive_id = $6, failed_at = clock_timestamp()
where id = $1`;

const letGoSql = `
delete from parked_key k where consumer_group = $1 and topic = $2 and partition = $3 and key = $4
  and not exists (select 1 from dead_letter d where d.consumer_group = k.consumer_group and d.topic = k.topic
    and d.partition = k.partition and d.park_key = k.key and d.status = 'parked')
returning 1`;

// The first letter of a slip says why it waits; those behind it are good records.
const tooNewSql = `
with tooNew as (
  select d.id, d.park_key, d.status from dead_letter d
  where d.consumer_group = $1 and d.topic = $2 and d.partition = $3 and d.reason = 'too_new' and d.status = 'parked'
), keyed as (
  update parked_key k set redrive_id = $4 where k.consumer_group = $1 and k.topic = $2 and k.partition = $3
    and k.redrive_id is null and k.key in (select park_key from tooNew) returning 1
), single as (
  update dead_letter set status = 'queued', redrive_id = $4
  where id in (select id from tooNew where park_key is null) returning 1
)
select (select count(*) from keyed)::int as slips, (select count(*) from single)::int as letters`;

/** What was decided about dead letters and is still to be done; each step runs under the partition's fence. */
export class RedriveQueue {
  readonly #unitOfWork: UnitOfWork;

  constructor(unitOfWork: UnitOfWork) {
    this.#unitOfWork = unitOfWork;
  }

  /** What is to be done on these partitions, in the order it was asked for. */
  async next(owned: readonly OwnedPlace[], itemsMax: number): Promise<readonly RedriveItem[]> {
    return this.#unitOfWork.query<RedriveItem>(nextSql, [
      owned.map(({ group }) => group),
      owned.map(({ topic }) => topic),
      owned.map(({ partition }) => partition),
      itemsMax,
    ]);
  }

  /** Queues what waits on a partition for a newer release: this may be it. Gives how many slips and single letters. */
  async queueTooNew({ group, topic, partition }: OwnedPlace, order: Order): Promise<number> {
    return this.#unitOfWork.run(async (tx) => {
      const parameters = [group, topic, partition, order.id];
      const [counts] = await tx.query<{ slips: number; letters: number }>(tooNewSql, parameters);
      const { slips, letters } = counts!;
      if (slips + letters === 0) return 0;
      await insertRedrive(tx, 'upgrade', order, { slips, letters: slips + letters }, 1_000);
      return slips + letters;
    });
  }

  /** Locks the item's first letters. */
  async take(tx: Tx, item: RedriveItem, lettersMax: number): Promise<readonly ParkedRecord[]> {
    const { group, topic, partition, parkKey, letterId } = item;
    const rows = await tx.query<ParkedRecord & { offset: string; timestampMs: string }>(takeSql, [
      ...[group, topic, partition, parkKey, letterId, lettersMax],
    ]);
    return rows.map((row) => ({ ...row, offset: Number(row.offset), timestampMs: Number(row.timestampMs) }));
  }

  async done(tx: Tx, letters: readonly ParkedRecord[], item: RedriveItem): Promise<void> {
    if (letters.length === 0) return;
    await tx.query(doneSql, [letters.map(({ id }) => id), item.redriveId]);
  }

  /** Lets the key go when none of its letters waits any more; true: it is gone. */
  async letGo(tx: Tx, { group, topic, partition, parkKey }: RedriveItem): Promise<boolean> {
    return (await tx.query(letGoSql, [group, topic, partition, parkKey])).length > 0;
  }

  /** The letter goes back; its slip waits on. A record that is still too new does not count as a try. */
  async failed(tx: Tx, letter: ParkedRecord, item: RedriveItem, refusal: Refusal): Promise<void> {
    const { reason, errorClass, detail } = refusal;
    const counted = reason === 'too_new' ? 0 : 1;
    await tx.query(failedSql, [letter.id, reason, errorClass, detail, counted, item.redriveId]);
    const { group, topic, partition, parkKey } = item;
    await tx.query(
      `update parked_key set redrive_id = null
       where consumer_group = $1 and topic = $2 and partition = $3 and key = $4`,
      [group, topic, partition, parkKey],
    );
  }
}

import { SlipstreamError } from '@slipstream/kernel';
import { lastDigestSql } from './digest-ring.ts';
import type { UnitOfWork } from './unit-of-work.ts';

export interface StoppedPlace {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** A source as it was read up to where the partition stopped. */
export interface KnownSource {
  readonly source: string;
  readonly sequence: number;
  readonly incarnation: number;
  /** CRC-32 of its last record, in hex; null: none is stored. */
  readonly digest: string | null;
}

/** A partition that stopped, and where. */
export interface StoppedPartition extends StoppedPlace {
  readonly stoppedAt: string;
  readonly why: string;
  readonly nextOffset: number;
  readonly topicId: string | null;
  readonly sources: readonly KnownSource[];
}

/** From where a partition goes on. */
export interface GoOn {
  readonly id: string;
  readonly by: string;
  readonly reason: string;
  readonly offset: number;
  /** The topic's id now. */
  readonly topicId: string | null;
  /** Where the log ends now. */
  readonly logEnd: number;
  /** Of the record at `offset`: its number is taken for the next of its source. Null: there is none, or it has none. */
  readonly record: {
    readonly source: string;
    readonly sequence: number;
    readonly incarnation: number;
  } | null;
}

const keepSql = `
insert into stopped_partition (consumer_group, topic, partition, why) values ($1, $2, $3, $4)
on conflict (consumer_group, topic, partition) do update set why = excluded.why`;

const listSql = `
select s.consumer_group as "group", s.topic, s.partition, s.stopped_at as "stoppedAt", s.why,
  p.next_offset::float8 as "nextOffset", p.topic_id as "topicId",
  coalesce((select json_agg(json_build_object('source', q.source, 'sequence', q.seq, 'incarnation', q.incarnation,
      'digest', ${lastDigestSql}) order by q.source)
    from consumer_sequence q
    where q.consumer_group = s.consumer_group and q.topic = s.topic and q.partition = s.partition), '[]') as sources
from stopped_partition s
join consumer_position p using (consumer_group, topic, partition)
order by s.topic, s.partition`;

const lockSql = `
select s.stopped_at, s.why, p.next_offset, p.topic_id
from stopped_partition s join consumer_position p using (consumer_group, topic, partition)
where s.consumer_group = $1 and s.topic = $2 and s.partition = $3 for update`;

const knownSql =
  'select seq from consumer_sequence where consumer_group = $1 and topic = $2 and partition = $3 and source = $4';

// A new epoch: whatever the owner still holds of this partition commits nothing any more.
const moveSql = `
update consumer_position set next_offset = $4, topic_id = coalesce($5, topic_id), epoch = epoch + 1
where consumer_group = $1 and topic = $2 and partition = $3`;

// In another log, copies of what was handled are resends as ever: its numbers stand.
const sourceSql = `
insert into consumer_sequence (consumer_group, topic, partition, source, seq, incarnation)
values ($1, $2, $3, $4, $5, $6)
on conflict (consumer_group, topic, partition, source)
do update set seq = excluded.seq, incarnation = excluded.incarnation, digests = '', ring = null
where not ($7 and consumer_sequence.incarnation = excluded.incarnation and consumer_sequence.seq >= excluded.seq)`;

const decisionSql = `
insert into partition_decision (id, decided_by, reason, consumer_group, topic, partition, stopped_at, why,
  from_offset, to_offset, from_topic_id, to_topic_id, source, from_seq, to_seq)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`;

const overSql = 'delete from stopped_partition where consumer_group = $1 and topic = $2 and partition = $3';

/** Partitions that stopped for lost records, a fork or another topic, and how people let them go on (rules 5 and 10). */
export class StoppedPartitions {
  readonly #unitOfWork: UnitOfWork;

  constructor(unitOfWork: UnitOfWork) {
    this.#unitOfWork = unitOfWork;
  }

  /** Remembers that it stopped, for every instance to show. */
  async keep({ group, topic, partition }: StoppedPlace, why: string): Promise<void> {
    await this.#unitOfWork.query(keepSql, [group, topic, partition, why]);
  }

  /** Whether people have decided since. */
  async isOver({ group, topic, partition }: StoppedPlace): Promise<boolean> {
    const rows = await this.#unitOfWork.query(
      'select 1 from stopped_partition where consumer_group = $1 and topic = $2 and partition = $3',
      [group, topic, partition],
    );
    return rows.length === 0;
  }

  async list(): Promise<readonly StoppedPartition[]> {
    return this.#unitOfWork.query<StoppedPartition>(listSql);
  }

  /**
   * Lets a partition go on from an offset, and keeps who said so and what stood there before.
   * @throws SlipstreamError not_found when it has not stopped, conflict when the offset was handled before
   */
  async goOn({ group, topic, partition }: StoppedPlace, decided: GoOn): Promise<void> {
    const place = [group, topic, partition];
    const { id, by, reason, offset, topicId, logEnd, record } = decided;
    await this.#unitOfWork.run(async (tx) => {
      const [stopped] = await tx.query<StopRow>(lockSql, place);
      if (!stopped) throw new SlipstreamError('not_found', 'This partition has not stopped.');
      const isMadeAnew = topicId !== null && stopped.topic_id !== null && topicId !== stopped.topic_id;
      // A log that ends before what was read is another one too, and offsets in it say nothing of what was handled.
      const isOther = isMadeAnew || logEnd < Number(stopped.next_offset);
      if (!isOther && offset < Number(stopped.next_offset)) {
        throw new SlipstreamError(
          'conflict',
          `Everything before offset ${stopped.next_offset} was handled already.`,
        );
      }
      let known: { seq: string } | undefined;
      if (record) {
        [known] = await tx.query<{ seq: string }>(knownSql, [...place, record.source]);
        await tx.query(sourceSql, [
          ...[...place, record.source, record.sequence - 1, record.incarnation],
          isOther,
        ]);
      }
      await tx.query(moveSql, [...place, offset, topicId]);
      await tx.query(decisionSql, [
        ...[id, by, reason, ...place, stopped.stopped_at, stopped.why],
        ...[stopped.next_offset, offset, stopped.topic_id, topicId],
        ...[record?.source ?? null, known?.seq ?? null, record?.sequence ?? null],
      ]);
      await tx.query(overSql, place);
    });
  }
}

interface StopRow {
  stopped_at: string;
  why: string;
  next_offset: string;
  topic_id: string | null;
}

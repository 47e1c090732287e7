import { storableText } from '@slipstream/kernel';
import { fromStored, toStored } from './digest-ring.ts';
import { StoppedPartitions } from './stopped-partitions.ts';
import { classifyDatabaseError } from './transient.ts';
import type { OutboundRecord, Tx, UnitOfWork } from './unit-of-work.ts';

// The shapes below are those of libs/kafka's ports; the two libraries meet structurally and import neither each other.

interface Letter {
  readonly record: {
    readonly offset: number;
    readonly timestampMs: number;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
  };
  readonly parkKey: string | null;
  readonly reason: string;
  readonly errorClass: string;
  readonly detail: string;
  readonly attempts: number;
  readonly headersRaw?: Buffer;
}

interface Position {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly nextOffset: number;
}

export interface SourcePosition {
  readonly incarnation: number;
  readonly sequence: number;
  readonly digests: readonly number[];
}

interface Moved<L> {
  readonly nextOffset: number;
  readonly sources: ReadonlyMap<string, SourcePosition>;
  readonly deadLetters: readonly L[];
}

interface UnitMove<L> {
  readonly position: Position;
  readonly advance: Moved<L>;
}

/** Another owner took the partition: whatever this one did was rolled back. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
  /** Those that were taken, of a unit over several. */
  readonly partitions: readonly number[];

  constructor({ group, topic }: Pick<Position, 'group' | 'topic'>, partitions: readonly number[]) {
    super(`${group} no longer owns ${topic} partition ${partitions.join(', ')}`);
    this.partitions = partitions;
  }
}

const claimSql = `
insert into consumer_position as p (consumer_group, topic, partition, epoch, topic_id) values ($1, $2, $3, 1, $4)
on conflict (consumer_group, topic, partition) do update set epoch = p.epoch + 1,
  topic_id = case when p.next_offset < 0 then coalesce($4, p.topic_id) else coalesce(p.topic_id, $4) end
returning epoch, next_offset, topic_id`;

const unstopSql = 'delete from stopped_partition where consumer_group = $1 and topic = $2 and partition = $3';

interface ClaimedRow {
  epoch: string;
  next_offset: string;
  topic_id: string | null;
}

const advanceSql = `
update consumer_position set next_offset = $6
where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $4 and next_offset = $5
returning 1`;

// Rows that are there are updated and only new ones inserted: ON CONFLICT locks each row by a record of its own in the
// write-ahead log before it updates it, for every source of every transaction of every service.
const movedSources = `
sources as (
  select * from unnest($3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[], $8::bytea[])
    as s(partition, source, seq, incarnation, digests, ring)
), moved as (
  update consumer_sequence c set seq = s.seq, incarnation = s.incarnation, digests = s.digests, ring = s.ring from sources s
   where c.consumer_group = $1 and c.topic = $2 and c.partition = s.partition and c.source = s.source
  returning c.partition, c.source
)`;
const newSources = `
insert into consumer_sequence (consumer_group, topic, partition, source, seq, incarnation, digests, ring)
select $1, $2, s.* from sources s
 where not exists (select from moved m where m.partition = s.partition and m.source = s.source)
on conflict (consumer_group, topic, partition, source)
do update set seq = excluded.seq, incarnation = excluded.incarnation, digests = excluded.digests, ring = excluded.ring`;
const keepSources = `with ${movedSources} ${newSources}`;

// Its first parameters are those of `keepSources`. What is moved is locked first, in one order.
const advanceAllSql = `
with ${movedSources}, kept as (${newSources}
), given as (
  select * from unnest($9::int[], $10::bigint[], $11::bigint[], $12::bigint[]) as g(partition, epoch, prior, next)
), held as materialized (
  select lock_positions($1, $2, $9::int[])
)
update consumer_position p set next_offset = g.next
  from held, given g
 where p.consumer_group = $1 and p.topic = $2 and p.partition = g.partition
   and p.epoch = g.epoch and p.next_offset = g.prior
returning p.partition`;

const fenceSql = `
select 1 from consumer_position
where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $4 and next_offset = $5 for share`;

const deadLetterSql = `
insert into dead_letter (consumer_group, topic, partition, kafka_offset, park_key, key, value, headers, reason, error_class, detail, attempts, headers_raw, record_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, timestamptz 'epoch' + $14 * interval '1 millisecond')
on conflict do nothing`;

const parkSql = `
insert into parked_key (consumer_group, topic, partition, key)
select $1, $2, $3, k from unnest($4::text[]) as k on conflict do nothing`;

/** Keeps a consumer group's place in PostgreSQL, in the same transaction as the effects of what it read (rule 5). */
export class PgConsumerStore<L extends Letter = Letter> {
  readonly #unitOfWork: UnitOfWork;
  readonly #toDeadLetterRecord: (group: string, letter: L) => OutboundRecord;

  /** `toDeadLetterRecord` gives the record that goes to `<topic>.dlq`. */
  constructor(unitOfWork: UnitOfWork, toDeadLetterRecord: (group: string, letter: L) => OutboundRecord) {
    this.#unitOfWork = unitOfWork;
    this.#toDeadLetterRecord = toDeadLetterRecord;
    this.stops = new StoppedPartitions(unitOfWork);
  }

  readonly classify = classifyDatabaseError;
  /** Partitions that wait for people. */
  readonly stops: StoppedPartitions;

  async claim(group: string, topic: string, partition: number, topicId: string | null) {
    const key = [group, topic, partition];
    return this.#unitOfWork.run(async (tx) => {
      const [row] = await tx.query<ClaimedRow>(claimSql, [...key, topicId]);
      await tx.query(unstopSql, key);
      const sources = await tx.query<SourceRow>(
        'select source, seq, incarnation, digests, ring from consumer_sequence where consumer_group = $1 and topic = $2 and partition = $3',
        key,
      );
      const parked = await tx.query<{ key: string }>(
        'select key from parked_key where consumer_group = $1 and topic = $2 and partition = $3',
        key,
      );
      return {
        group,
        topic,
        partition,
        epoch: Number(row!.epoch),
        nextOffset: Number(row!.next_offset),
        topicId: row!.topic_id,
        sources: new Map(sources.map((row) => [row.source, toSourcePosition(row)])),
        parkedKeys: new Set(parked.map((one) => one.key)),
      };
    });
  }

  async commit(position: Position, advance: Moved<L> | null, work: (tx: Tx) => Promise<void>): Promise<void> {
    await this.#unitOfWork.run(async (tx) => {
      const fence = [position.group, position.topic, position.partition, position.epoch, position.nextOffset];
      const held = advance ? tx.query(advanceSql, [...fence, advance.nextOffset]) : tx.query(fenceSql, fence);
      if (advance) {
        if (advance.sources.size > 0) tx.send(keepSources, sourcesOf([{ position, advance }]));
        this.#keepLetters(tx, position, advance);
      }
      await fenced(work(tx), held, (rows) => {
        if (rows.length === 0) throw new FencedError(position, [position.partition]);
      });
    });
  }

  /** Moves all partitions of a unit in one statement, in the order of their numbers. */
  async commitUnit(moves: readonly UnitMove<L>[], work: (tx: Tx) => Promise<void>): Promise<void> {
    const [first] = moves;
    if (!first) return;
    await this.#unitOfWork.run(async (tx) => {
      const moved = tx.query<{ partition: number }>(advanceAllSql, [
        ...sourcesOf(moves),
        moves.map(({ position }) => position.partition),
        moves.map(({ position }) => position.epoch),
        moves.map(({ position }) => position.nextOffset),
        moves.map(({ advance }) => advance.nextOffset),
      ]);
      for (const { position, advance } of moves) this.#keepLetters(tx, position, advance);
      await fenced(work(tx), moved, (rows) => {
        const held = new Set(rows.map(({ partition }) => partition));
        const lost = moves.filter(({ position }) => !held.has(position.partition));
        if (lost.length === 0) return;
        throw new FencedError(
          first.position,
          lost.map(({ position }) => position.partition),
        );
      });
    });
  }

  #keepLetters(tx: Tx, position: Position, advance: Moved<L>): void {
    const key = [position.group, position.topic, position.partition];
    for (const letter of advance.deadLetters) {
      tx.send(deadLetterSql, [
        ...key,
        letter.record.offset,
        letter.parkKey,
        letter.record.key,
        letter.record.value,
        headersJson(letter.record.headers),
        letter.reason,
        storableText(letter.errorClass),
        storableText(letter.detail),
        letter.attempts,
        letter.headersRaw ?? null,
        letter.record.timestampMs,
      ]);
      tx.publish([this.#toDeadLetterRecord(position.group, letter)]);
    }
    const parked = advance.deadLetters.flatMap((letter) => (letter.parkKey === null ? [] : [letter.parkKey]));
    if (parked.length > 0) tx.send(parkSql, [...key, parked]);
  }
}

/**
 * The fence is asked first, but its answer is not waited for before the work begins: who does not own the partition any
 * more does nothing that is kept, and is told that, whatever else went wrong on it.
 */
async function fenced<Row>(
  work: Promise<void>,
  asked: Promise<readonly Row[]>,
  assertHeld: (rows: readonly Row[]) => void,
): Promise<void> {
  const [done, held] = await Promise.allSettled([work, asked]);
  if (held.status === 'rejected') throw held.reason;
  assertHeld(held.value);
  if (done.status === 'rejected') throw done.reason;
}

/** The parameters of {@link keepSources}. */
function sourcesOf(moves: readonly UnitMove<unknown>[]): unknown[] {
  const moved = moves.flatMap(({ position: { partition }, advance: { sources } }) =>
    [...sources].map(([source, at]) => ({ partition, source, ...at })),
  );
  const stored = moved.map(({ sequence, digests }) => toStored(sequence, digests));
  const { group, topic } = moves[0]!.position;
  return [
    ...[group, topic],
    moved.map(({ partition }) => partition),
    moved.map(({ source }) => source),
    moved.map(({ sequence }) => sequence),
    moved.map(({ incarnation }) => incarnation),
    stored.map(({ digests }) => digests),
    stored.map(({ ring }) => ring),
  ];
}

interface SourceRow {
  source: string;
  seq: string;
  incarnation: string;
  digests: Buffer;
  ring: Buffer | null;
}

function toSourcePosition({ seq, incarnation, digests, ring }: SourceRow): SourcePosition {
  const sequence = Number(seq);
  return {
    ...{ sequence, incarnation: Number(incarnation) },
    digests: fromStored(sequence, digests, ring),
  };
}

function headersJson(headers: Letter['record']['headers']): string {
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    return [[storableText(name), Array.isArray(value) ? value.map(headerText) : headerText(value)]];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

/** As text; bytes that are none, or none that PostgreSQL can hold, as `base64:…`. */
function headerText(value: Buffer | string): string {
  const text = storableText(value.toString());
  return typeof value === 'string' || value.equals(Buffer.from(text))
    ? text
    : `base64:${value.toString('base64')}`;
}

import { createHash } from 'node:crypto';
import { stampEnvelope } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { OlderDatabase, SequencerState } from './own-log.ts';
import type { Tx, UnitOfWork } from './unit-of-work.ts';

const cursorsSql = 'select partition, end_offset from relay where topic = $1';

// One statement, so that numbers, incarnation and rows are of one moment.
const stateSql = `
select s.incarnation, s.next_seq, r.sent_seq, r.end_offset, r.topic_id, o.seq, o.at, o.received_at, o.body
from sequencer s
join relay r on r.topic = s.topic and r.partition = s.partition
left join lateral (
  select e.*, r.at from unnest($3::bigint[]) as w(seq), lateral (
    select * from outbox where topic = s.topic and partition = s.partition and seq >= w.seq order by seq limit 1) as r,
    outbox_events(r::outbox) as e
  where e.seq = w.seq) as o on true
where s.topic = $1 and s.partition = $2`;

const lockSql = 'select incarnation from sequencer where topic = $1 and partition = $2 for update';

// What is numbered anew has a row of its own for each event. In two steps: one may take its new number only when no other has it any more.
const partSql = 'select part_shared_rows($1, $2, $3)';
const setAsideSql =
  'update outbox set seq = -seq where topic = $1 and partition = $2 and seq > $3 returning 1';
const renumberSql = `
update outbox set seq = -seq - $3 + $4, received_at = coalesce(received_at, at), at = greatest(at, $5)
where topic = $1 and partition = $2 and seq < 0`;

const beginSql = `
update sequencer set next_seq = $3, incarnation = new_incarnation(greatest($4, incarnation)), last_time = greatest(last_time, $5)
where topic = $1 and partition = $2`;

const cursorSql = `
update relay set sent_seq = $3, end_offset = $4, epoch = epoch + 1 where topic = $1 and partition = $2`;

const followSql = `
update relay set sent_seq = $4, end_offset = $5 where topic = $1 and partition = $2 and sent_seq = $3`;

// What was never sent to anywhere may go to any.
const topicSql = `
update relay set topic_id = $3 where topic = $1 and partition = $2 and (topic_id is null or sent_seq = 0) and topic_id is distinct from $3`;

interface StateRow {
  incarnation: string;
  next_seq: string;
  sent_seq: string;
  end_offset: string;
  topic_id: string | null;
  seq: string | null;
  at: Instant;
  received_at: Instant | null;
  body: Buffer;
}

/** SHA-256 of a record's value. */
export function recordDigest(value: Uint8Array): string {
  return createHash('sha256').update(value).digest('base64');
}

/** Reads and moves what {@link judgeOwnLog} is about. */
export class OwnLogStore {
  readonly #unitOfWork: UnitOfWork;

  constructor(unitOfWork: UnitOfWork) {
    this.#unitOfWork = unitOfWork;
  }

  /** From where on each partition may hold records that the relay does not know of. */
  async cursors(topic: string): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#unitOfWork.query<{ partition: number; end_offset: string }>(cursorsSql, [topic]);
    return new Map(rows.map((row) => [row.partition, Number(row.end_offset)]));
  }

  /** To be read after the tail: what stands on the topic was committed before. */
  async state(topic: string, partition: number, numbers: readonly number[]): Promise<SequencerState> {
    const rows = await this.#unitOfWork.query<StateRow>(stateSql, [topic, partition, numbers]);
    const [first] = rows;
    if (!first) throw new Error(`no sequencer row for ${topic} partition ${partition}`);
    const digests = rows.flatMap((row): [number, string][] =>
      row.seq === null ? [] : [[Number(row.seq), recordDigest(stamped(row, row.seq))]],
    );
    return {
      incarnation: Number(first.incarnation),
      nextSeq: Number(first.next_seq),
      sentSeq: Number(first.sent_seq),
      endOffset: Number(first.end_offset),
      topicId: first.topic_id,
      digests: new Map(digests),
    };
  }

  /** Remembers which topic of the name the numbers lie on. */
  async keepTopic(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    topicId: string,
  ): Promise<void> {
    await this.#unitOfWork.query(topicSql, [topic, partition, topicId]);
  }

  /** Lets the cursor follow what is on the topic, unless it has moved since: whoever sends now knows better. */
  async moveCursor(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    seenSeq: number,
    sent: { readonly sentSeq: number; readonly endOffset: number },
  ): Promise<void> {
    await this.#unitOfWork.query(followSql, [topic, partition, seenSeq, sent.sentSeq, sent.endOffset]);
  }

  /**
   * Begins the incarnation that continues behind the topic's last own number; what was never sent is numbered anew
   * behind it. Whoever holds the relay's lease loses it.
   * @param seen the incarnation that the verdict is about
   * @returns false when another instance was faster: nothing was changed
   */
  async beginIncarnation(
    tx: Tx,
    place: { readonly topic: string; readonly partition: number },
    seen: number,
    { lastSeq, lastIncarnation, lastTime, endOffset, sharedSeq }: OlderDatabase,
  ): Promise<boolean> {
    const key = [place.topic, place.partition];
    const [row] = await tx.query<{ incarnation: string }>(lockSql, key);
    if (Number(row?.incarnation) !== seen) return false;
    const time = lastTime ?? '-infinity';
    await tx.query(partSql, [...key, sharedSeq]);
    const unsent = await tx.query(setAsideSql, [...key, sharedSeq]);
    await tx.query(renumberSql, [...key, sharedSeq, lastSeq, time]);
    await tx.query(beginSql, [...key, lastSeq + unsent.length + 1, lastIncarnation, time]);
    await tx.query(cursorSql, [...key, lastSeq, endOffset]);
    return true;
  }
}

function stamped(row: StateRow, sequence: string): Buffer {
  const { incarnation, at, received_at, body } = row;
  return stampEnvelope(body, { sequence, incarnation, time: at, receivedTime: received_at ?? at });
}

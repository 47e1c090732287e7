import { stampEnvelope } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import { type Lease, Leases } from './leases.ts';
import type { UnitOfWork } from './unit-of-work.ts';

export interface RelayRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers?: Record<string, string>;
}

/** Where the relay sends to: one call in flight, acks=all, idempotent (libs/kafka's SerialProducer). */
export interface RelayProducer {
  /** Gives the base offset of each `topic:partition` sent to. */
  sendBatch(records: readonly RelayRecord[]): Promise<ReadonlyMap<string, bigint>>;
}

interface OutboxRow {
  topic: string;
  partition: number;
  seq: string;
  /** Of the sequencer: a new one begins only when what is not sent yet was numbered anew. */
  incarnation: string;
  at: Instant;
  received_at: Instant | null;
  key: string | null;
  headers: Record<string, string> | null;
  body: Buffer;
}

/** Per partition and round: at most this many rows and (beyond the first row) this many bytes. */
const rowsMax = 500;
const bytesMax = 256 * 1024;

const readSql = `
select o.topic, o.partition, o.seq, s.incarnation, o.at, o.received_at, o.key, o.headers, o.body
from unnest($1::text[], $2::int[], $3::bigint[]) as c(topic, partition, sent)
join sequencer s on s.topic = c.topic and s.partition = c.partition,
lateral (
  select *, sum(octet_length(body)) over (order by seq) - octet_length(body) as before from (
    select * from outbox where topic = c.topic and partition = c.partition and seq > c.sent order by seq limit ${rowsMax}
  ) as page
) as o
where o.before < ${bytesMax}
order by o.topic, o.partition, o.seq`;

const cursorSql = `
update relay r set sent_seq = c.sent, end_offset = c.end_offset
from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[]) as c(topic, partition, epoch, sent, end_offset)
where r.topic = c.topic and r.partition = c.partition and r.epoch = c.epoch
returning r.topic, r.partition`;

const pruneRowsMax = 5_000;

// `at` grows with `seq`, so the oldest rows are the first by `seq`: while the very first is young nothing else is read.
const pruneSql = `
with first as (select at from outbox where topic = $1 and partition = $2 order by seq limit 1),
page as (
  select seq, at from outbox where topic = $1 and partition = $2 order by seq
  limit (select count(*) * ${pruneRowsMax} from first where at < clock_timestamp() - make_interval(secs => $3)))
delete from outbox o using relay r, page
where r.topic = $1 and r.partition = $2 and o.topic = $1 and o.partition = $2 and o.seq = page.seq
  and o.seq <= r.sent_seq and page.at < clock_timestamp() - make_interval(secs => $3)
returning o.seq`;

export interface RelayOptions {
  readonly instanceId: string;
  readonly topics: readonly string[];
  /** How often an idle relay looks for what other instances committed. */
  readonly pollMs?: number;
  /** How long a lease holds without being renewed. */
  readonly leaseMs?: number;
  /** How long sent rows are kept to be compared with the topic. */
  readonly retentionMs?: number;
  /** How often rows past their retention are looked for. */
  readonly pruneMs?: number;
  readonly onError?: (error: unknown) => void;
}

/**
 * Sends committed outbox rows to Kafka in `seq` order (rule 4). While one batch is in flight the next is read; the
 * cursor moves after the acknowledgement, so a crash between the two repeats records under the same numbers, which
 * consumers skip. A relay that lost its lease fails to move the cursor and stops sending that partition.
 */
export class Relay {
  readonly #unitOfWork: UnitOfWork;
  readonly #producer: RelayProducer;
  readonly #leases: Leases;
  readonly #options: Required<Omit<RelayOptions, 'instanceId' | 'topics' | 'leaseMs'>>;
  #stopping = false;
  #running: Promise<void> | null = null;
  #wake: () => void = () => {};
  #woken = false;
  #pruneAtMs = 0;
  #roundAtMs = performance.now();

  constructor(unitOfWork: UnitOfWork, producer: RelayProducer, options: RelayOptions) {
    this.#unitOfWork = unitOfWork;
    this.#producer = producer;
    this.#leases = new Leases(unitOfWork, options);
    this.#options = {
      pollMs: 20,
      retentionMs: 7 * 86_400_000,
      pruneMs: 60_000,
      onError: () => {},
      ...options,
    };
  }

  async start(): Promise<void> {
    await this.#leases.renew(true);
    this.#running = this.#run();
  }

  /** Called after a commit in this process: the relay looks at once. */
  readonly wake = (): void => {
    this.#woken = true;
    this.#wake();
  };

  /** True for the one instance that speaks for the service's watermarks: the sender of this partition. */
  leads(topic: string, partition: number): boolean {
    return this.#leases.holds(topic, partition);
  }

  /** Milliseconds since the relay last found everything sent or sent some of it. */
  get silentMs(): number {
    return performance.now() - this.#roundAtMs;
  }

  /** Sends what is committed by now, then stops and gives the leases back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#running;
    await this.#leases.release().catch(this.#options.onError);
  }

  async #run(): Promise<void> {
    let ahead: Promise<OutboxRow[]> | null = null;
    for (;;) {
      try {
        // A stopping relay lets its leases run out, so that it ends also while others commit without a pause.
        if (!this.#stopping) await this.#leases.renew();
        await this.#prune();
        this.#woken = false;
        const rows: OutboxRow[] = await (ahead ?? this.#read());
        ahead = null;
        if (rows.length === 0) {
          this.#roundAtMs = performance.now();
          if (this.#stopping) return;
          await this.#idle(this.#options.pollMs);
          continue;
        }
        // Only the rows still leased; and the page after them is read while they are on their way.
        const moves = this.#plan(rows);
        ahead = this.#read(moves);
        ahead.catch(() => {});
        await this.#sendEach(moves);
        this.#roundAtMs = performance.now();
      } catch (error) {
        ahead = null;
        this.#options.onError(error);
        if (this.#stopping) return;
        await this.#leases.renew(true).catch(() => {});
        await this.#idle(500);
      }
    }
  }

  async #read(moves: readonly Move[] = []): Promise<OutboxRow[]> {
    const leases = this.#leases.held();
    if (leases.length === 0) return [];
    const reached = new Map(moves.map((move) => [move.lease, move.lastSeq]));
    return this.#unitOfWork.query<OutboxRow>(readSql, [
      leases.map((lease) => lease.topic),
      leases.map((lease) => lease.partition),
      leases.map((lease) => reached.get(lease) ?? lease.sentSeq),
    ]);
  }

  #plan(rows: readonly OutboxRow[]): Move[] {
    const leases = new Map(this.#leases.held().map((lease) => [`${lease.topic}:${lease.partition}`, lease]));
    const moves = new Map<Lease, Move>();
    for (const row of rows) {
      const lease = leases.get(`${row.topic}:${row.partition}`);
      if (!lease) continue;
      const move = moves.get(lease) ?? { lease, records: [], lastSeq: lease.sentSeq };
      // A page read ahead of a failed send or for another epoch doesn't follow: it is read again.
      if (BigInt(row.seq) !== move.lastSeq + 1n) continue;
      move.records.push(toRecord(row));
      move.lastSeq = BigInt(row.seq);
      moves.set(lease, move);
    }
    return [...moves.values()];
  }

  /** All in one batch; when the broker will never take some of it, each partition by itself: only that one waits. */
  async #sendEach(moves: readonly Move[]): Promise<void> {
    try {
      await this.#send(moves);
    } catch (error) {
      if (moves.length === 1 || (error as { retryable?: boolean }).retryable !== false) throw error;
      const failures: unknown[] = [];
      for (const move of moves) await this.#send([move]).catch((failure) => failures.push(failure));
      throw failures[0] ?? error;
    }
  }

  async #send(moves: readonly Move[]): Promise<void> {
    if (moves.length === 0) return;
    const offsets = await this.#producer.sendBatch(moves.flatMap((move) => move.records));
    const bases = moves.map(({ lease: { topic, partition } }) => {
      const base = offsets.get(`${topic}:${partition}`);
      if (base === undefined) throw new Error(`the producer says nothing of ${topic} partition ${partition}`);
      return base;
    });
    for (const [index, move] of moves.entries()) {
      const base = bases[index]!;
      if (base >= 0n) move.lease.endOffset = base + BigInt(move.records.length);
      move.lease.sentSeq = move.lastSeq;
    }
    const leases = moves.map((move) => move.lease);
    const kept = await this.#unitOfWork.query<{ topic: string; partition: number }>(cursorSql, [
      leases.map((lease) => lease.topic),
      leases.map((lease) => lease.partition),
      leases.map((lease) => lease.epoch),
      leases.map((lease) => lease.sentSeq),
      leases.map((lease) => lease.endOffset),
    ]);
    if (kept.length === leases.length) return;
    const still = new Set(kept.map((row) => `${row.topic} ${row.partition}`));
    for (const lease of leases)
      if (!still.has(`${lease.topic} ${lease.partition}`)) this.#leases.forget(lease);
  }

  /** Rows long sent are dropped a page at a time; where a page was full, the next follows soon. */
  async #prune(): Promise<void> {
    if (this.#stopping || performance.now() < this.#pruneAtMs) return;
    let isMore = false;
    for (const { topic, partition } of this.#leases.held()) {
      const secs = this.#options.retentionMs / 1000;
      const dropped = await this.#unitOfWork.query(pruneSql, [topic, partition, secs]);
      if (dropped.length === pruneRowsMax) isMore = true;
    }
    this.#pruneAtMs =
      performance.now() + (isMore ? Math.min(1_000, this.#options.pruneMs) : this.#options.pruneMs);
  }

  async #idle(ms: number): Promise<void> {
    if (this.#woken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}

interface Move {
  readonly lease: Lease;
  readonly records: RelayRecord[];
  lastSeq: bigint;
}

function toRecord(row: OutboxRow): RelayRecord {
  if (row.headers)
    return {
      topic: row.topic,
      partition: row.partition,
      key: row.key,
      value: row.body,
      headers: row.headers,
    };
  const value = stampEnvelope(row.body, {
    sequence: row.seq,
    incarnation: row.incarnation,
    time: row.at,
    receivedTime: row.received_at ?? row.at,
  });
  return { topic: row.topic, partition: row.partition, key: row.key, value, headers: contentType };
}

const contentType = { 'content-type': 'application/cloudevents+protobuf' };

import { stampEnvelope } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { Lease } from './leases.ts';
import type { UnitOfWork } from './unit-of-work.ts';

export interface RelayRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers?: Record<string, string>;
}

export interface OutboxRow {
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

/** What one send carries of one partition. */
export interface Page {
  readonly lease: Lease;
  readonly rows: readonly OutboxRow[];
}

/** Per partition and round: at most this many rows and (beyond the first row) this many bytes. */
export const pageRowsMax = 500;
const pageBytesMax = 256 * 1024;

// Headers count as they will be sent: a dead letter's may be far larger than its body. For a lease whose epoch is over nothing is read: the numbers
// that follow its cursor may have been sent in an incarnation before.
const readSql = `
select o.topic, o.partition, o.seq, s.incarnation, o.at, o.received_at, o.key, o.headers, o.body
from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) as c(topic, partition, sent, epoch)
join relay r on r.topic = c.topic and r.partition = c.partition and r.epoch = c.epoch
join sequencer s on s.topic = c.topic and s.partition = c.partition,
lateral (
  select *, sum(bytes) over (order by seq) - bytes as before from (
    select *, octet_length(body) + coalesce(octet_length(headers::text), 0) as bytes
    from outbox_event where topic = c.topic and partition = c.partition and row_seq > c.sent and seq > c.sent
    order by row_seq, seq limit ${pageRowsMax}
  ) as page
) as o
where o.before < ${pageBytesMax}
order by o.topic, o.partition, o.seq`;

/** Reads what follows `after` (or what was sent) in each partition. */
export async function readPages(
  unitOfWork: UnitOfWork,
  leases: readonly Lease[],
  after: ReadonlyMap<Lease, bigint> = new Map(),
): Promise<OutboxRow[]> {
  if (leases.length === 0) return [];
  return unitOfWork.query<OutboxRow>(readSql, [
    leases.map((lease) => lease.topic),
    leases.map((lease) => lease.partition),
    leases.map((lease) => after.get(lease) ?? lease.sentSeq),
    leases.map((lease) => lease.epoch),
  ]);
}

/** Whether these are all rows that there were: none of their pages can have been cut. */
export function areAll(rows: readonly OutboxRow[]): boolean {
  let bytes = 0;
  for (const { body, headers } of rows) {
    if (headers !== null) return false;
    bytes += body.length;
  }
  return rows.length < pageRowsMax && bytes < pageBytesMax;
}

/**
 * What may be sent now: rows of the leases, each following what was sent before. A page that was read ahead of a failed
 * send, or for a lease since lost, doesn't follow: it is left out and read again.
 */
export function pagesToSend(rows: readonly OutboxRow[], leases: readonly Lease[]): Page[] {
  const byPartition = new Map(leases.map((lease) => [`${lease.topic}:${lease.partition}`, lease]));
  const pages = new Map<Lease, { lease: Lease; rows: OutboxRow[]; lastSeq: bigint }>();
  for (const row of rows) {
    const lease = byPartition.get(`${row.topic}:${row.partition}`);
    if (!lease) continue;
    const page = pages.get(lease) ?? { lease, rows: [], lastSeq: lease.sentSeq };
    const seq = BigInt(row.seq);
    if (seq !== page.lastSeq + 1n) continue;
    page.rows.push(row);
    page.lastSeq = seq;
    pages.set(lease, page);
  }
  return [...pages.values()];
}

/** @throws Error when rows are gone that were not sent: nobody may take what follows for all there is */
export function assertFollowing(rows: readonly OutboxRow[], leases: readonly Lease[]): void {
  for (const lease of leases) {
    const { topic, partition, sentSeq } = lease;
    const first = rows.find((row) => row.topic === topic && row.partition === partition);
    if (first && BigInt(first.seq) !== sentSeq + 1n) {
      throw new Error(`the outbox has seq ${first.seq} after ${sentSeq} of ${topic} partition ${partition}`);
    }
  }
}

export const lastSeqOf = ({ rows }: Page): bigint => BigInt(rows.at(-1)!.seq);

/** The record of a row: raw with its headers, or a CloudEvent completed with what only the commit knew. */
export function toRecord(row: OutboxRow): RelayRecord {
  const { topic, partition, key, body } = row;
  if (row.headers) return { topic, partition, key, value: body, headers: row.headers };
  const { seq: sequence, incarnation, at: time } = row;
  const stamp = { sequence, incarnation, time, receivedTime: row.received_at ?? time };
  return { topic, partition, key, value: stampEnvelope(body, stamp), headers: contentType };
}

const contentType = { 'content-type': 'application/cloudevents+protobuf' };

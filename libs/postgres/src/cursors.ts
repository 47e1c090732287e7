import type { Lease, Leases } from './leases.ts';
import { lastSeqOf, type OutboxRow, type Page } from './outbox.ts';
import type { UnitOfWork } from './unit-of-work.ts';

const cursorSql = `
update relay r set sent_seq = c.sent, end_offset = c.end_offset
from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[]) as c(topic, partition, epoch, sent, end_offset)
where r.topic = c.topic and r.partition = c.partition and r.epoch = c.epoch
returning r.topic, r.partition`;

const passOverSql = `
with moved as (
  update relay set sent_seq = $4 where topic = $1 and partition = $2 and epoch = $3 returning 1
), kept as (
  insert into unsendable (topic, partition, seq, at, key, headers, body, reason)
  select o.topic, o.partition, o.seq, o.at, o.key, o.headers, o.body, $5 from outbox o, moved
  where o.topic = $1 and o.partition = $2 and o.seq = $4 on conflict do nothing
)
select 1 from moved`;

/** Where each partition was sent to, in memory first and then in the database, under the lease's epoch. */
export class Cursors {
  readonly #unitOfWork: UnitOfWork;
  readonly #leases: Leases;
  readonly #onTook: (lease: Lease) => void;

  /** `onTook` is called as soon as the broker has what stands up to the lease's `sentSeq`. */
  constructor(unitOfWork: UnitOfWork, leases: Leases, onTook: (lease: Lease) => void) {
    this.#unitOfWork = unitOfWork;
    this.#leases = leases;
    this.#onTook = onTook;
  }

  /** Remembers a page when the broker told the offset of its first record; -1 is one that it knows no more. */
  took(page: Page, offsets: ReadonlyMap<string, bigint>): boolean {
    const { lease, rows } = page;
    const base = offsets.get(`${lease.topic}:${lease.partition}`);
    if (base === undefined) return false;
    if (base >= 0n) lease.endOffset = base + BigInt(rows.length);
    lease.sentSeq = lastSeqOf(page);
    lease.isStored = false;
    this.#onTook(lease);
    return true;
  }

  /**
   * Writes what is not stored yet. When that fails it stays so and is written again, though nothing more may come on
   * its partition: the watermark waits for it. A lease of an older epoch is forgotten. Of a closed partition nothing is
   * written: its database may be another one, which never heard of what was sent.
   */
  async store(leases: readonly Lease[]): Promise<void> {
    const ahead = leases.filter((lease) => !lease.isStored && this.#leases.isOpen(lease));
    if (ahead.length === 0) return;
    const wanted = ahead.map((lease) => ({ lease, sentSeq: lease.sentSeq }));
    const kept = await this.#unitOfWork.query<{ topic: string; partition: number }>(cursorSql, [
      ahead.map((lease) => lease.topic),
      ahead.map((lease) => lease.partition),
      ahead.map((lease) => lease.epoch),
      ahead.map((lease) => lease.sentSeq),
      ahead.map((lease) => lease.endOffset),
    ]);
    const still = new Set(kept.map((row) => `${row.topic} ${row.partition}`));
    for (const { lease, sentSeq } of wanted) {
      if (!still.has(`${lease.topic} ${lease.partition}`)) this.#leases.forget(lease);
      else if (lease.sentSeq === sentSeq) lease.isStored = true;
    }
  }

  /** Sets a row aside that the broker will never take, and goes on behind it. */
  async passOver(lease: Lease, row: OutboxRow, reason: string): Promise<void> {
    const { topic, partition, epoch } = lease;
    const moved = await this.#unitOfWork.query(passOverSql, [topic, partition, epoch, row.seq, reason]);
    if (moved.length === 0) this.#leases.forget(lease);
    else lease.sentSeq = BigInt(row.seq);
  }
}

import type { UnitOfWork } from './unit-of-work.ts';

/** A partition this instance may send, until `validUntilMs` on the monotonic clock. */
export interface Lease {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  sentSeq: bigint;
  endOffset: bigint;
}

const beatSql = `
with beat as (insert into instance (id, seen_at) values ($1, clock_timestamp())
  on conflict (id) do update set seen_at = excluded.seen_at),
gone as (delete from instance where seen_at < clock_timestamp() - interval '1 day')
select count(*) as others from instance where id <> $1 and seen_at > clock_timestamp() - make_interval(secs => $2)`;

// Renews what is held, up to the fair share, and takes what is free; a row held by a living other is left alone. What a
// dead process of the same name held is taken at once, under a new epoch ($5).
const leaseSql = `
with mine as (
  select topic, partition from relay
  where topic = any($4) and (owner = $1 or lease_until < clock_timestamp())
  order by (owner = $1) desc nulls last, topic, partition limit $3 for update skip locked
)
update relay r set
  epoch = r.epoch + case when not $5 and r.owner = $1 and r.lease_until >= clock_timestamp() then 0 else 1 end,
  owner = $1,
  lease_until = clock_timestamp() + make_interval(secs => $2)
from mine where r.topic = mine.topic and r.partition = mine.partition
returning r.topic, r.partition, r.epoch, r.sent_seq, r.end_offset`;

const releaseSql = `
update relay set owner = null, lease_until = '-infinity'
where owner = $1 and not (topic || ' ' || partition = any($2))`;

interface LeaseRow {
  topic: string;
  partition: number;
  epoch: string;
  sent_seq: string;
  end_offset: string;
}

/** Shares the outbox partitions among the living instances of one service, by rows in their database. */
export class Leases {
  readonly #unitOfWork: UnitOfWork;
  readonly #instanceId: string;
  readonly #topics: readonly string[];
  readonly #leaseMs: number;
  readonly #monotonicMs: () => number;
  #held = new Map<string, Lease>();
  #validUntilMs = 0;
  #isFirst = true;
  #renewAtMs = 0;

  constructor(
    unitOfWork: UnitOfWork,
    options: { instanceId: string; topics: readonly string[]; leaseMs?: number; monotonicMs?: () => number },
  ) {
    this.#unitOfWork = unitOfWork;
    this.#instanceId = options.instanceId;
    this.#topics = options.topics;
    this.#leaseMs = options.leaseMs ?? 3_000;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  /** What may be sent now. Nothing once the lease ran out on this process's own monotonic clock (a paused process). */
  held(): readonly Lease[] {
    return this.#monotonicMs() < this.#validUntilMs ? [...this.#held.values()] : [];
  }

  holds(topic: string, partition: number): boolean {
    return this.#monotonicMs() < this.#validUntilMs && this.#held.has(`${topic} ${partition}`);
  }

  forget(lease: Lease): void {
    this.#held.delete(`${lease.topic} ${lease.partition}`);
  }

  /** Renews when a third of the lease has passed. */
  async renew(force = false): Promise<void> {
    const before = this.#monotonicMs();
    if (!force && before < this.#renewAtMs) return;
    const secs = this.#leaseMs / 1000;
    const rows = await this.#unitOfWork.run(async (tx) => {
      const [alive] = await tx.query<{ others: string }>(beatSql, [this.#instanceId, secs]);
      const [total] = await tx.query<{ n: string }>('select count(*) as n from relay where topic = any($1)', [
        this.#topics,
      ]);
      const share = Math.ceil(Number(total!.n) / (Number(alive!.others) + 1));
      const leased = await tx.query<LeaseRow>(leaseSql, [
        this.#instanceId,
        secs,
        share,
        this.#topics,
        this.#isFirst,
      ]);
      await tx.query(releaseSql, [this.#instanceId, leased.map((row) => `${row.topic} ${row.partition}`)]);
      return leased;
    });
    this.#isFirst = false;
    const held = new Map<string, Lease>();
    for (const row of rows) {
      const key = `${row.topic} ${row.partition}`;
      const known = this.#held.get(key);
      held.set(key, known && known.epoch === Number(row.epoch) ? known : fresh(row));
    }
    this.#held = held;
    this.#validUntilMs = before + this.#leaseMs;
    this.#renewAtMs = before + this.#leaseMs / 3;
  }

  /** Gives everything back, so that another instance need not wait for the lease to run out. */
  async release(): Promise<void> {
    this.#held.clear();
    await this.#unitOfWork.query(releaseSql, [this.#instanceId, []]);
    await this.#unitOfWork.query('delete from instance where id = $1', [this.#instanceId]);
  }
}

function fresh(row: LeaseRow): Lease {
  return {
    topic: row.topic,
    partition: row.partition,
    epoch: Number(row.epoch),
    sentSeq: BigInt(row.sent_seq),
    endOffset: BigInt(row.end_offset),
  };
}

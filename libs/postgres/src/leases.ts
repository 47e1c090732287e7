import { setTimeout as sleep } from 'node:timers/promises';
import type { UnitOfWork } from './unit-of-work.ts';

/** A partition this process may send, while {@link Leases.isHeld} says so. */
export interface Lease {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  sentSeq: bigint;
  endOffset: bigint;
  /** False while the database may know less than the two above. */
  isStored: boolean;
}

export interface LeasesOptions {
  /** Of this very process: no other ever has it, so that two processes never take each other for themselves. */
  readonly processId: string;
  /** The slot: what the process before this one held in it is taken over at the start, under a new epoch. */
  readonly name: string;
  readonly topics: readonly string[];
  /** How long a lease holds without being renewed. */
  readonly leaseMs?: number;
  readonly monotonicMs?: () => number;
  /** False while nothing may be sent to a partition, or written about it, though its lease is held. */
  readonly isOpen?: (topic: string, partition: number) => boolean;
  readonly onError?: (error: unknown) => void;
}

const beatSql = `
with beat as (insert into instance (id, name, seen_at) values ($1, $3, clock_timestamp())
  on conflict (id) do update set seen_at = excluded.seen_at),
gone as (delete from instance where seen_at < clock_timestamp() - interval '1 day')
select count(*) as others from instance where id <> $1 and seen_at > clock_timestamp() - make_interval(secs => $2)`;

// Should such a process live against all expectation, it counts again from its next beat on, and keeps what it can get.
const namesakesSql = `
delete from instance where id <> $1 and (name = $2 or id = $2) returning id`;

// Renews what is held, up to the fair share, and takes what is free; a row held by a living other is left alone. A new
// owner is a new epoch: what the one before still writes changes nothing.
const leaseSql = `
with mine as (
  select topic, partition from relay
  where topic = any($4) and (owner = $1 or lease_until < clock_timestamp() or owner = any($5))
  order by (owner = $1) desc nulls last, topic, partition limit $3 for update skip locked
)
update relay r set
  epoch = r.epoch + case when r.owner = $1 and r.lease_until >= clock_timestamp() then 0 else 1 end,
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

/**
 * Shares the outbox partitions among the living instances of one service, by rows in their database. Renewing has its
 * own rhythm: a send that takes longer than a lease costs no lease.
 */
export class Leases {
  readonly #unitOfWork: UnitOfWork;
  readonly #options: Required<LeasesOptions>;
  readonly #stop = new AbortController();
  #held = new Map<string, Lease>();
  #validUntilMs = 0;
  #others = 0;
  #isFirst = true;
  #renewing: Promise<void> = Promise.resolve();

  constructor(unitOfWork: UnitOfWork, options: LeasesOptions) {
    this.#unitOfWork = unitOfWork;
    this.#options = {
      leaseMs: 3_000,
      monotonicMs: () => performance.now(),
      isOpen: () => true,
      onError: () => {},
      ...options,
    };
  }

  /** Takes the first leases, then renews them until {@link stopRenewing}. */
  async start(): Promise<void> {
    await this.renew();
    this.#renewing = this.#keepRenewing();
  }

  /** False while the last renewal is too long ago: nothing may be sent then. */
  get isCurrent(): boolean {
    return this.#options.monotonicMs() < this.#validUntilMs;
  }

  /** What may be sent now. Nothing once the lease ran out on this process's own monotonic clock (a paused process). */
  held(): readonly Lease[] {
    return this.isCurrent ? [...this.#held.values()].filter((lease) => this.isOpen(lease)) : [];
  }

  holds(topic: string, partition: number): boolean {
    return this.isCurrent && this.#held.has(`${topic} ${partition}`);
  }

  isOpen({ topic, partition }: Pick<Lease, 'topic' | 'partition'>): boolean {
    return this.#options.isOpen(topic, partition);
  }

  /** The lease of a partition that may be sent now. */
  get(topic: string, partition: number): Lease | undefined {
    const lease = this.#held.get(`${topic} ${partition}`);
    return lease && this.isHeld(lease) ? lease : undefined;
  }

  /** False when it ran out, was lost, was taken anew since, or is closed. */
  isHeld(lease: Lease): boolean {
    return (
      this.isCurrent && this.isOpen(lease) && this.#held.get(`${lease.topic} ${lease.partition}`) === lease
    );
  }

  /** Whether no other instance lives that may commit to a partition held here. */
  get isAlone(): boolean {
    return this.#others === 0;
  }

  forget(lease: Lease): void {
    const key = `${lease.topic} ${lease.partition}`;
    if (this.#held.get(key) === lease) this.#held.delete(key);
  }

  /** Beats, renews and shares once. */
  async renew(): Promise<void> {
    const before = this.#options.monotonicMs();
    const rows = await this.#unitOfWork.run(async (tx) => {
      const { processId, name, topics, leaseMs } = this.#options;
      const secs = leaseMs / 1000;
      const namesakes = this.#isFirst ? await tx.query<{ id: string }>(namesakesSql, [processId, name]) : [];
      const [alive] = await tx.query<{ others: string }>(beatSql, [processId, secs, name]);
      const [total] = await tx.query<{ n: string }>('select count(*) as n from relay where topic = any($1)', [
        topics,
      ]);
      this.#others = Number(alive!.others);
      const share = Math.ceil(Number(total!.n) / (this.#others + 1));
      const dead = namesakes.map((row) => row.id);
      const leased = await tx.query<LeaseRow>(leaseSql, [processId, secs, share, topics, dead]);
      await tx.query(releaseSql, [processId, leased.map((row) => `${row.topic} ${row.partition}`)]);
      return leased;
    });
    this.#isFirst = false;
    this.#held = new Map(rows.map((row) => [`${row.topic} ${row.partition}`, this.#renewed(row)]));
    this.#validUntilMs = before + this.#options.leaseMs;
  }

  /** From now on the leases run out, so that a sender ends also while others commit without a pause. */
  async stopRenewing(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
  }

  /** Gives everything back, so that another instance need not wait for the lease to run out. */
  async release(): Promise<void> {
    this.#held.clear();
    await this.#unitOfWork.query(releaseSql, [this.#options.processId, []]);
    await this.#unitOfWork.query('delete from instance where id = $1', [this.#options.processId]);
  }

  async #keepRenewing(): Promise<void> {
    const { leaseMs, onError } = this.#options;
    const { signal } = this.#stop;
    let delayMs = leaseMs / 3;
    while (!signal.aborted) {
      await sleep(delayMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.renew();
        delayMs = leaseMs / 3;
      } catch (error) {
        onError(error);
        delayMs = leaseMs / 6;
      }
    }
  }

  /** The memory of a lease outlives its renewal; what the database knows less of is written again. */
  #renewed(row: LeaseRow): Lease {
    const known = this.#held.get(`${row.topic} ${row.partition}`);
    if (known?.epoch !== Number(row.epoch)) return fresh(row);
    if (BigInt(row.sent_seq) < known.sentSeq) known.isStored = false;
    return known;
  }
}

function fresh(row: LeaseRow): Lease {
  return {
    topic: row.topic,
    partition: row.partition,
    epoch: Number(row.epoch),
    sentSeq: BigInt(row.sent_seq),
    endOffset: BigInt(row.end_offset),
    isStored: true,
  };
}

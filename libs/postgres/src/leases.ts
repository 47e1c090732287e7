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
  /** How long a process is taken for alive, and holds its leases, without a sign of life. */
  readonly leaseMs?: number;
  readonly monotonicMs?: () => number;
  /** How far behind this instance is in what it reads; told with its signs of life. */
  readonly behindMs?: () => number;
  /** There may be something to send that no commit of this process tells of: leases came, or another instance did. */
  readonly onChange?: () => void;
  /** False while nothing may be sent to a partition, or written about it, though its lease is held. */
  readonly isOpen?: (topic: string, partition: number) => boolean;
  readonly onError?: (error: unknown) => void;
}

/** Other living instances, of any release; $1 is this one, $2 the seconds that a sign of life holds. */
const othersSql = `select count(*)::int as others, coalesce(max(behind_ms), 0)::int as "othersBehindMs" from instance
  where id <> $1 and seen_at > clock_timestamp() - make_interval(secs => $2)`;

/** A partition of nobody, or of a process of a release before (or long gone) whose lease on the row has run out. */
function isFree(relay: string): string {
  return `(${relay}.owner is null or ${relay}.lease_until < clock_timestamp() and not exists (
    select 1 from instance where id = ${relay}.owner and lease_until is not null))`;
}

/** Of the lease of a process: how much longer the rows say that they are owned, for releases that read nothing else. */
const rowLeaseFactor = 10;

// The one row written in a second. It lives on only if it never lapsed: then nobody can have taken what it owns, and the
// rows are only looked at.
const keepSql = `
with beat as (
  update instance set seen_at = clock_timestamp(), lease_until = clock_timestamp() + make_interval(secs => $2),
    behind_ms = $4
  where id = $1 and lease_until > clock_timestamp() returning id
), counted as (
  select count(*)::int as total, coalesce(bool_or(${isFree('r')} or exists (
    select 1 from instance where id = r.owner and lease_until < clock_timestamp())), false) as "anyFree"
  from relay r where r.topic = any($3)
)
select counted.*, others.*, r.topic, r.partition, r.epoch, r.sent_seq, r.end_offset
from beat cross join counted cross join (${othersSql}) as others left join relay r on r.owner = beat.id and r.topic = any($3)`;

const beatSql = `
with beat as (
  insert into instance (id, name, seen_at, lease_until, behind_ms, reads_shared_rows)
  values ($1, $3, clock_timestamp(), clock_timestamp() + make_interval(secs => $2), $4, true)
  on conflict (id) do update
    set seen_at = excluded.seen_at, lease_until = excluded.lease_until, behind_ms = excluded.behind_ms),
gone as (delete from instance where seen_at < clock_timestamp() - interval '1 day')
${othersSql}`;

// Should such a process live against all expectation, it counts again from its next beat on, and keeps what it can get.
const namesakesSql = `
delete from instance where id <> $1 and (name = $2 or id = $2) returning id`;

// The mark fences: who beats at this very moment is passed over, and who comes later finds that it has lapsed.
const burySql = `
with lapsed as (
  select id from instance
  where id <> $1 and lease_until > '-infinity' and lease_until < clock_timestamp() for update skip locked
)
update instance i set lease_until = '-infinity' from lapsed where i.id = lapsed.id`;

const inheritSql = `
with left_behind as (
  select topic, partition from relay r
  where owner = any($1) or exists (select 1 from instance where id = r.owner and lease_until = '-infinity')
  for update skip locked
)
update relay r set owner = null, lease_until = '-infinity'
from left_behind l where r.topic = l.topic and r.partition = l.partition`;

// Renews what is held, up to the fair share, and takes what is free; a row held by a living other is left alone. A new
// owner is a new epoch: what the one before still writes changes nothing.
const leaseSql = `
with mine as (
  select topic, partition from relay r
  where topic = any($4) and (owner = $1 or ${isFree('r')})
  order by (owner = $1) desc nulls last, topic, partition limit $3 for update skip locked
)
update relay r set
  epoch = r.epoch + case when r.owner = $1 and r.lease_until >= clock_timestamp() then 0 else 1 end,
  owner = $1,
  lease_until = clock_timestamp() + make_interval(secs => $2)
from mine where r.topic = mine.topic and r.partition = mine.partition
returning r.topic, r.partition, r.epoch, r.sent_seq, r.end_offset`;

const heldSql = `
select topic, partition, epoch, sent_seq, end_offset from relay where owner = $1 and topic = any($2)`;

const totalSql = 'select count(*)::int as total from relay where topic = any($1)';

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

/** With a null topic where nothing is owned. */
type KeptRow = { [Key in keyof LeaseRow]: LeaseRow[Key] | null } & {
  total: number;
  anyFree: boolean;
} & Others;

/** The other living instances: how many, and the most that one of them is behind. */
interface Others {
  others: number;
  othersBehindMs: number;
}

/**
 * Shares the outbox partitions among the living instances of one service, by rows in their database. Renewing has its
 * own rhythm: a send that takes longer than a lease costs no lease. While nothing changes hands it writes one row.
 */
export class Leases {
  readonly #unitOfWork: UnitOfWork;
  readonly #options: Required<LeasesOptions>;
  readonly #stop = new AbortController();
  #held = new Map<string, Lease>();
  #validUntilMs = 0;
  /** Until when the rows themselves say whose they are, and when they are to say it anew. */
  #rowsValidUntilMs = 0;
  #rowsDueAtMs = 0;
  #others = 0;
  #othersBehindMs = 0;
  #isFirst = true;
  #renewing: Promise<void> = Promise.resolve();

  constructor(unitOfWork: UnitOfWork, options: LeasesOptions) {
    this.#unitOfWork = unitOfWork;
    this.#options = {
      leaseMs: 3_000,
      monotonicMs: () => performance.now(),
      behindMs: () => 0,
      isOpen: () => true,
      onChange: () => {},
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
    return this.#options.monotonicMs() < Math.min(this.#validUntilMs, this.#rowsValidUntilMs);
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

  /** How many instances of this service live, this one included, by the latest sign of life of each. */
  get instances(): number {
    return this.#others + 1;
  }

  /** The most that another living instance said it is behind, by the latest sign of life of each. */
  get othersBehindMs(): number {
    return this.#othersBehindMs;
  }

  forget(lease: Lease): void {
    const key = `${lease.topic} ${lease.partition}`;
    if (this.#held.get(key) === lease) this.#held.delete(key);
  }

  /** Gives a sign of life; shares anew when that is due, or when something is free, too much, or lost. */
  async renew(): Promise<void> {
    if (this.#options.monotonicMs() >= this.#rowsDueAtMs || !(await this.#keep())) await this.#share();
  }

  /** False: the partitions are to be shared anew. */
  async #keep(): Promise<boolean> {
    const { processId, topics, leaseMs, monotonicMs, behindMs } = this.#options;
    const beforeMs = monotonicMs();
    const rows = await this.#unitOfWork.query<KeptRow>(keepSql, [
      ...[processId, leaseMs / 1000, topics, behindMs()],
    ]);
    const [first] = rows;
    if (!first) return false;
    const held = rows.filter((row) => row.topic !== null) as LeaseRow[];
    this.#hold(held, first, beforeMs + leaseMs);
    const share = shareOf(first);
    return this.#held.size === share || (this.#held.size < share && !first.anyFree);
  }

  async #share(): Promise<void> {
    const { processId, name, topics, leaseMs, monotonicMs, behindMs } = this.#options;
    const beforeMs = monotonicMs();
    const rowLeaseMs = leaseMs * rowLeaseFactor;
    const secs = leaseMs / 1000;
    const { alive, leased, held } = await this.#unitOfWork.run(async (tx) => {
      const namesakes = this.#isFirst ? await tx.query<{ id: string }>(namesakesSql, [processId, name]) : [];
      const [alive] = await tx.query<Others>(beatSql, [processId, secs, name, behindMs()]);
      await tx.query(burySql, [processId]);
      await tx.query(inheritSql, [namesakes.map((row) => row.id)]);
      const [counted] = await tx.query<{ total: number }>(totalSql, [topics]);
      const share = shareOf({ ...counted!, ...alive! });
      const leased = await tx.query<LeaseRow>(leaseSql, [processId, rowLeaseMs / 1000, share, topics]);
      // With a full share, what is held besides is too much. With less, it is a row whose cursor is just being written.
      if (leased.length >= share)
        await tx.query(releaseSql, [processId, leased.map((row) => `${row.topic} ${row.partition}`)]);
      const held = await tx.query<LeaseRow>(heldSql, [processId, topics]);
      return { alive: alive!, leased, held };
    });
    this.#isFirst = false;
    if (held.length === leased.length) {
      this.#rowsValidUntilMs = beforeMs + rowLeaseMs;
      this.#rowsDueAtMs = beforeMs + rowLeaseMs / 3;
    }
    this.#hold(held, alive, beforeMs + leaseMs);
  }

  #hold(rows: readonly LeaseRow[], { others, othersBehindMs }: Others, validUntilMs: number): void {
    const { isCurrent, isAlone } = this;
    const before = this.#held;
    this.#held = new Map(rows.map((row) => [`${row.topic} ${row.partition}`, this.#renewed(row)]));
    this.#others = others;
    this.#othersBehindMs = othersBehindMs;
    this.#validUntilMs = validUntilMs;
    const isNew = [...this.#held].some(([key, lease]) => before.get(key) !== lease || !lease.isStored);
    if (!isCurrent || isNew || (isAlone && others > 0)) this.#options.onChange();
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

/** Of each living instance alike. */
function shareOf({ total, others }: { readonly total: number; readonly others: number }): number {
  return Math.ceil(total / (others + 1));
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

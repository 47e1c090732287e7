import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from './leases.ts';
import type { UnitOfWork } from './unit-of-work.ts';

const pruneRowsMax = 5_000;
/** Where a page was full, the next follows soon. */
const moreMsMax = 1_000;

// `at` grows with `seq`, so the oldest rows are the first by `seq`: while the very first is young nothing else is read,
// and what is dropped is one range of the key.
const pruneSql = `
with first as (select at from outbox where topic = $1 and partition = $2 order by seq limit 1),
page as (
  select seq, at from outbox where topic = $1 and partition = $2 order by seq
  limit (select count(*) * ${pruneRowsMax} from first where at < clock_timestamp() - make_interval(secs => $3))),
old as (select max(seq) as seq from page where at < clock_timestamp() - make_interval(secs => $3))
delete from outbox o using relay r, old
where r.topic = $1 and r.partition = $2 and o.topic = $1 and o.partition = $2
  and o.seq <= old.seq and o.seq <= r.sent_seq
returning o.seq`;

const oldSql = `
select w.topic, w.partition from unnest($1::text[], $2::int[]) as w(topic, partition)
cross join lateral (
  select at from outbox o where o.topic = w.topic and o.partition = w.partition order by seq limit 1
) as first where first.at < clock_timestamp() - make_interval(secs => $3)`;

export interface PrunerOptions {
  /** How long sent rows are kept to be compared with the topic. */
  readonly retentionMs: number;
  readonly pruneMs: number;
  readonly onError: (error: unknown) => void;
}

/** Drops rows long sent, a page at a time, beside the sending. */
export class Pruner {
  readonly #unitOfWork: UnitOfWork;
  readonly #leases: Leases;
  readonly #options: PrunerOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(unitOfWork: UnitOfWork, leases: Leases, options: PrunerOptions) {
    this.#unitOfWork = unitOfWork;
    this.#leases = leases;
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { pruneMs, onError } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const isMore = await this.#prune().catch((error: unknown) => {
        onError(error);
        return false;
      });
      const waitMs = isMore ? Math.min(moreMsMax, pruneMs) : pruneMs;
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  async #prune(): Promise<boolean> {
    const secs = this.#options.retentionMs / 1000;
    const held = this.#leases.held();
    const old = await this.#unitOfWork.query<{ topic: string; partition: number }>(oldSql, [
      held.map((lease) => lease.topic),
      held.map((lease) => lease.partition),
      secs,
    ]);
    let isMore = false;
    for (const { topic, partition } of old) {
      if (this.#stop.signal.aborted) return false;
      const dropped = await this.#unitOfWork.query(pruneSql, [topic, partition, secs]);
      if (dropped.length === pruneRowsMax) isMore = true;
    }
    return isMore;
  }
}

import type { FetchControl } from './fetch-control.ts';
import { OwnedPartition, type OwnedPartitionOptions } from './owned-partition.ts';
import type { PartitionPosition } from './ports.ts';
import type { WatchedPartition } from './watchdog.ts';

/** The partitions assigned to this member: claimed when it joins, forgotten at the next rebalance. */
export class Assignment<Tx> {
  readonly #options: OwnedPartitionOptions<Tx>;
  readonly #claimsConcurrent: number;
  #owned = new Map<number, OwnedPartition<Tx>>();
  #joined = false;

  constructor(options: OwnedPartitionOptions<Tx>, claimsConcurrent: number) {
    this.#options = options;
    this.#claimsConcurrent = claimsConcurrent;
  }

  /** Forgets what was owned and claims `partitions`; each is fetched from when its claim is done. */
  join(partitions: readonly number[]): void {
    this.forget();
    this.#joined = true;
    const options = { ...this.#options, control: askedOnce(this.#options.control) };
    this.#owned = new Map(partitions.map((one) => [one, new OwnedPartition(one, options)]));
    const waiting = [...this.#owned.values()];
    const next = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift()) await one.claim();
    };
    for (let i = 0; i < this.#claimsConcurrent; i++) void next();
  }

  claimAnew(): void {
    for (const one of this.#owned.values()) one.claimAnew();
  }

  forget(): void {
    for (const one of this.#owned.values()) one.abandon();
    this.#owned = new Map();
    this.#joined = false;
  }

  get(partition: number): OwnedPartition<Tx> | undefined {
    return this.#owned.get(partition);
  }

  positions(): ReadonlyMap<number, PartitionPosition> {
    const positions = new Map<number, PartitionPosition>();
    for (const [partition, { position }] of this.#owned) if (position) positions.set(partition, position);
    return positions;
  }

  /** Null while not a member of the group. */
  watched(): WatchedPartition[] | null {
    if (!this.#joined) return null;
    return [...this.#owned.values()].map(({ partition, reached, status, failures }) => ({
      partition,
      reached,
      // Between two tries of what failed for a passing reason it waits, whatever it does at this moment.
      expectedToMove: failures === 0 && (status === 'ready' || status === 'claiming'),
    }));
  }

  problems(): string[] {
    if (!this.#joined) return ['no member of the group'];
    const problems: string[] = [];
    for (const { partition, status, why, failures, isShared } of this.#owned.values()) {
      if (status === 'stopped' || isShared || failures >= failuresTolerated) {
        problems.push(`partition ${partition} ${status}: ${why}`);
      }
    }
    return problems;
  }
}

const answerGoodMs = 2_000;

/** The partitions of one assignment ask for the topic's id together; a question that failed is asked again. */
function askedOnce(control: FetchControl): FetchControl {
  let asked: Promise<string | null> | null = null;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  const topicId = async () => {
    // Much later it is asked for another reason: the topic may be another one by then.
    if (performance.now() - askedAtMs > answerGoodMs) asked = null;
    if (asked === null) askedAtMs = performance.now();
    asked ??= control.topicId();
    try {
      return await asked;
    } catch (error) {
      asked = null;
      throw error;
    }
  };
  return { ...control, topicId };
}

/** Transient failures in a row before health shows them. */
const failuresTolerated = 3;

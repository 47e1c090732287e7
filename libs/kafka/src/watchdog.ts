import { logTooShort } from './fetch-guard.ts';

/** What the watchdog sees of one owned partition. */
export interface WatchedPartition {
  readonly partition: number;
  /** The next offset to handle; -1 at the very beginning. */
  readonly reached: number;
  /** False while it waits for a known reason (database away, fenced, stopped): that is no stall. */
  readonly expectedToMove: boolean;
}

export interface WatchdogOptions {
  readonly intervalMs: number;
  /** The whole consumer may stand still this long with records waiting; a single partition four times as long. */
  readonly stallMs: number;
  /** Null while not a member of the group. */
  readonly partitions: () => readonly WatchedPartition[] | null;
  /** First and end offset of each partition's log. */
  readonly logBounds: () => Promise<ReadonlyMap<number, { readonly start: number; readonly end: number }>>;
  readonly onLag: (partition: number, records: number) => void;
  /** The log is shorter than what was handled. */
  readonly onLogTooShort: (partition: number, why: string) => void;
  readonly onStall: (error: Error) => void;
  readonly monotonicMs?: () => number;
}

/** A member that joins no group for this many stall times is stuck (K14: endless rebalances, silent deaths). */
const notJoinedStalls = 2;
const partitionStalls = 4;

/**
 * Ends a process whose consumer lives but does not move: kafkajs has several ways to stop fetching without a word
 * (K2, K6, K14). Looks at the log's end itself, never at committed offsets.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #monotonicMs: () => number;
  /** Where each partition stood at the last look. */
  #reached = new Map<number, number>();
  /** Since when each lagging partition stands where it does. */
  readonly #standsSinceMs = new Map<number, number>();
  #lastCheckMs: number;
  #progressAtMs: number;
  #joinedAtMs: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    this.#lastCheckMs = this.#progressAtMs = this.#joinedAtMs = this.#monotonicMs();
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await this.check().catch(() => {}); // The broker is away: nothing can be said.
      if (!this.#stopped) this.start();
    }, this.#options.intervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Looks once. Positions are read before the log's end, so an end below one of them is a fact, not a race. */
  async check(): Promise<void> {
    const partitions = this.#options.partitions();
    const bounds = await this.#options.logBounds();
    if (this.#stopped) return;
    const nowMs = this.#monotonicMs();
    this.#forgiveSleep(nowMs);
    if (partitions === null) {
      this.#notJoined(nowMs);
      return;
    }
    this.#joinedAtMs = nowMs;
    const before = this.#reached;
    this.#reached = new Map(partitions.map(({ partition, reached }) => [partition, reached]));
    for (const partition of this.#standsSinceMs.keys()) {
      if (!this.#reached.has(partition)) this.#standsSinceMs.delete(partition); // another member's now
    }
    let lagTotal = 0;
    let moved = false;
    for (const one of partitions) {
      const log = bounds.get(one.partition);
      if (!log) continue;
      const lag = log.end - Math.max(one.reached, log.start);
      this.#options.onLag(one.partition, Math.max(lag, 0));
      if (one.reached > log.end)
        this.#options.onLogTooShort(one.partition, logTooShort(log.end, one.reached));
      // Also where nothing waits any more: what waits now may have come a moment ago.
      const hasMoved = one.reached !== (before.get(one.partition) ?? one.reached);
      if (hasMoved) moved = true;
      if (hasMoved || !one.expectedToMove || lag <= 0) this.#standsSinceMs.delete(one.partition);
      if (!one.expectedToMove || lag <= 0) continue;
      lagTotal += lag;
      if (!this.#standsSinceMs.has(one.partition)) this.#standsSinceMs.set(one.partition, nowMs);
    }
    if (moved || lagTotal === 0) this.#progressAtMs = nowMs;
    this.#judge(nowMs, lagTotal);
  }

  #judge(nowMs: number, lag: number): void {
    const { stallMs, onStall } = this.#options;
    if (nowMs - this.#progressAtMs >= stallMs) {
      onStall(new Error(`no batch ended for ${stallMs} ms while ${lag} records wait`));
      return;
    }
    for (const [partition, sinceMs] of this.#standsSinceMs) {
      if (nowMs - sinceMs < stallMs * partitionStalls) continue;
      const reached = this.#reached.get(partition);
      onStall(new Error(`partition ${partition} stands at offset ${reached} though records wait`));
      return;
    }
  }

  #notJoined(nowMs: number): void {
    const limitMs = this.#options.stallMs * notJoinedStalls;
    this.#progressAtMs = nowMs;
    this.#standsSinceMs.clear();
    if (nowMs - this.#joinedAtMs < limitMs) return;
    this.#options.onStall(new Error(`no member of the consumer group for ${limitMs} ms`));
  }

  /** The process itself was stopped or starved: the time away is nobody's fault. */
  #forgiveSleep(nowMs: number): void {
    const sleptMs = nowMs - this.#lastCheckMs;
    this.#lastCheckMs = nowMs;
    if (sleptMs < this.#options.intervalMs * 3) return;
    this.#progressAtMs = this.#joinedAtMs = nowMs;
    this.#standsSinceMs.clear();
  }
}

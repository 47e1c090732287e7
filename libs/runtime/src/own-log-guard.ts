import type { Source, Topic } from '@slipstream/contracts';
import { SlipstreamError } from '@slipstream/kernel';
import {
  judgeOwnLog,
  type OlderDatabase,
  type OwnLogStore,
  type OwnTail,
  type Tx,
} from '@slipstream/postgres';
import type { Health } from './health.ts';
import type { Part } from './lifecycle.ts';

/** What a service does that can rebuild its state from its own events. Without it, the service waits for people. */
export interface Recovery {
  /** Folds the partition's log up to `endOffset` into the database, a step at a time; true when all of it is there. */
  foldBack(partition: number, endOffset: number): Promise<boolean>;
  /** Runs in the transaction that begins the partition's new incarnation. */
  folded(tx: Tx, partition: number): Promise<void>;
}

export interface OwnLogGuardOptions {
  readonly source: Source;
  /** Those whose records carry this service's numbers; any other is always open. */
  readonly topics: readonly Topic[];
  readonly log: Pick<OwnLogStore, 'cursors' | 'state' | 'moveCursor' | 'beginIncarnation'>;
  readonly run: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly tails: (topic: string, from: ReadonlyMap<number, number>) => Promise<ReadonlyMap<number, OwnTail>>;
  /** Resolves when no record is on its way: each lies on the topic by then, or never will. */
  readonly settled: () => Promise<void>;
  readonly onOpen?: () => void;
  readonly onError: (error: unknown) => void;
  readonly onClosed: (why: string) => void;
  readonly retryMs?: number;
}

type State =
  | { readonly kind: 'unknown' | 'open' }
  | { readonly kind: 'older' | 'log_lost'; readonly why: string };

interface Place {
  readonly topic: string;
  readonly partition: number;
}

const unknown: State = { kind: 'unknown' };
const open: State = { kind: 'open' };

/**
 * Stands between a service and its work until its database was compared with its own log (rule 4), at the start and
 * whenever the database server is another one. While a partition is not open, nothing is decided or sent on it.
 */
export class OwnLogGuard implements Part {
  readonly name = 'own log';
  recovery: Recovery | null = null;
  readonly #options: OwnLogGuardOptions;
  readonly #states = new Map<string, State>();
  readonly #compared: ReadonlySet<string>;
  readonly #stop = new AbortController();
  #wake = (): void => {};
  #doubts = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: OwnLogGuardOptions) {
    this.#options = options;
    this.#compared = new Set(options.topics.map((topic) => topic.name));
    this.doubt();
  }

  /** Compares once; what is not open then is compared again and again. */
  async start(): Promise<void> {
    await this.#compareAll();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  /** The database may be another one now: nothing goes on before it was compared. */
  doubt(): void {
    this.#doubts += 1;
    for (const { name, partitions } of this.#options.topics) {
      for (let partition = 0; partition < partitions; partition++)
        this.#states.set(keyOf({ topic: name, partition }), unknown);
    }
    this.#wake();
  }

  isOpen(topic: string, partition: number): boolean {
    return !this.#compared.has(topic) || this.#states.get(keyOf({ topic, partition }))?.kind === 'open';
  }

  get isAllOpen(): boolean {
    for (const state of this.#states.values()) if (state.kind !== 'open') return false;
    return true;
  }

  /** Whether the database lacks events of its own that this partition has. */
  isOlder(topic: string, partition: number): boolean {
    return this.#states.get(keyOf({ topic, partition }))?.kind === 'older';
  }

  /** @throws SlipstreamError unavailable, unless work on this partition may go on */
  require(topic: string, partition: number): void {
    if (!this.isOpen(topic, partition)) throw closed({ topic, partition });
  }

  /** @throws SlipstreamError unavailable, unless work may go on everywhere */
  requireAll(): void {
    const [first] = this.closed();
    if (first) throw closed(first);
  }

  closed(): Place[] {
    return this.#options.topics.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })).filter(
        (place) => !this.isOpen(place.topic, place.partition),
      ),
    );
  }

  health(): Health {
    const closedNow = this.closed();
    if (closedNow.length === 0) return { ok: true };
    const whys = closedNow.flatMap((place) => {
      const state = this.#states.get(keyOf(place))!;
      return 'why' in state ? [`${place.topic} partition ${place.partition}: ${state.why}`] : [];
    });
    const [first] = whys;
    if (first === undefined) return { ok: false, detail: 'the database is being compared with its own log' };
    return {
      ok: false,
      detail: `${first}${whys.length > 1 ? `; and ${whys.length - 1} more partition(s)` : ''}`,
    };
  }

  async #run(): Promise<void> {
    const { retryMs = 500 } = this.#options;
    while (!this.#stop.signal.aborted) {
      if (this.isAllOpen) await this.#rest(null);
      else if (!(await this.#compareAll())) await this.#rest(retryMs);
    }
  }

  /** @returns whether another comparison should follow at once */
  async #compareAll(): Promise<boolean> {
    let changed = false;
    const doubts = this.#doubts;
    try {
      await this.#options.settled();
      for (const { name, partitions } of this.#options.topics) {
        const cursors = await this.#options.log.cursors(name);
        const wanted = [...cursors].filter(
          ([partition]) => partition < partitions && !this.isOpen(name, partition),
        );
        if (wanted.length === 0) continue;
        const tails = await this.#options.tails(name, new Map(wanted));
        for (const [partition, tail] of tails)
          changed = (await this.#compare({ topic: name, partition }, tail, doubts)) || changed;
      }
    } catch (error) {
      this.#options.onError(error);
    }
    if (this.isAllOpen) this.#options.onOpen?.();
    return changed;
  }

  async #compare(place: Place, tail: OwnTail, doubts: number): Promise<boolean> {
    const { topic, partition } = place;
    const numbers = tail.records.map((record) => record.sequence);
    const database = await this.#options.log.state(topic, partition, numbers);
    const verdict = judgeOwnLog(database, tail);
    if (doubts !== this.#doubts) return true;
    switch (verdict.kind) {
      case 'current':
        this.#states.set(keyOf(place), open);
        return false;
      case 'sent':
        await this.#options.log.moveCursor(place, database.sentSeq, verdict);
        this.#states.set(keyOf(place), open);
        return false;
      case 'log_lost':
        this.#close(place, {
          kind: 'log_lost',
          why: `${verdict.why}: records of the topic were lost, and nothing is sent before people have looked. ${runbook}`,
        });
        return false;
      case 'older':
        this.#close(place, { kind: 'older', why: this.#explain(verdict) });
        return (
          this.recovery !== null && (await this.#recover(this.recovery, place, database.incarnation, verdict))
        );
      default:
        return verdict satisfies never;
    }
  }

  async #recover(
    recovery: Recovery,
    place: Place,
    incarnation: number,
    older: OlderDatabase,
  ): Promise<boolean> {
    if (!(await recovery.foldBack(place.partition, older.endOffset))) return false;
    return this.#options.run(async (tx) => {
      if (await this.#options.log.beginIncarnation(tx, place, incarnation, older))
        await recovery.folded(tx, place.partition);
      return true;
    });
  }

  #close(place: Place, state: Extract<State, { why: string }>): void {
    const known = this.#states.get(keyOf(place));
    this.#states.set(keyOf(place), state);
    if (known && 'why' in known && known.why === state.why) return;
    this.#options.onClosed(`${place.topic} partition ${place.partition}: ${state.why}`);
  }

  #explain({ why }: OlderDatabase): string {
    const what = `${why}: this database is older than the log of ${this.#options.source} (a restored backup, or a standby promoted without the last commits)`;
    if (this.recovery) return `${what}. Its own events are being folded back; nothing is sent before that.`;
    return `${what}. Nothing is taken or sent. Put back a copy of the database that has these commits. ${runbook}`;
  }

  async #rest(ms: number | null): Promise<void> {
    if (this.#stop.signal.aborted || (ms === null && !this.isAllOpen)) return;
    await new Promise<void>((resolve) => {
      const timer = ms === null ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}

const runbook = 'See docs/runbooks/service-older-than-its-log.md.';

function keyOf({ topic, partition }: Place): string {
  return `${topic} ${partition}`;
}

function closed({ topic, partition }: Place): SlipstreamError {
  return new SlipstreamError(
    'unavailable',
    `The service does not know whether its database is as new as its log (${topic} partition ${partition}); /readyz says more.`,
  );
}

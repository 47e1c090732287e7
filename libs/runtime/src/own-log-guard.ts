import type { Source, Topic } from '@slipstream/contracts';
import {
  judgeOwnLog,
  type OlderDatabase,
  type OwnLogStore,
  type OwnTail,
  type Tx,
} from '@slipstream/postgres';
import type { Health } from './health.ts';
import type { Part } from './lifecycle.ts';
import { Loop } from './loop.ts';
import type { Closed, OwnLogGate, Place } from './own-log-gate.ts';

/** Up to where the database and the partition are the same, and behind the last own record that it has. */
export type Lacking = Pick<OlderDatabase, 'sharedSeq' | 'endOffset'>;

/** What a service does that can rebuild its state from its own events. Without it, the service waits for people. */
export interface Recovery {
  /** Folds the partition's log behind `sharedSeq` and before `endOffset` into the database, a step at a time; true when all of it is there. */
  foldBack(partition: number, lacking: Lacking): Promise<boolean>;
  /** Runs in the transaction that begins the partition's new incarnation; what it publishes there is of that one. */
  folded(tx: Tx, partition: number): Promise<void>;
}

export interface OwnLogGuardOptions {
  readonly source: Source;
  /** Those whose records carry this service's numbers. */
  readonly topics: readonly Topic[];
  readonly gate: OwnLogGate;
  readonly log: Pick<OwnLogStore, 'cursors' | 'state' | 'keepTopic' | 'moveCursor' | 'beginIncarnation'>;
  readonly run: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly tails: (topic: string, from: ReadonlyMap<number, number>) => Promise<ReadonlyMap<number, OwnTail>>;
  /** Resolves when no record is on its way: each lies on the topic by then, or never will. */
  readonly settled: () => Promise<void>;
  readonly onOpen?: () => void;
  readonly onError: (error: unknown) => void;
  readonly onClosed: (why: string) => void;
  /** Between two comparisons of what is not open. */
  readonly retryMs?: number;
}

/**
 * Opens the gate: compares the service's database with its own log, at the start and whenever the database server is
 * another one, until every partition is open; and lets a service that can do so fold its log back.
 */
export class OwnLogGuard implements Part {
  readonly name = 'own log';
  readonly #options: OwnLogGuardOptions;
  readonly #recoveries = new Map<string, Recovery>();
  readonly #gate: OwnLogGate;
  readonly #loop: Loop;

  constructor(options: OwnLogGuardOptions) {
    this.#options = options;
    this.#gate = options.gate;
    const { retryMs = 500, onError } = options;
    this.#loop = new Loop({
      name: this.name,
      pauseMs: 0,
      onError,
      round: async () => {
        if (this.#gate.isAllOpen) return null;
        return (await this.#compareAll()) ? 0 : retryMs;
      },
    });
    this.#gate.onDoubt(this.#loop.wake);
  }

  /** On the topic, the service goes on by itself. */
  recoverWith(topic: string, recovery: Recovery): void {
    this.#recoveries.set(topic, recovery);
  }

  /** Compares once; what is not open then is compared again and again. */
  async start(): Promise<void> {
    await this.#compareAll();
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  health(): Health {
    return this.#gate.health();
  }

  /** @returns whether another comparison should follow at once */
  async #compareAll(): Promise<boolean> {
    let changed = false;
    const { doubts } = this.#gate;
    try {
      await this.#options.settled();
      for (const { name, partitions } of this.#options.topics) {
        const cursors = await this.#options.log.cursors(name);
        const wanted = [...cursors].filter(
          ([partition]) => partition < partitions && !this.#gate.isOpen(name, partition),
        );
        if (wanted.length === 0) continue;
        const tails = await this.#options.tails(name, new Map(wanted));
        for (const [partition, tail] of tails)
          changed = (await this.#compare({ topic: name, partition }, tail, doubts)) || changed;
      }
    } catch (error) {
      this.#options.onError(error);
    }
    if (this.#gate.isAllOpen) this.#options.onOpen?.();
    return changed;
  }

  async #compare(place: Place, tail: OwnTail, doubts: number): Promise<boolean> {
    const { topic, partition } = place;
    const numbers = tail.records.map((record) => record.sequence);
    const database = await this.#options.log.state(topic, partition, numbers);
    const verdict = judgeOwnLog(database, tail);
    if (doubts !== this.#gate.doubts) return true;
    switch (verdict.kind) {
      case 'current':
      case 'sent':
        if (verdict.kind === 'sent') await this.#options.log.moveCursor(place, database.sentSeq, verdict);
        if (tail.topicId !== null && tail.topicId !== database.topicId)
          await this.#options.log.keepTopic(place, tail.topicId);
        if (doubts === this.#gate.doubts) this.#gate.open(place);
        return false;
      case 'log_lost':
        this.#close(place, { kind: 'log_lost', why: explainLost(verdict.why) });
        return false;
      case 'another_log':
        this.#close(place, { kind: 'another_log', why: explainAnother(verdict.why) });
        return false;
      case 'older':
        this.#close(place, { kind: 'older', why: this.#explainOlder(topic, verdict) });
        return this.#recover(place, database.incarnation, verdict);
      default:
        return verdict satisfies never;
    }
  }

  async #recover(place: Place, incarnation: number, older: OlderDatabase): Promise<boolean> {
    const recovery = this.#recoveries.get(place.topic);
    if (!recovery || !(await recovery.foldBack(place.partition, older))) return false;
    return this.#options.run(async (tx) => {
      if (await this.#options.log.beginIncarnation(tx, place, incarnation, older))
        await recovery.folded(tx, place.partition);
      return true;
    });
  }

  #close(place: Place, state: Closed): void {
    if (this.#gate.close(place, state))
      this.#options.onClosed(`${place.topic} partition ${place.partition}: ${state.why}`);
  }

  #explainOlder(topic: string, { why }: OlderDatabase): string {
    const what = `${why}: this database is older than the log of ${this.#options.source} (a restored backup, or a standby promoted without the last commits)`;
    if (this.#recoveries.has(topic))
      return `${what}. Its own events are being folded back; nothing is sent before that.`;
    return `${what}. Nothing is taken or sent. Put back a copy of the database that has these commits. ${runbook}`;
  }
}

function explainLost(why: string): string {
  return `${why}: records of the topic were lost, and nothing is sent before people have looked. ${runbook}`;
}

function explainAnother(why: string): string {
  return `${why}: this database belongs to other brokers (another environment's copy was put in its place, or the topic was made anew). Nothing is taken or sent. ${runbook}`;
}

const runbook = 'See docs/runbooks/service-older-than-its-log.md.';

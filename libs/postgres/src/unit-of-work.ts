import type { Instant } from '@slipstream/kernel';
import type { DataSource, QueryRunner } from 'typeorm';

/** Something to publish, committed with the state change that caused it. */
export interface OutboundRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  /** A CloudEvent without sequence, time and receivedtime; with `headers`, the whole raw value. */
  readonly body: Uint8Array;
  /** When the evidence became durable here; null: at this very commit, by the database's real clock (rule 6). */
  readonly receivedAt: Instant | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The number and time an outbound record got. */
export interface Stamped {
  readonly seq: bigint;
  readonly at: Instant;
}

/** One database transaction. */
export interface Tx {
  /** Runs one statement in this transaction and gives its rows (also of INSERT … RETURNING and UPDATE … RETURNING). */
  query<Row = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Adds records to be published; they are numbered in this order, as the transaction's last statement. */
  publish(records: readonly OutboundRecord[]): void;
}

const appendEvents = 'select topic, partition, first_seq, at from append_events($1, $2, $3, $4, $5, $6)';

interface StampRow {
  topic: string;
  partition: number;
  first_seq: string;
  at: Instant;
}

/** Runs work in transactions; what it publishes commits with it. */
export class UnitOfWork {
  readonly #dataSource: DataSource;
  readonly #onPublished: (topics: ReadonlySet<string>) => void;
  readonly #mayPublish: (topic: string, partition: number) => void;

  /**
   * `onPublished` is called after a commit that published something, with its topics: it wakes the relay. `mayPublish` is asked before
   * anything is numbered; what it throws fails the transaction.
   */
  constructor(
    dataSource: DataSource,
    onPublished: (topics: ReadonlySet<string>) => void = () => {},
    mayPublish: (topic: string, partition: number) => void = () => {},
  ) {
    this.#dataSource = dataSource;
    this.#onPublished = onPublished;
    this.#mayPublish = mayPublish;
  }

  async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return (await this.runStamped(work)).result;
  }

  /** As {@link run}; also gives each published record's number and time, in the order of publishing. */
  async runStamped<T>(work: (tx: Tx) => Promise<T>): Promise<{ result: T; stamps: readonly Stamped[] }> {
    const runner = this.#dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const transaction = new Transaction(runner);
      const result = await work(transaction);
      const stamps = await transaction.append(this.#mayPublish);
      transaction.assertSound();
      await runner.commitTransaction();
      if (stamps.length > 0) this.#onPublished(transaction.topics);
      return { result, stamps };
    } catch (error) {
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
      throw error;
    } finally {
      await runner.release();
    }
  }

  /** One statement in a transaction of its own. */
  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    const runner = this.#dataSource.createQueryRunner();
    try {
      return (await runner.query(sql, parameters, true)).records as Row[];
    } finally {
      await runner.release();
    }
  }
}

class Transaction implements Tx {
  readonly #runner: QueryRunner;
  readonly #outbound: OutboundRecord[] = [];
  #failure: unknown;

  constructor(runner: QueryRunner) {
    this.#runner = runner;
  }

  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    try {
      return (await this.#runner.query(sql, parameters, true)).records as Row[];
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  publish(records: readonly OutboundRecord[]): void {
    for (const record of records) this.#outbound.push(record);
  }

  /** Published to by this transaction. */
  get topics(): ReadonlySet<string> {
    return new Set(this.#outbound.map((record) => record.topic));
  }

  async append(mayPublish: (topic: string, partition: number) => void): Promise<Stamped[]> {
    const records = this.#outbound;
    if (records.length === 0) return [];
    for (const { topic, partition } of records) mayPublish(topic, partition);
    const rows = await this.query<StampRow>(appendEvents, [
      records.map((record) => record.topic),
      records.map((record) => record.partition),
      records.map((record) => record.key),
      records.map((record) => record.body),
      records.map((record) => record.receivedAt),
      records.map((record) => (record.headers ? JSON.stringify(record.headers) : null)),
    ]);
    const next = new Map(
      rows.map((row) => [`${row.topic} ${row.partition}`, { seq: BigInt(row.first_seq), at: row.at }]),
    );
    if (next.size === 0) throw new Error('append_events numbered nothing: are the sequencer rows prepared?');
    return records.map((record) => {
      const stamp = next.get(`${record.topic} ${record.partition}`);
      if (!stamp) throw new Error(`no sequencer row for ${record.topic} partition ${record.partition}`);
      return { seq: stamp.seq++, at: stamp.at };
    });
  }

  /**
   * PostgreSQL answers the COMMIT of a failed transaction with a silent ROLLBACK, and the client resolves. So a query
   * error that was swallowed inside must fail the transaction here.
   */
  assertSound(): void {
    if (this.#failure !== undefined) {
      throw new Error('a query failed inside the transaction and was swallowed', { cause: this.#failure });
    }
  }
}

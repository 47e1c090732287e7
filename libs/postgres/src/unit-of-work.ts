import type { Instant } from '@slipstream/kernel';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { bytea, int4, jsonb, text, timestamptz } from './column-types.ts';
import { type Columns, columns, type RowOf, type Rows, type Table } from './columns.ts';
import { copyRows } from './copy-rows.ts';
import { outbox, outboxRows } from './outbox-rows.ts';
import { StatementNames } from './statement-names.ts';

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
  readonly topic: string;
  readonly partition: number;
  readonly seq: bigint;
  readonly at: Instant;
}

/**
 * One database transaction. Statements reach the database in the order of the calls; those that are made without waiting
 * for the one before share its way there and back, which costs more than most statements do.
 */
export interface Tx {
  /** Runs one statement in this transaction and gives its rows (also of INSERT … RETURNING and UPDATE … RETURNING). */
  query<Row = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /** Runs one statement that has nothing to tell; an error fails the transaction. */
  send(sql: string, parameters?: unknown[]): void;
  /** Inserts rows, all in one statement: many by COPY. Nothing happens without any. */
  insert<C extends Columns>(target: Table<C>, rows: Rows<RowOf<C>>): Promise<void>;
  /** Adds records to be published; they are numbered in this order, as the transaction's last statement. */
  publish(records: readonly OutboundRecord[]): void;
  /**
   * `then` is called once this transaction is known to be committed, with the number and time of each record that it
   * published, in the order of publishing, and never else;
   * `otherwise` when it was rolled back, or nobody knows. Neither must throw.
   */
  afterCommit(then: (stamps: readonly Stamped[]) => void, otherwise?: () => void): void;
}

const appendEvents = 'select topic, partition, first_seq, at from append_events($1, $2, $3, $4, $5, $6)';
/** The parameters of `append_events`, in its order. */
const outbound = columns({
  topic: text,
  partition: int4,
  key: text,
  body: bytea,
  received_at: timestamptz,
  headers: jsonb,
});

const numberEvents = `
select topic, partition, first_seq, at, received_at, (select may_share_rows()) as may_share
from number_events($1::text[], $2::int[], $3::bigint[])`;

/** SQLSTATE in_failed_sql_transaction. */
const inFailedTransaction = '25P02';

/** From so many rows on, COPY is worth the round trip that it costs more than an INSERT. */
const copiedRowsMin = 64;

interface StampRow {
  topic: string;
  partition: number;
  first_seq: string;
  at: Instant;
}

interface NumberedRow extends StampRow {
  received_at: Instant;
  may_share: boolean;
}

/** Runs work in transactions; what it publishes commits with it. */
export class UnitOfWork {
  readonly #dataSource: DataSource;
  readonly #onPublished: (topics: ReadonlySet<string>) => void;
  readonly #mayPublish: (topic: string, partition: number) => void;
  readonly #names = new StatementNames();

  /**
   * `onPublished` is called after a commit that published something, with its topics, and when it is not known whether it
   * was done: it wakes the relay. `mayPublish` is asked before
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
    const runner = this.#dataSource.createQueryRunner();
    let published: ReadonlySet<string> | null = null;
    try {
      const transaction = new Transaction(await runner.connect(), this.#names);
      try {
        const result = await work(transaction);
        await transaction.commit(this.#mayPublish, (topics) => {
          published = topics;
        });
        return result;
      } catch (error) {
        await transaction.rollBack();
        throw transaction.causeOf(error);
      }
    } finally {
      await runner.release();
      // Also after an error: a commit whose answer is lost may have been done.
      if (published) this.#onPublished(published);
    }
  }

  /**
   * One statement in a transaction of its own that calls `append_events` itself, for some of `places`: the way for what
   * one statement can do whole.
   */
  async append<Row>(
    places: readonly Pick<OutboundRecord, 'topic' | 'partition'>[],
    sql: string,
    parameters: unknown[],
  ): Promise<Row[]> {
    for (const { topic, partition } of places) this.#mayPublish(topic, partition);
    try {
      return await this.query<Row>(sql, parameters);
    } finally {
      // Also after an error: an answer that is lost does not undo the statement.
      if (places.length > 0) this.#onPublished(new Set(places.map(({ topic }) => topic)));
    }
  }

  /** One statement in a transaction of its own. */
  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    const runner = this.#dataSource.createQueryRunner();
    try {
      return await ask<Row>(await runner.connect(), this.#names, sql, parameters);
    } finally {
      await runner.release();
    }
  }
}

const toRow = ({ topic, partition, key, body, receivedAt, headers }: OutboundRecord) => ({
  topic,
  partition,
  key,
  body,
  received_at: receivedAt,
  headers: headers ? JSON.stringify(headers) : null,
});

async function ask<Row>(
  client: pg.PoolClient,
  names: StatementNames,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  try {
    // Without parameters it may be several statements: nothing that can be prepared.
    if (parameters.length === 0) return (await client.query(sql)).rows as Row[];
    const name = names.of(sql);
    const statement = name === undefined ? { text: sql } : { name, text: sql };
    return (await client.query({ ...statement, values: parameters })).rows as Row[];
  } catch (error) {
    // pg does not say which statement it was; what it was given is not kept.
    if (error instanceof Error) Object.assign(error, { query: sql });
    throw error;
  }
}

const placeOf = (topic: string, partition: number): string => `${topic} ${partition}`;

/** The numbers of records, in their order. */
function stampsOf(records: readonly OutboundRecord[], rows: readonly StampRow[]): Stamped[] {
  const next = new Map(
    rows.map((row) => [placeOf(row.topic, row.partition), { seq: BigInt(row.first_seq), at: row.at }]),
  );
  return records.map(({ topic, partition }) => {
    const stamp = next.get(placeOf(topic, partition));
    if (!stamp) throw new Error(`no sequencer row for ${topic} partition ${partition}`);
    return { topic, partition, seq: stamp.seq++, at: stamp.at };
  });
}

class Transaction implements Tx {
  /** The transaction's own: after an error it stays broken, and is never replaced by a connection outside. */
  readonly #client: pg.PoolClient;
  readonly #names: StatementNames;
  readonly #outbound: OutboundRecord[] = [];
  readonly #afterCommit: { then: (stamps: readonly Stamped[]) => void; otherwise: () => void }[] = [];
  readonly #sent: Promise<unknown>[] = [];
  #state: 'new' | 'begun' | 'ending' = 'new';
  /** The first error of any statement; and of those that nobody waited for. */
  #failure: unknown;
  #sentFailure: unknown;
  /** The last that was sent: when it is answered, all are. */
  #last: Promise<unknown> = Promise.resolve();
  /** The start, then the last COPY: what is asked meanwhile waits for its end, in the order of the calls. */
  #gate: Promise<void> | null = null;
  #startFailure: unknown;

  constructor(client: pg.PoolClient, names: StatementNames) {
    this.#client = client;
    this.#names = names;
  }

  async query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    this.#begin();
    if (this.#gate) await this.#gate;
    this.#assertBegun();
    return this.#noted(ask<Row>(this.#client, this.#names, sql, parameters));
  }

  send(sql: string, parameters?: unknown[]): void {
    this.#keep(this.query(sql, parameters));
  }

  async insert<C extends Columns>(target: Table<C>, rows: Rows<RowOf<C>>): Promise<void> {
    if (rows.length === 0) return;
    if (rows.length < copiedRowsMin) await this.query(target.insertSql, target.parameters(rows));
    else await this.#copy(target, rows);
  }

  async #copy<C extends Columns>(target: Table<C>, rows: Rows<RowOf<C>>): Promise<void> {
    this.#begin();
    const before = this.#gate === null ? this.#last : this.#gate.then(() => this.#last);
    await this.#closeGate(
      before.then(() => {
        this.#assertBegun();
        return this.#noted(copyRows(this.#client, target, rows));
      }),
    );
  }

  /** Its answer is waited for: if it fails, whatever stands behind it would be kept by itself. */
  #begin(): void {
    if (this.#state !== 'new') return;
    this.#state = 'begun';
    const started = this.#noted(this.#client.query('START TRANSACTION'));
    this.#closeGate(started).catch((error) => {
      this.#startFailure = error;
    });
  }

  #assertBegun(): void {
    if (this.#startFailure !== undefined) throw this.#startFailure;
    if (this.#state !== 'begun') throw new Error('the transaction has ended');
  }

  async #closeGate(work: Promise<unknown>): Promise<void> {
    const gate: Promise<void> = work
      .catch(() => {})
      .then(() => {
        if (this.#gate === gate) this.#gate = null;
      });
    this.#gate = gate;
    await work;
  }

  #keep(answer: Promise<unknown>): void {
    // Its error is seen by the commit, which waits for all.
    answer.catch((error) => {
      this.#sentFailure ??= error;
    });
    this.#sent.push(answer);
  }

  async #noted<T>(answer: Promise<T>): Promise<T> {
    this.#last = answer.catch(() => {});
    try {
      return await answer;
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  publish(records: readonly OutboundRecord[]): void {
    for (const record of records) this.#outbound.push(record);
  }

  afterCommit(then: (stamps: readonly Stamped[]) => void, otherwise: () => void = () => {}): void {
    this.#afterCommit.push({ then, otherwise });
  }

  /** `mayBeKept` is told what is published from when on it may be committed. */
  async commit(
    mayPublish: (topic: string, partition: number) => void,
    mayBeKept: (topics: ReadonlySet<string>) => void,
  ): Promise<void> {
    const records = this.#outbound;
    for (const { topic, partition } of records) mayPublish(topic, partition);
    if (records.length > 0) this.#begin();
    while (this.#gate) await this.#gate;
    this.#assertSound();
    let appended: Promise<Stamped[]> | Stamped[] = [];
    if (records.length >= copiedRowsMin) appended = await this.#appendByCopy(records);
    else if (records.length > 0) appended = this.#appendAtOnce(records);
    if (this.#state === 'begun') {
      if (records.length > 0) mayBeKept(new Set(records.map((record) => record.topic)));
      const ended = this.#end('commit');
      await Promise.all([...this.#sent, appended, ended]).finally(() => ended.catch(() => {}));
      // The database rolls back instead when a statement before it has failed.
      if ((await ended) !== 'COMMIT') throw new Error('not committed', { cause: this.#failure });
    }
    const stamps = await appended;
    for (const { then } of this.#afterCommit.splice(0)) then(stamps);
  }

  async rollBack(): Promise<void> {
    while (this.#gate) await this.#gate;
    if (this.#state === 'begun') await this.#end('rollback').catch(() => {});
    for (const { otherwise } of this.#afterCommit.splice(0)) otherwise();
  }

  /** Gives what was done. Whatever is asked from here on is refused: it would be kept by itself. */
  async #end(sql: 'commit' | 'rollback'): Promise<string> {
    this.#state = 'ending';
    return (await this.#noted(this.#client.query(sql))).command;
  }

  /** A statement behind one that failed only says that it came too late. */
  causeOf(error: unknown): unknown {
    const isAborted = (error as { code?: unknown } | null)?.code === inFailedTransaction;
    return isAborted ? (this.#failure ?? error) : error;
  }

  async #appendAtOnce(records: readonly OutboundRecord[]): Promise<Stamped[]> {
    return stampsOf(
      records,
      await this.query<StampRow>(appendEvents, outbound.parameters(records.map(toRow))),
    );
  }

  async #appendByCopy(records: readonly OutboundRecord[]): Promise<Stamped[]> {
    const counts = new Map<string, { topic: string; partition: number; n: number }>();
    for (const { topic, partition } of records) {
      const count = counts.get(placeOf(topic, partition));
      if (count) count.n += 1;
      else counts.set(placeOf(topic, partition), { topic, partition, n: 1 });
    }
    const places = [...counts.values()];
    const numbered = await this.query<NumberedRow>(numberEvents, [
      places.map(({ topic }) => topic),
      places.map(({ partition }) => partition),
      places.map(({ n }) => n),
    ]);
    const stamps = stampsOf(records, numbered);
    const receivedAt = new Map(numbered.map((row) => [placeOf(row.topic, row.partition), row.received_at]));
    const events = records.map((record, index) => {
      const { topic, partition, seq, at } = stamps[index]!;
      const row = toRow(record);
      return { ...row, seq, at, received_at: row.received_at ?? receivedAt.get(placeOf(topic, partition))! };
    });
    await this.#copy(outbox, outboxRows(events, numbered[0]!.may_share));
    return stamps;
  }

  /**
   * PostgreSQL answers the COMMIT of a failed transaction with a silent ROLLBACK, and the client resolves. So a query
   * error that was swallowed inside must fail the transaction here.
   */
  #assertSound(): void {
    if (this.#startFailure !== undefined) throw this.#startFailure;
    if (this.#sentFailure !== undefined) throw this.#sentFailure;
    if (this.#failure !== undefined) {
      throw new Error('a query failed inside the transaction and was swallowed', { cause: this.#failure });
    }
  }
}

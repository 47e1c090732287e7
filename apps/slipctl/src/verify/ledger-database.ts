import type { QueryResultRow } from 'pg';
import { Snapshot } from '../database.ts';
import { CliError } from '../exit.ts';
import type { Hash } from './hashes.ts';
import type { LogRow, NodePlace, StoredNode, StoredTree } from './verify-partition.ts';

const rowsPerPage = 2_000;
const hashBytes = 32;

/** All records of a partition in the order of the log, each with the chain of the slip's event before it. */
const pageSql = `
select r.*, p.chain as before from (
  (select kafka_offset, slip_id, version, chain, bytes, mark from event_log
    where partition = $1 and kafka_offset > $2 order by kafka_offset limit $3)
  union all
  (select kafka_offset, null, null, null, bytes, mark from aside_log
    where partition = $1 and kafka_offset > $2 order by kafka_offset limit $3)
  order by kafka_offset limit $3
) as r left join event_log p on p.slip_id = r.slip_id and p.version = r.version - 1
order by r.kafka_offset`;

/** A look into the index for each partition of a log, however long it is. */
const partitionsOf = (log: string): string => `
(with recursive known as (
  select min(partition) as n from ${log}
  union all
  select (select min(l.partition) from ${log} l where l.partition > k.n) from known k where k.n is not null
) select n as partition from known where n is not null)`;
const partitionsSql = `${partitionsOf('event_log')} union ${partitionsOf('aside_log')}
union select partition from log_tree union select partition from consumer_position
  where consumer_group = 'ledger' and topic = 'slips.events.v1' order by 1`;

const slipsSql = `select count(*) as slips, count(*) filter (where s.id is null) as missing
from (select distinct slip_id from event_log) l left join slip s on s.id = l.slip_id`;

/** A slip that the ledger knows, and where its log says so. */
export interface KnownSlip {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
}

// The type of an event stands in its bytes as it is written, behind its field's number and its length.
const knownSql = {
  submitted: `select slip_id as id, min(partition) as partition, min(kafka_offset) as at from event_log
    where position('\\x221c'::bytea || 'slipstream.slip.submitted.v1'::bytea in bytes) > 0
    group by slip_id order by slip_id`,
  with_case: 'select id, partition, position as at from slip where case_status is not null order by id',
} as const;

/** A checkpoint as the ledger keeps it. */
export interface KeptCheckpoint {
  readonly id: string;
  readonly at: string;
  readonly note: string;
  /** Who has signed it, as the ledger says; null: nobody that it knows. */
  readonly verifierKey: string | null;
}

interface Row {
  kafka_offset: string;
  slip_id: string | null;
  version: string | null;
  chain: Buffer | null;
  bytes: Buffer;
  mark: number | null;
  before: Buffer | null;
}

/** The ledger's database as it was at one moment, however long the look takes. */
export class LedgerDatabase {
  readonly #snapshot: Snapshot;

  private constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** @throws CliError when it cannot be reached, or is none of a ledger with trees */
  static async open(url: string): Promise<LedgerDatabase> {
    const snapshot = await Snapshot.open(url, "the ledger's database");
    try {
      const [row] = await snapshot.rows<{ found: boolean }>(
        "select to_regclass('log_tree') is not null as found",
      );
      if (!row!.found) throw new CliError('usage', 'the database is none of a ledger whose log has trees');
      return new LedgerDatabase(snapshot);
    } catch (error) {
      await snapshot.close().catch(() => {});
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  async partitions(): Promise<number[]> {
    return (await this.#rows<{ partition: number }>(partitionsSql)).map(({ partition }) => partition);
  }

  async count(): Promise<number> {
    const [row] = await this.#rows<{ n: string }>('select coalesce(sum(size), 0) as n from log_tree');
    return Number(row!.n);
  }

  /** Slips that the log speaks of, and how many of them have no row. */
  async slips(): Promise<{ readonly slips: number; readonly missing: number }> {
    const [row] = await this.#rows<{ slips: string; missing: string }>(slipsSql);
    return { slips: Number(row!.slips), missing: Number(row!.missing) };
  }

  async checkpoints(): Promise<readonly KeptCheckpoint[]> {
    return this.#rows<KeptCheckpoint>(
      `select c.id::text, to_char(c.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, c.note, k.verifier_key as "verifierKey"
       from checkpoint c left join signing_key k on k.id = c.key_id order by c.at, c.id`,
    );
  }

  async keys(): Promise<string[]> {
    const rows = await this.#rows<{ verifier_key: string }>('select verifier_key from signing_key');
    return rows.map(({ verifier_key }) => verifier_key);
  }

  async tree(partition: number): Promise<StoredTree | null> {
    const [row] = await this.#rows<{ size: string; position: string; peaks: Buffer }>(
      'select size, position, peaks from log_tree where partition = $1',
      [partition],
    );
    if (row === undefined) return null;
    const peaks: Hash[] = [];
    // The smallest stands first there.
    for (let end = row.peaks.length; end > 0; end -= hashBytes)
      peaks.push(row.peaks.subarray(end - hashBytes, end));
    return { size: Number(row.size), position: Number(row.position), peaks };
  }

  /** Of these full trees those that are kept. */
  async nodes(partition: number, places: readonly NodePlace[]): Promise<StoredNode[]> {
    const rows = await this.#rows<{ level: number; n: string; hash: Buffer; last_offset: string }>(
      `select level, n, hash, last_offset from log_node
       where partition = $1 and (level, n) in (select * from unnest($2::smallint[], $3::bigint[]))`,
      [partition, places.map(({ level }) => level), places.map(({ n }) => n)],
    );
    return rows.map(({ level, n, hash, last_offset }) => ({
      ...{ level, n: Number(n), hash, lastOffset: Number(last_offset) },
    }));
  }

  async nodeCount(partition: number): Promise<number> {
    const sql = 'select count(*)::int as n from log_node where partition = $1';
    return (await this.#rows<{ n: number }>(sql, [partition]))[0]!.n;
  }

  /** Up to which offset the ledger has handled the partition. */
  async handledUpTo(partition: number): Promise<number> {
    const [row] = await this.#rows<{ next_offset: string }>(
      "select next_offset from consumer_position where consumer_group = 'ledger' and topic = 'slips.events.v1' and partition = $1",
      [partition],
    );
    return Number(row?.next_offset ?? 0);
  }

  /** Whether the log has these bytes at an earlier place: then they came again. */
  async hasEarlier(
    partition: number,
    slipId: string | null,
    bytes: Buffer,
    offset: number,
  ): Promise<boolean> {
    const [row] = await this.#rows<{ found: boolean }>(
      `select exists (select from event_log where slip_id = $2 and bytes = $3 and partition = $1 and kafka_offset < $4)
        or exists (select from aside_log where bytes = $3 and partition = $1 and kafka_offset < $4) as found`,
      [partition, slipId, bytes, offset],
    );
    return row!.found;
  }

  /** @param behind an offset; those up to it are left out */
  async *pages(partition: number, behind = -1): AsyncGenerator<readonly LogRow[]> {
    for (let after = behind; ; ) {
      const rows = await this.#rows<Row>(pageSql, [partition, after, rowsPerPage]);
      const page = merged(rows);
      // The last may have a twin that the page has no room for.
      if (rows.length === rowsPerPage && page.length > 1) page.pop();
      if (page.length > 0) yield page;
      if (rows.length < rowsPerPage) return;
      after = page.at(-1)!.offset;
    }
  }

  /** Slips whose submission the log has, and those with a case, by their ids. */
  async *knownSlips(which: 'submitted' | 'with_case'): AsyncGenerator<KnownSlip> {
    const rows = this.#snapshot.each<{ id: string; partition: number; at: string }>(knownSql[which]);
    for await (const { id, partition, at } of rows) yield { id, partition, offset: Number(at) };
  }

  #rows<T extends QueryResultRow>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return this.#snapshot.rows<T>(sql, parameters);
  }
}

/** A record that was set aside and stands under a slip is one. */
function merged(rows: readonly Row[]): LogRow[] {
  const page: LogRow[] = [];
  for (const row of rows) {
    const one = toLogRow(row);
    const last = page.at(-1);
    if (last?.offset !== one.offset) page.push(one);
    else page[page.length - 1] = last.event === null ? twins(one, last) : twins(last, one);
  }
  return page;
}

const twins = (logged: LogRow, aside: LogRow): LogRow => ({
  ...logged,
  mark: aside.mark ?? logged.mark,
  twin: aside.bytes,
});

function toLogRow({ kafka_offset, slip_id, version, chain, bytes, mark, before }: Row): LogRow {
  const event = slip_id === null ? null : { slipId: slip_id, version: Number(version), chain: chain! };
  return { offset: Number(kafka_offset), bytes, mark, event, before, twin: null };
}

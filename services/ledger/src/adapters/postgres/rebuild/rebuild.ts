import { sources, topics } from '@slipstream/contracts';
import { type Instant, SlipstreamError } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import { consumerGroup } from '../../../application/consumer-group.ts';
import { foldSlip } from '../../../domain/rebuild/fold-slip.ts';
import { logEnds } from '../log-ends.ts';
import { accounts } from './accounts.ts';
import { slipLogs } from './page.ts';
import type { Difference, FoldedPage, Hashes, Projection } from './projection.ts';
import { slips } from './slips.ts';
import { statistics } from './statistics.ts';
import { tags } from './tags.ts';
import { transactions } from './transactions.ts';

export const projections: readonly Projection[] = [slips, accounts, transactions, statistics, tags];

/** What is done with the shadow once it was compared. */
export type Ending = 'keep' | 'swap' | 'drop';

export interface Rebuilt {
  readonly name: string;
  readonly slips: number;
  readonly differences: readonly Difference[];
  /** What still differs after the swap: nothing, or it was for nothing. */
  readonly left: readonly Difference[];
  /** Where the shadow lies; null: it was dropped. */
  readonly schema: string | null;
}

export interface Rebuilding {
  readonly unitOfWork: UnitOfWork;
  readonly hashes: Hashes;
  readonly ending: Ending;
  readonly onSlips: (done: number, total: number) => void;
  /**
   * What was under way in the shadow (null: none was made yet) failed: resolves when it may be done anew, and throws what ends the rebuild.
   * Absent: anything does. So does a connection that is lost in a swap, of which nobody knows then whether it was done.
   */
  readonly onLost?: (error: unknown, shadow: string | null) => Promise<void>;
}

export const schemaOf = ({ name }: Projection): string => `shadow_${name}`;

/** Slips that are folded at once: with their logs and both of their rows, garbage when the next ones are read. */
const pageMax = 200;
/** As long as more slips than that changed while a pass went on, another one follows beside what is live. */
const restMax = 200;
const passesMax = 20;
/** How often one piece of it is tried: what loses its connection each time ends it. */
const pieceTriesMax = 10;

/** Two at once would build into one shadow. The lock is the connection's: the pool must have one alone. */
export async function lockShadow(unitOfWork: UnitOfWork, projection: Projection): Promise<void> {
  const [row] = await unitOfWork.query<{ is_free: boolean }>(
    'select pg_try_advisory_lock(hashtextextended($1, 0)) as is_free',
    [schemaOf(projection)],
  );
  if (!row!.is_free) throw new SlipstreamError('unavailable', `${projection.name} are being rebuilt already`);
}

/** Which shadow lies there now; null: none. One that is made anew is another one. */
export async function shadowOf(unitOfWork: UnitOfWork, projection: Projection): Promise<string | null> {
  const sql = 'select oid::text from pg_namespace where nspname = $1';
  const [row] = await unitOfWork.query<{ oid: string }>(sql, [schemaOf(projection)]);
  return row?.oid ?? null;
}

/** Shadows that were kept, by the names of their projections. */
export async function keptShadows(unitOfWork: UnitOfWork): Promise<ReadonlySet<string>> {
  const rows = await unitOfWork.query<{ name: string }>('select nspname as name from pg_namespace');
  const schemas = new Set(rows.map(({ name }) => name));
  return new Set(projections.filter((one) => schemas.has(schemaOf(one))).map(({ name }) => name));
}

/**
 * Folds all of the log into a shadow beside what is live, and compares both. Each page is read and compared at one moment; slips of which
 * more came meanwhile are folded again, until all is of one moment. Nothing is published, and nothing waits but in a swap: for
 * as long as it takes to fold the slips that changed last, and to write the rows that were wrong.
 */
export async function rebuild(projection: Projection, rebuilding: Rebuilding): Promise<Rebuilt> {
  const { unitOfWork, ending, onSlips, onLost } = rebuilding;
  const schema = schemaOf(projection);
  const shadow = new Shadow(projection, rebuilding.hashes, schema);
  let made: string | null = null;
  const lasting = async <T>(work: (isAgain: boolean) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work(tries > 1);
      } catch (error) {
        if (onLost === undefined || tries === pieceTriesMax) throw error;
        await onLost(error, made);
      }
    }
  };
  await lasting(() => makeSchema(unitOfWork, projection, schema));
  made = await lasting(() => shadowOf(unitOfWork, projection));
  let ends = await lasting(() => unitOfWork.run(endsNow));
  const total = await lasting(() => unitOfWork.run(slipCount));
  let done = 0;
  for (let after = ''; ; ) {
    const ids = await lasting((isAgain) =>
      inSnapshot(unitOfWork, async (tx) => {
        const page = await nextIds(tx, after);
        // A commit whose answer was lost may have been done.
        await (isAgain ? shadow.rebuild(tx, page) : shadow.build(tx, page));
        return page;
      }),
    );
    done += ids.length;
    onSlips(done, Math.max(done, total));
    if (ids.length < pageMax) break;
    after = ids.at(-1)!;
  }
  for (let pass = 0; pass < passesMax; pass++) {
    const next = await lasting(() => unitOfWork.run(endsNow));
    const changed = await lasting(() => unitOfWork.run((tx) => changedSince(tx, ends)));
    if (changed.length <= restMax) break;
    for (const ids of pagesOf(changed))
      await lasting(() => inSnapshot(unitOfWork, (tx) => shadow.rebuild(tx, ids)));
    ends = next;
  }
  const settle = async (tx: Tx): Promise<readonly Difference[]> => {
    for (const ids of pagesOf(await changedSince(tx, ends))) await shadow.rebuild(tx, ids);
    return projection.differences(tx, schema);
  };
  const differences = await lasting(() => inSnapshot(unitOfWork, settle));
  const left =
    ending === 'swap' && differences.length > 0
      ? await unitOfWork.run(async (tx) => {
          await tx.query(thinking);
          await takePartitions(tx);
          await assertToldAll(tx);
          await settle(tx);
          await projection.swap(tx, schema, (ids) => shadow.fold(tx, ids));
          await shadow.rebuildDiffering(tx);
          return projection.differences(tx, schema);
        })
      : [];
  const isKept = ending === 'keep';
  if (!isKept) await lasting(() => unitOfWork.query(`drop schema if exists ${schema} cascade`));
  return { name: projection.name, slips: done, differences, left, schema: isKept ? schema : null };
}

class Shadow {
  readonly #projection: Projection;
  readonly #hashes: Hashes;
  readonly #schema: string;

  constructor(projection: Projection, hashes: Hashes, schema: string) {
    this.#projection = projection;
    this.#hashes = hashes;
    this.#schema = schema;
  }

  async fold(tx: Tx, ids: readonly string[]): Promise<FoldedPage> {
    const [logs, versions] = await Promise.all([slipLogs(tx, ids), this.#projection.versions(tx, ids)]);
    const folded = new Map(
      [...logs].map(([id, log]) => [id, foldSlip(log, versions.get(id) ?? 0, this.#hashes)]),
    );
    return { ids, slip: (id) => folded.get(id) ?? null };
  }

  async build(tx: Tx, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#projection.build(tx, this.#schema, await this.fold(tx, ids));
  }

  async rebuild(tx: Tx, ids: readonly string[]): Promise<void> {
    for (const { name } of this.#projection.tables) {
      await tx.query(`delete from ${this.#schema}.${name} where slip_id = any($1::text[])`, [ids]);
    }
    await this.build(tx, ids);
  }

  /** After a swap: what was wrong is compared again. */
  async rebuildDiffering(tx: Tx): Promise<void> {
    if (!this.#projection.tables.some(({ name }) => name === 'difference')) return;
    const rows = await tx.query<{ slip_id: string }>(
      `select distinct slip_id from ${this.#schema}.difference`,
    );
    for (const ids of pagesOf(rows.map(({ slip_id }) => slip_id))) await this.rebuild(tx, ids);
  }
}

/** A shadow of before is replaced. */
async function makeSchema(unitOfWork: UnitOfWork, { tables }: Projection, schema: string): Promise<void> {
  await unitOfWork.run(async (tx) => {
    await tx.query(`drop schema if exists ${schema} cascade`);
    await tx.query(`create schema ${schema}`);
    for (const { name, columns } of tables) {
      await tx.query(`create table ${schema}.${name} (${columns})`);
      await tx.query(`create index ${name}_by_slip on ${schema}.${name} (slip_id)`);
    }
  });
}

/** Between two statements a page of slips is folded, which may take longer than a service may think. */
const thinking = "set local idle_in_transaction_session_timeout = '5min'";

async function inSnapshot<T>(unitOfWork: UnitOfWork, work: (tx: Tx) => Promise<T>): Promise<T> {
  return unitOfWork.run(async (tx) => {
    await tx.query('set transaction isolation level repeatable read');
    await tx.query(thinking);
    await assertToldAll(tx);
    return work(tx);
  });
}

/** Each by its index: however many there are, a page of them costs the same. */
const idsSql = `
select id from (
  (select slip_id as id from event_log where slip_id > $1 group by slip_id order by slip_id limit ${pageMax})
  union (select id from slip where id > $1 order by id limit ${pageMax})
  union (select slip_id from entry where slip_id > $1 group by slip_id order by slip_id limit ${pageMax})
) as known order by id limit ${pageMax}`;

/** The next slips by their ids, of which anything is known. */
export async function nextIds(tx: Pick<Tx, 'query'>, after: string): Promise<string[]> {
  return (await tx.query<{ id: string }>(idsSql, [after])).map(({ id }) => id);
}

async function slipCount(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ n: string }>('select count(*) as n from slip');
  return Number(row!.n);
}

/** How far the log went, and when that was. */
interface Ends {
  readonly at: Instant;
  readonly offsets: readonly number[];
}

async function endsNow(tx: Tx): Promise<Ends> {
  const [clock] = await tx.query<{ at: Instant }>('select clock_timestamp() as at');
  return { at: clock!.at, offsets: await logEnds(tx) };
}

/** Of a letter that is read again the time is that of its statement: its transaction may have been open this long. */
const openMinutesMax = 2;

// Of each partition the end of its key alone is read: in a swap nobody books meanwhile.
const changedSql = `
select e.slip_id as id from unnest($1::bigint[]) with ordinality as w(start, n), lateral (
  select l.slip_id from event_log l where l.partition = w.n - 1 and l.kafka_offset >= w.start offset 0) as e
union
select l.park_key from dead_letter l
  where l.consumer_group = $2 and l.topic = $3 and l.resolved_at > $4::timestamptz - interval '${openMinutesMax} minutes'
    and exists (select from slip s where s.id = l.park_key)`;

/** Slips of which more was logged since, or that waited and wait no more. */
async function changedSince(tx: Tx, { at, offsets }: Ends): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(changedSql, [offsets, consumerGroup, topics.events.name, at]);
  return rows.map(({ id }) => id);
}

/** Answers that left the outbox before they were read back are on the topic alone. */
async function assertToldAll(tx: Tx): Promise<void> {
  const [row] = await tx.query<{ n: string }>(
    `select coalesce(sum(greatest(s.next_seq - 1 - coalesce(c.seq, 0) - o.n, 0)), 0) as n from sequencer s
       left join consumer_sequence c on c.consumer_group = $1 and c.topic = s.topic and c.partition = s.partition and c.source = $3
       cross join lateral (select count(*) as n from outbox_event o
         where o.topic = s.topic and o.partition = s.partition and o.row_seq > coalesce(c.seq, 0) and o.seq > coalesce(c.seq, 0)) as o
     where s.topic = $2`,
    [consumerGroup, topics.events.name, sources.ledger],
  );
  if (row!.n === '0') return;
  throw new SlipstreamError(
    'unavailable',
    `${row!.n} answers of the ledger are on the topic and not in its log yet: let it read them first`,
  );
}

/** Whoever owns the partitions waits for the commit, and finds then that he must take them anew: so he forgets what he remembers. */
async function takePartitions(tx: Tx): Promise<void> {
  const place = [consumerGroup, topics.events.name];
  await tx.query(
    `select lock_positions($1, $2, array(
       select partition from consumer_position where consumer_group = $1 and topic = $2))`,
    place,
  );
  await tx.query(
    'update consumer_position set epoch = epoch + 1 where consumer_group = $1 and topic = $2',
    place,
  );
}

function pagesOf(ids: readonly string[]): string[][] {
  const pages: string[][] = [];
  for (let at = 0; at < ids.length; at += pageMax) pages.push(ids.slice(at, at + pageMax));
  return pages;
}

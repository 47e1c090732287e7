import type { Instant } from '@slipstream/kernel';
import {
  bytea,
  columns,
  FencedError,
  int4,
  int8,
  type Rows,
  type Tx,
  table,
  type UnitOfWork,
  uuid,
} from '@slipstream/postgres';
import { type StagePolicy, wallClock } from '@slipstream/slip';
import { emptySnapshot } from '../../application/quiet/hot-partition.ts';
import type { Departure, QuietCounts, QuietStore, Recovered } from '../../application/quiet/ports.ts';
import type { IdList } from '../../application/quiet/slip-ids.ts';
import type { Way } from '../../application/quiet/ways.ts';
import { noteReturns } from './returns-store.ts';

const chunkTable = table('quiet_snapshot_chunk', { partition: int4, n: int4, bytes: bytea });
const left = columns({ partition: int4, kafka_offset: int8, slip_id: uuid });
const ids = columns({ slip_id: uuid });

const ownedSql = `
select 1 from consumer_position
 where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $4 for share`;

const snapshotSql =
  'select format, kafka_offset, sequences, slips, ways, stages from quiet_snapshot where partition = $1';

const chunkSql = 'select bytes from quiet_snapshot_chunk where partition = $1 and n = $2';

const writeSql = `
insert into quiet_snapshot (partition, format, kafka_offset, sequences, slips, ways, stages)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (partition) do update set format = excluded.format, kafka_offset = excluded.kafka_offset,
  sequences = excluded.sequences, slips = excluded.slips, ways = excluded.ways, stages = excluded.stages`;

const clearSql = `
with chunks as (delete from quiet_snapshot_chunk where partition = $1)
delete from quiet_departure where partition = $1 and kafka_offset < $2`;

// A slip that was judged may be what the next record is about.
const departSql = `
insert into quiet_departure (partition, kafka_offset, slip_id)
select l.partition, l.kafka_offset, l.slip_id from ${left.unnest('l')} on conflict do nothing`;

const countSql = `
insert into clock_progress (clock, partition, slips, in_time)
select '${wallClock}', c.* from unnest($1::int[], $2::int[], $3::int[]) as c(partition, slips, in_time)
on conflict (clock, partition) do update set
  slips = clock_progress.slips + excluded.slips, in_time = clock_progress.in_time + excluded.in_time`;

const knownSql = `
select n.slip_id from (select slip_id::text from ${ids.unnest('one')}) n
 where exists (select 1 from open_slip o where o.slip_id = n.slip_id)
    or exists (select 1 from archived_slip o where o.slip_id = n.slip_id)`;

const keepDueSql = `
insert into quiet_due (partition, due_at) select * from unnest($1::int[], $2::timestamptz[])
on conflict (partition) do update set due_at = excluded.due_at where quiet_due.due_at is distinct from excluded.due_at`;

interface SnapshotRow {
  readonly format: number;
  readonly kafka_offset: string;
  readonly sequences: Readonly<Record<string, number>>;
  readonly slips: number;
  readonly ways: readonly Way[];
  readonly stages: readonly StagePolicy[];
}

/** Snapshots, departures and counts of the slips that are followed in memory. */
export function createQuietStore(
  unitOfWork: UnitOfWork,
  { group, topic }: { readonly group: string; readonly topic: string },
): QuietStore<Tx> {
  const store: QuietStore<Tx> = {
    recover: (partition, epoch, nextOffset) =>
      unitOfWork.run(async (tx) => {
        const owned = await tx.query(ownedSql, [group, topic, partition, epoch]);
        if (owned.length === 0) throw new FencedError({ group, topic }, [partition]);
        const [row] = await tx.query<SnapshotRow>(snapshotSql, [partition]);
        if (row) return recovered(tx, partition, row);
        const empty = emptySnapshot(nextOffset);
        await store.write(tx, partition, empty);
        return { snapshot: empty, departures: [] };
      }),
    async write(tx, partition, { offset, sequences, slips, chunks, format, ways, stages }) {
      tx.send(clearSql, [partition, offset]);
      const read = JSON.stringify(Object.fromEntries(sequences));
      const [wayList, stageList] = [JSON.stringify(ways), JSON.stringify(stages)];
      tx.send(writeSql, [partition, format, offset, read, slips, wayList, stageList]);
      for (const [n, bytes] of chunks.entries()) await tx.insert(chunkTable, [{ partition, n, bytes }]);
    },
    async depart(tx, departures) {
      if (departures.length === 0) return;
      const rows = departures.map(({ partition, offset, slipId }) => ({
        ...{ partition, kafka_offset: offset, slip_id: slipId },
      }));
      tx.send(departSql, left.parameters(rows));
    },
    async count(tx, counts) {
      const moved = counts.filter(({ slips, inTime }) => slips + inTime > 0);
      if (moved.length === 0) return;
      tx.send(countSql, countColumns(moved));
    },
    noteReturns,
    async known(tx, slips) {
      const rows = rowsOfIds(slips);
      if (rows.length === 0) return [];
      const known = await tx.query<{ slip_id: string }>(knownSql, ids.parameters(rows));
      return known.map(({ slip_id }) => slip_id);
    },
    async now(tx) {
      const [row] = await tx.query<{ now: Instant }>('select clock_timestamp() as now');
      return row!.now;
    },
    async keepDue(due) {
      await unitOfWork.query(keepDueSql, [[...due.keys()], [...due.values()]]);
    },
  };
  return store;
}

function rowsOfIds(lists: readonly IdList[]): Rows<{ slip_id: Uint8Array }> {
  return {
    length: lists.reduce((sum, { length }) => sum + length, 0),
    *[Symbol.iterator]() {
      for (const list of lists) for (const slip_id of list.bytes()) yield { slip_id };
    },
  };
}

function countColumns(counts: readonly QuietCounts[]): number[][] {
  return [
    counts.map(({ partition }) => partition),
    counts.map(({ slips }) => slips),
    counts.map(({ inTime }) => inTime),
  ];
}

async function recovered(tx: Tx, partition: number, row: SnapshotRow): Promise<Recovered> {
  const departures = await tx.query<{ kafka_offset: string; slip_id: string }>(
    'select kafka_offset, slip_id from quiet_departure where partition = $1 order by kafka_offset',
    [partition],
  );
  return {
    snapshot: {
      offset: Number(row.kafka_offset),
      sequences: new Map(Object.entries(row.sequences)),
      slips: row.slips,
      chunks: await chunksOf(tx, partition),
      format: row.format,
      ways: row.ways,
      stages: row.stages,
    },
    departures: departures.map(
      ({ kafka_offset, slip_id }): Departure => ({
        partition,
        offset: Number(kafka_offset),
        slipId: slip_id,
      }),
    ),
  };
}

/** One at a time: each comes as text of twice its size, and several partitions may begin at once. */
async function chunksOf(tx: Tx, partition: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (;;) {
    const [row] = await tx.query<{ bytes: Buffer }>(chunkSql, [partition, chunks.length]);
    if (!row) return chunks;
    chunks.push(row.bytes);
  }
}

import { isUuid, SlipstreamError } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import {
  type ConsistencyProof,
  type Proofs,
  type ProvedEvent,
  provedEventsMax,
  type SlipProof,
} from '../../application/proofs.ts';
import type { StoredCheckpoint } from '../../application/take-checkpoint.ts';
import { treeHashes } from '../../digests.ts';
import { checkpointOf } from '../../domain/log/checkpoint.ts';
import type { Hash } from '../../domain/log/follow.ts';
import {
  consistencyPath,
  hashOf,
  inclusionPath,
  partsNeeded,
  type Range,
  type TreeParts,
} from '../../domain/log/proof.ts';
import { atOneMoment } from './at-one-moment.ts';
import { checkpointSql, latestCheckpoint } from './checkpoints.ts';
import { type Keyset, readPage } from './keyset.ts';
import { type LeafPlace, PartitionParts } from './proof-parts.ts';

const checkpointKeyset: Keyset<StoredCheckpoint, StoredCheckpoint> = {
  select: checkpointSql,
  conditions: [],
  parameters: [],
  keys: [
    { column: 'c.at', type: 'timestamptz' },
    { column: 'c.id', type: 'uuid' },
  ],
  order: 'desc',
  toItem: (row) => row,
  keyOf: ({ at, id }) => [at, id],
};

/** With the chunk of leaves that each is in: the first whose end is not before it, or the one that is not full yet. */
const eventsSql = `
select e.version, e.partition, e.kafka_offset, e.bytes, e.chain, coalesce(
  (select k.n from log_node k where k.partition = e.partition and k.level = 8 and k.last_offset >= e.kafka_offset
    order by k.last_offset limit 1),
  (select t.size / 256 from log_tree t where t.partition = e.partition)) as chunk
from event_log e where e.slip_id = $1 and e.version > $2 order by e.version limit ${provedEventsMax}`;
const versionSql = 'select max(version) as version from event_log where slip_id = $1';

interface EventRow {
  version: string;
  partition: number;
  kafka_offset: string;
  bytes: Buffer;
  chain: Buffer;
  chunk: string | null;
}

/** `signNow` has the log signed as it is. */
export function proofs(unitOfWork: UnitOfWork, signNow: () => Promise<void>): Proofs {
  const ofSlip = (slipId: string, afterVersion: number) =>
    atOneMoment(unitOfWork, (tx) => slipProof(tx, slipId, afterVersion));
  const find = (tx: Pick<Tx, 'query'>, id: string) => checkpointById(tx, id);
  return {
    checkpoints: (page) => readPage(unitOfWork, checkpointKeyset, page),
    checkpoint: (id) => find(unitOfWork, id),
    async ofSlip(slipId, afterVersion) {
      const proof = await ofSlip(slipId, afterVersion);
      if (proof !== 'uncovered') return proof;
      await signNow();
      const again = await ofSlip(slipId, afterVersion);
      if (again !== 'uncovered') return again;
      throw new SlipstreamError('unavailable', 'No checkpoint has the events of this slip yet.');
    },
    consistency: (from, to) =>
      atOneMoment(unitOfWork, async (tx) => {
        const [earlier, later] = await Promise.all([find(tx, from), find(tx, to)]);
        return earlier === null || later === null ? null : consistencyProof(tx, earlier, later);
      }),
  };
}

async function checkpointById(tx: Pick<Tx, 'query'>, id: string): Promise<StoredCheckpoint | null> {
  if (id === 'latest') return latestCheckpoint(tx);
  if (!isUuid(id)) return null;
  const [row] = await tx.query<StoredCheckpoint>(`${checkpointSql} where c.id = $1`, [id]);
  return row ?? null;
}

async function slipProof(
  tx: Tx,
  slipId: string,
  afterVersion: number,
): Promise<SlipProof | 'uncovered' | null> {
  const [[{ version } = { version: null }], rows, checkpoint] = await Promise.all([
    tx.query<{ version: string | null }>(versionSql, [slipId]),
    tx.query<EventRow>(eventsSql, [slipId, afterVersion]),
    latestCheckpoint(tx),
  ]);
  if (version === null) return null;
  if (checkpoint === null) return 'uncovered';
  const sizes = new Map(checkpointOf(checkpoint.note).heads.map(({ partition, size }) => [partition, size]));
  const proved = await Promise.all(
    [...byPartition(rows)].map(([partition, some]) =>
      provedEvents(new PartitionParts(tx, partition), sizes.get(partition) ?? 0, some),
    ),
  );
  if (proved.includes('uncovered')) return 'uncovered';
  const events = (proved as ProvedEvent[][]).flat().sort((a, b) => a.version - b.version);
  return { slipId, checkpoint, version: Number(version), events };
}

/** A slip's events lie in one partition; nothing here relies on it. */
function byPartition(rows: readonly EventRow[]): Map<number, EventRow[]> {
  const found = new Map<number, EventRow[]>();
  for (const row of rows) {
    const among = found.get(row.partition);
    if (among) among.push(row);
    else found.set(row.partition, [row]);
  }
  return found;
}

/** What all of them need is read together: the ways to the database do not grow with the events. */
async function provedEvents(
  parts: PartitionParts,
  size: number,
  rows: readonly EventRow[],
): Promise<ProvedEvent[] | 'uncovered'> {
  const places: LeafPlace[] = [];
  for (const { chunk, kafka_offset } of rows) {
    // The tree of a log that an older release has written is built when the partition is claimed.
    if (chunk === null) return 'uncovered';
    places.push({ chunk: Number(chunk), offset: Number(kafka_offset) });
  }
  const indexes: number[] = [];
  for (const index of await parts.indexesOf(places)) {
    if (index === null || index >= size) return 'uncovered';
    indexes.push(index);
  }
  const paths = indexes.map((index) => inclusionPath(index, size));
  const read = await parts.read(partsNeeded(paths.flat()));
  return rows.map(({ version, partition, kafka_offset, bytes, chain }, n) => ({
    ...{ version: Number(version), partition, offset: Number(kafka_offset), bytes },
    chain: chain.toString('latin1'),
    index: indexes[n]!,
    path: hashesOf(paths[n]!, read),
  }));
}

async function consistencyProof(
  tx: Tx,
  from: StoredCheckpoint,
  to: StoredCheckpoint,
): Promise<ConsistencyProof> {
  const later = new Map(checkpointOf(to.note).heads.map(({ partition, size }) => [partition, size]));
  const wanted = checkpointOf(from.note).heads.map(({ partition, size }) => {
    const larger = later.get(partition) ?? 0;
    if (larger < size) throw new SlipstreamError('conflict', 'The checkpoint `from` is the later one.');
    return { partition, path: consistencyPath(size, larger) };
  });
  const partitions = await Promise.all(
    wanted.map(async ({ partition, path }) => {
      const read = await new PartitionParts(tx, partition).read(partsNeeded(path));
      return { partition, path: hashesOf(path, read) };
    }),
  );
  return { from, to, partitions };
}

const hashesOf = (path: readonly Range[], read: TreeParts): Hash[] =>
  path.map((range) => hashOf(range, read, treeHashes));

import { isUuid, SlipstreamError } from '@slipstream/kernel';
import type { Tx, UnitOfWork } from '@slipstream/postgres';
import {
  type ConsistencyProof,
  type Proofs,
  provedEventsMax,
  type SlipProof,
} from '../../application/proofs.ts';
import type { StoredCheckpoint } from '../../application/take-checkpoint.ts';
import { treeHashes } from '../../digests.ts';
import { checkpointOf } from '../../domain/log/checkpoint.ts';
import { consistencyPath, hashOf, inclusionPath, partsNeeded, type Range } from '../../domain/log/proof.ts';
import { atOneMoment } from './at-one-moment.ts';
import { latestCheckpoint } from './checkpoints.ts';
import { type Keyset, readPage } from './keyset.ts';
import { PartitionParts } from './proof-parts.ts';

const checkpointSql = `
select c.id::text, c.at, c.note, k.verifier_key as "verifierKey", c.key_id as "keyId"
from checkpoint c join signing_key k on k.id = c.key_id`;

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
        const [earlier, later] = [await find(tx, from), await find(tx, to)];
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
  const [{ version } = { version: null }] = await tx.query<{ version: string | null }>(versionSql, [slipId]);
  if (version === null) return null;
  const rows = await tx.query<EventRow>(eventsSql, [slipId, afterVersion]);
  const checkpoint = await latestCheckpoint(tx);
  if (checkpoint === null) return 'uncovered';
  const sizes = new Map(checkpointOf(checkpoint.note).heads.map(({ partition, size }) => [partition, size]));
  const parts = new Map<number, PartitionParts>();
  const events: SlipProof['events'][number][] = [];
  for (const row of rows) {
    const { partition, bytes } = row;
    // The tree of a log that an older release has written is built when the partition is claimed.
    if (row.chunk === null) return 'uncovered';
    const offset = Number(row.kafka_offset);
    const of = parts.get(partition) ?? new PartitionParts(tx, partition);
    parts.set(partition, of);
    const size = sizes.get(partition) ?? 0;
    const index = await of.indexOf(Number(row.chunk), offset);
    if (index === null || index >= size) return 'uncovered';
    const path = await hashesOf(of, inclusionPath(index, size));
    const chain = row.chain.toString('latin1');
    events.push({ version: Number(row.version), partition, offset, bytes, chain, index, path });
  }
  return { slipId, checkpoint, version: Number(version), events };
}

async function consistencyProof(
  tx: Tx,
  from: StoredCheckpoint,
  to: StoredCheckpoint,
): Promise<ConsistencyProof> {
  const later = new Map(checkpointOf(to.note).heads.map(({ partition, size }) => [partition, size]));
  const partitions: ConsistencyProof['partitions'][number][] = [];
  for (const { partition, size } of checkpointOf(from.note).heads) {
    const larger = later.get(partition) ?? 0;
    if (larger < size) throw new SlipstreamError('conflict', 'The checkpoint `from` is the later one.');
    const path = await hashesOf(new PartitionParts(tx, partition), consistencyPath(size, larger));
    partitions.push({ partition, path });
  }
  return { from, to, partitions };
}

async function hashesOf(parts: PartitionParts, path: readonly Range[]) {
  const read = await parts.read(partsNeeded(path));
  return path.map((range) => hashOf(range, read, treeHashes));
}

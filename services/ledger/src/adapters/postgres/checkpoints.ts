import { checkpointHeaders, checkpointKey, encodeCheckpoint, topics } from '@slipstream/contracts';
import type { Instant } from '@slipstream/kernel';
import type { Tx } from '@slipstream/postgres';
import type { CheckpointTx, StoredCheckpoint } from '../../application/take-checkpoint.ts';
import { treeHashes } from '../../digests.ts';
import { type TreeHead } from '../../domain/log/checkpoint.ts';
import { rootOf } from '../../domain/log/tree.ts';
import { peaksOf } from './log-trees.ts';

/** Instances sign one after the other. */
const lockSql = "select pg_advisory_xact_lock(hashtextextended('ledger checkpoints', 0))";
/** One statement is one moment: a transaction is in all the trees that it moved, or in none. */
const headsSql = `
select clock_timestamp() as now, coalesce(json_agg(json_build_object('partition', partition, 'size', size,
  'peaks', encode(peaks, 'base64')) order by partition) filter (where size > 0), '[]') as trees from log_tree`;
/** A {@link StoredCheckpoint}. */
export const checkpointSql = `
select c.id::text, c.at, c.note, k.verifier_key as "verifierKey", c.key_id as "keyId"
from checkpoint c join signing_key k on k.id = c.key_id`;
const latestSql = `${checkpointSql} order by c.at desc, c.id desc limit 1`;

interface HeadsRow {
  now: Instant;
  trees: { partition: number; size: number; peaks: string }[];
}

/** The port over one transaction. */
export function checkpointTx(tx: Tx): CheckpointTx {
  return {
    async lock() {
      await tx.query(lockSql);
    },
    async heads() {
      const [row] = await tx.query<HeadsRow>(headsSql);
      const heads = row!.trees.map(({ partition, size, peaks }): TreeHead => {
        const tree = { partition, size, position: 0, peaks: peaksOf(Buffer.from(peaks, 'base64')) };
        return { partition, size, root: rootOf(tree, treeHashes, '') };
      });
      return { now: row!.now, heads };
    },
    latest: () => latestCheckpoint(tx),
    keep({ id, at, note, keyId, verifierKey }) {
      tx.send('insert into signing_key (id, verifier_key) values ($1, $2) on conflict do nothing', [
        ...[keyId, verifierKey],
      ]);
      tx.send('insert into checkpoint (id, at, note, key_id) values ($1, $2, $3, $4)', [id, at, note, keyId]);
      tx.publish([
        {
          ...{ topic: topics.checkpoints.name, partition: 0, key: checkpointKey, receivedAt: null },
          ...{ headers: checkpointHeaders, body: encodeCheckpoint({ id, at, note, verifierKey }) },
        },
      ]);
    },
  };
}

/** null: none was signed yet. */
export async function latestCheckpoint(tx: Pick<Tx, 'query'>): Promise<StoredCheckpoint | null> {
  const [row] = await tx.query<StoredCheckpoint>(latestSql);
  return row ?? null;
}

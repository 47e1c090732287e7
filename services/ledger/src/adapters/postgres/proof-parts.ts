import { assert } from '@slipstream/kernel';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
import { treeHashes } from '../../digests.ts';
import type { Hash } from '../../domain/log/follow.ts';
import { chunkOf, type PartsNeeded, type TreeParts } from '../../domain/log/proof.ts';
import { leavesPerKeptTree } from '../../domain/log/tree.ts';

const nodes = columns({ level: columnTypes.int2, n: columnTypes.int8 });
const nodesSql = `
select k.level, k.n, k.hash from ${nodes.unnest('w', 2)} join log_node k
  on k.partition = $1 and k.level = w.level and k.n = w.n`;

/** The records of a chunk of leaves: those behind the last of the chunk before. */
const from = (log: string) =>
  `(select kafka_offset, bytes from ${log} where partition = $1 and kafka_offset > b.after
    order by kafka_offset limit ${leavesPerKeptTree})`;
const chunkSql = `
select distinct on (r.kafka_offset) r.kafka_offset, r.bytes from (
  select coalesce((select last_offset from log_node where partition = $1 and level = 8 and n = $2::bigint - 1), -1) as after
) as b, lateral (${from('event_log')} union all ${from('aside_log')}) as r
order by r.kafka_offset limit ${leavesPerKeptTree}`;

interface Chunk {
  readonly offsets: readonly number[];
  readonly leaves: readonly Hash[];
}

/** What proofs of one partition are made of, read once each, all in one transaction of one moment. */
export class PartitionParts {
  readonly #tx: Pick<Tx, 'query'>;
  readonly #partition: number;
  readonly #nodes = new Map<string, Hash>();
  readonly #chunks = new Map<number, Chunk>();

  constructor(tx: Pick<Tx, 'query'>, partition: number) {
    this.#tx = tx;
    this.#partition = partition;
  }

  /** The index of the leaf of a record, of which `chunk` is known; null: the tree does not reach it yet. */
  async indexOf(chunk: number, offset: number): Promise<number | null> {
    await this.#load(chunk);
    const place = this.#chunks.get(chunk)!.offsets.indexOf(offset);
    return place < 0 ? null : chunk * leavesPerKeptTree + place;
  }

  async read({ nodes: wanted, chunks }: PartsNeeded): Promise<TreeParts> {
    const missing = wanted.filter(({ level, n }) => !this.#nodes.has(`${level} ${n}`));
    if (missing.length > 0) {
      const parameters = [this.#partition, ...nodes.parameters(missing)];
      const rows = await this.#tx.query<{ level: number; n: string; hash: Buffer }>(nodesSql, parameters);
      for (const { level, n, hash } of rows) this.#nodes.set(`${level} ${n}`, hash.toString('latin1'));
    }
    for (const chunk of chunks) await this.#load(chunk);
    return {
      node: (level, n) => known(this.#nodes.get(`${level} ${n}`)),
      leaf: (index) => known(this.#chunks.get(chunkOf(index))?.leaves[index % leavesPerKeptTree]),
    };
  }

  async #load(chunk: number): Promise<void> {
    if (this.#chunks.has(chunk)) return;
    const rows = await this.#tx.query<{ kafka_offset: string; bytes: Buffer }>(chunkSql, [
      ...[this.#partition, chunk],
    ]);
    const first = chunk * leavesPerKeptTree;
    this.#chunks.set(chunk, {
      offsets: rows.map(({ kafka_offset }) => Number(kafka_offset)),
      leaves: rows.map(({ kafka_offset, bytes }, n) =>
        treeHashes.leaf(first + n, Number(kafka_offset), bytes),
      ),
    });
  }
}

function known(hash: Hash | undefined): Hash {
  assert(hash !== undefined, 'a tree lacks a part');
  return hash;
}

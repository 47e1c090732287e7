import { assert } from '@slipstream/kernel';
import { columns, columnTypes, type Tx } from '@slipstream/postgres';
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
/** The leaves of chunks, hashed there as TreeHashes.leaf hashes them: a hundred events may need the records of a hundred chunks. */
const chunksSql = `
select c.n, r.kafka_offset, sha256('\\x00'::bytea || int8send(c.n * ${leavesPerKeptTree} + r.place - 1)
  || int8send(r.kafka_offset) || r.bytes) as leaf
from unnest($2::bigint[]) as c(n), lateral (
  select coalesce((select last_offset from log_node where partition = $1 and level = 8 and n = c.n - 1), -1) as after
) as b, lateral (
  select d.kafka_offset, d.bytes, row_number() over (order by d.kafka_offset) as place from (
    select distinct on (a.kafka_offset) a.kafka_offset, a.bytes from (${from('event_log')} union all ${from('aside_log')}) as a
      order by a.kafka_offset limit ${leavesPerKeptTree}
  ) as d
) as r
order by c.n, r.kafka_offset`;

interface Chunk {
  readonly offsets: number[];
  readonly leaves: Hash[];
}

interface LeafRow {
  n: string;
  kafka_offset: string;
  leaf: Buffer;
}

/** Where a record lies, and the chunk of leaves that its own is in. */
export interface LeafPlace {
  readonly chunk: number;
  readonly offset: number;
}

/** What proofs of one partition are made of, read once each, many at once, all in one transaction of one moment. */
export class PartitionParts {
  readonly #tx: Pick<Tx, 'query'>;
  readonly #partition: number;
  readonly #nodes = new Map<string, Hash>();
  readonly #chunks = new Map<number, Chunk>();

  constructor(tx: Pick<Tx, 'query'>, partition: number) {
    this.#tx = tx;
    this.#partition = partition;
  }

  /** The index of each record's leaf; null: the tree does not reach it yet. */
  async indexesOf(places: readonly LeafPlace[]): Promise<(number | null)[]> {
    await this.#loadChunks(places.map(({ chunk }) => chunk));
    return places.map(({ chunk, offset }) => {
      const place = this.#chunks.get(chunk)!.offsets.indexOf(offset);
      return place < 0 ? null : chunk * leavesPerKeptTree + place;
    });
  }

  async read({ nodes: wanted, chunks }: PartsNeeded): Promise<TreeParts> {
    await Promise.all([this.#loadNodes(wanted), this.#loadChunks(chunks)]);
    return {
      node: (level, n) => known(this.#nodes.get(`${level} ${n}`)),
      leaf: (index) => known(this.#chunks.get(chunkOf(index))?.leaves[index % leavesPerKeptTree]),
    };
  }

  async #loadNodes(wanted: PartsNeeded['nodes']): Promise<void> {
    const missing = wanted.filter(({ level, n }) => !this.#nodes.has(`${level} ${n}`));
    if (missing.length === 0) return;
    const parameters = [this.#partition, ...nodes.parameters(missing)];
    const rows = await this.#tx.query<{ level: number; n: string; hash: Buffer }>(nodesSql, parameters);
    for (const { level, n, hash } of rows) this.#nodes.set(`${level} ${n}`, hash.toString('latin1'));
  }

  async #loadChunks(wanted: readonly number[]): Promise<void> {
    const missing = [...new Set(wanted)].filter((chunk) => !this.#chunks.has(chunk));
    if (missing.length === 0) return;
    for (const chunk of missing) this.#chunks.set(chunk, { offsets: [], leaves: [] });
    const rows = await this.#tx.query<LeafRow>(chunksSql, [this.#partition, missing]);
    for (const { n, kafka_offset, leaf } of rows) {
      const { offsets, leaves } = this.#chunks.get(Number(n))!;
      offsets.push(Number(kafka_offset));
      leaves.push(leaf.toString('latin1'));
    }
  }
}

function known(hash: Hash | undefined): Hash {
  assert(hash !== undefined, 'a tree lacks a part');
  return hash;
}

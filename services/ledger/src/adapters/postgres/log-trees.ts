import { topics } from '@slipstream/contracts';
import { assert } from '@slipstream/kernel';
import { rowsOf, type Tx, type UnitOfWork } from '@slipstream/postgres';
import { consumerGroup } from '../../application/consumer-group.ts';
import { treeHashes } from '../../digests.ts';
import type { Hash } from '../../domain/log/follow.ts';
import { GrowingTree, type GrownTree, type LogTree } from '../../domain/log/tree.ts';
import { growTrees, logNodes } from './tables.ts';

const hashLength = 32;
/** Of the records that a tree lacks, so many are read at once. */
const pageMax = 5_000;

const selectSql =
  'select partition, size, position, peaks from log_tree where partition = any($1::int[]) order by partition for update';
const beginSql = `
insert into log_tree (partition, size, position, peaks) select p, 0, -1, '' from unnest($1::int[]) as p
on conflict do nothing`;

/** All records of a partition, each once: one that was set aside may have come to its slip since. */
const recordsSql = `
select distinct on (kafka_offset) kafka_offset, bytes from (
  (select kafka_offset, bytes from event_log where partition = $1 and kafka_offset > $2 order by kafka_offset limit $3)
  union all
  (select kafka_offset, bytes from aside_log where partition = $1 and kafka_offset > $2 order by kafka_offset limit $3)
) as r order by kafka_offset limit $3`;

/** A release without trees keeps what it sets aside among the dead letters alone: it comes to the log here. */
const lettersSql = `
insert into aside_log (partition, kafka_offset, bytes)
  select d.partition, d.kafka_offset, coalesce(d.value, '') from dead_letter d
  where d.consumer_group = '${consumerGroup}' and d.topic = $3 and d.partition = $1 and d.kafka_offset > $2
    and not exists (select from event_log e where e.partition = d.partition and e.kafka_offset = d.kafka_offset)
  on conflict do nothing`;

/** A look into the index for each. */
const partitionsSql = `
with recursive known as (
  select min(partition) as n from event_log
  union all
  select (select min(e.partition) from event_log e where e.partition > k.n) from known k where k.n is not null
)
select n from known where n is not null`;

interface TreeRow {
  partition: number;
  size: string;
  position: string;
  peaks: Buffer;
}

/** Trees as they were last committed, by this process, which owns their partitions. */
export class KnownTrees {
  readonly #trees = new Map<number, LogTree>();

  /** Gives it, and has it no longer: it comes back when the transaction that works with it was committed. */
  take(partition: number): LogTree | undefined {
    const tree = this.#trees.get(partition);
    this.#trees.delete(partition);
    return tree;
  }

  keep(trees: Iterable<LogTree>): void {
    for (const tree of trees) this.#trees.set(tree.partition, tree);
  }

  forget(partition: number): void {
    this.#trees.delete(partition);
  }
}

/** Trees of partitions as the log has them, locked to the commit. What a release without trees has logged is added. */
export async function lockedTrees(tx: Tx, partitions: readonly number[]): Promise<Map<number, LogTree>> {
  tx.send(beginSql, [partitions]);
  const rows = await tx.query<TreeRow>(selectSql, [partitions]);
  const trees = new Map<number, LogTree>();
  for (const row of rows) {
    const stored = toTree(row);
    let tree = stored;
    for (let more = true; more; ) ({ tree, more } = await withNextPage(tx, tree));
    trees.set(tree.partition, tree);
  }
  return trees;
}

/** One page of what the log has beyond the tree, written; `more`: there may be another. */
async function withNextPage(tx: Tx, before: LogTree): Promise<{ tree: LogTree; more: boolean }> {
  const { partition, position } = before;
  const rows = await tx.query<{ kafka_offset: string; bytes: Buffer }>(recordsSql, [
    ...[partition, position, pageMax],
  ]);
  if (rows.length === 0) return { tree: before, more: false };
  const growing = new GrowingTree(before, treeHashes);
  for (const { kafka_offset, bytes } of rows) growing.append(Number(kafka_offset), bytes);
  const grown = growing.grown();
  await writeTrees(tx, [grown]);
  return { tree: grown.tree, more: rows.length === pageMax };
}

/** @throws InvariantError when a tree is not as it was loaded */
export async function writeTrees(tx: Tx, trees: readonly GrownTree[]): Promise<void> {
  if (trees.length === 0) return;
  const rows = rowsOf(trees, ({ before, tree: { partition, size, position, peaks } }) => {
    return { partition, before: before.size, size, position, peaks: peaks.toReversed().join('') };
  });
  const nodes = trees.flatMap((grown) => grown.nodes);
  const [[found]] = await Promise.all([
    tx.query<{ n: number }>(growTrees.sql, growTrees.rows.parameters(rows)),
    tx.insert(
      logNodes,
      rowsOf(nodes, ({ lastOffset, ...node }) => ({ ...node, last_offset: lastOffset })),
    ),
  ]);
  assert(found?.n === trees.length, 'a tree is not as it was loaded');
}

/**
 * Builds the trees of a log that has none yet, before anything is added to them here: what an instance of the release before
 * still adds is caught up when its partition comes to this one.
 */
export async function buildTrees(
  unitOfWork: UnitOfWork,
  tell?: (partition: number, size: number) => void,
): Promise<void> {
  for (const { n: partition } of await unitOfWork.query<{ n: number }>(partitionsSql)) {
    await buildTree(unitOfWork, partition, tell);
  }
}

/** Brings a partition's tree up to its log, a page in each transaction. */
export async function buildTree(
  unitOfWork: UnitOfWork,
  partition: number,
  tell: (partition: number, size: number) => void = () => {},
): Promise<void> {
  for (let more = true; more; ) {
    const page = await unitOfWork.run(async (tx) => {
      tx.send(beginSql, [[partition]]);
      const [row] = await tx.query<TreeRow>(selectSql, [[partition]]);
      const tree = toTree(row!);
      tx.send(lettersSql, [partition, tree.position, topics.events.name]);
      return withNextPage(tx, tree);
    });
    if (page.more) tell(partition, page.tree.size);
    more = page.more;
  }
}

function toTree({ partition, size, position, peaks }: TreeRow): LogTree {
  return { partition, size: Number(size), position: Number(position), peaks: peaksOf(peaks) };
}

/** They stand in the row with the smallest first. */
export function peaksOf(bytes: Buffer): Hash[] {
  const all = bytes.toString('latin1');
  const peaks: Hash[] = [];
  for (let end = all.length; end > 0; end -= hashLength) peaks.push(all.slice(end - hashLength, end));
  return peaks;
}

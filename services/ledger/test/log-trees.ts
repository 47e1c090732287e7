import { hash } from 'node:crypto';
import { expect } from '@jest/globals';
import type { UnitOfWork } from '@slipstream/postgres';

interface Row {
  partition: number;
  kafka_offset: string;
  bytes: Buffer;
  marks: (number | null)[];
}

/** SHA-256 as Node has it, over what RFC 9162 says; shares nothing with the ledger. */
const sha = (...parts: readonly Uint8Array[]) => hash('sha256', Buffer.concat(parts), 'buffer');
const whole = (value: number | string) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};

function merkleTreeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length <= 1) return leaves[0] ?? sha();
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Buffer.from([1]), merkleTreeHash(leaves.slice(0, k)), merkleTreeHash(leaves.slice(k)));
}

/**
 * Expects that the log has trees over all of its records, their full trees and marks. `isMarked`: every row has one.
 * Gives the offsets of the leaves by partition.
 */
export async function expectTrees(unitOfWork: UnitOfWork, isMarked = true): Promise<Map<number, number[]>> {
  const rows = await unitOfWork.query<Row>(`
    select partition, kafka_offset, (array_agg(bytes))[1] as bytes, array_agg(mark order by mark) as marks
    from (select partition, kafka_offset, bytes, mark from event_log
          union all select partition, kafka_offset, bytes, mark from aside_log) as r
    group by partition, kafka_offset order by partition, kafka_offset`);
  const leaves = new Map<number, Buffer[]>();
  const offsets = new Map<number, number[]>();
  for (const { partition, kafka_offset, bytes, marks } of rows) {
    const among = leaves.get(partition) ?? [];
    const leaf = sha(Buffer.from([0]), whole(among.length), whole(kafka_offset), bytes);
    if (isMarked || marks[0] !== null) expect(marks[0]).toBe(leaf.readInt32BE());
    leaves.set(partition, [...among, leaf]);
    offsets.set(partition, [...(offsets.get(partition) ?? []), Number(kafka_offset)]);
  }
  const trees = await unitOfWork.query<{ partition: number; size: string; position: string; peaks: Buffer }>(
    'select * from log_tree where size > 0 order by partition',
  );
  expect(trees.map(({ partition, size, position }) => [partition, Number(size), Number(position)])).toEqual(
    [...offsets].map(([partition, of]) => [partition, of.length, of.at(-1)]),
  );
  for (const { partition, peaks } of trees) expect(peaks).toEqual(peaksOf(leaves.get(partition)!));
  const nodes = await unitOfWork.query<{ partition: number; level: number; n: string; hash: Buffer }>(
    'select * from log_node',
  );
  for (const { partition, level, n, hash: of } of nodes) {
    const width = 2 ** level;
    const first = Number(n) * width;
    expect(of).toEqual(merkleTreeHash(leaves.get(partition)!.slice(first, first + width)));
  }
  const full = [...leaves.values()].map(({ length }) => {
    let count = 0;
    for (let width = 256; width <= length; width *= 2) count += Math.floor(length / width);
    return count;
  });
  expect(nodes).toHaveLength(full.reduce((sum, count) => sum + count, 0));
  return offsets;
}

function peaksOf(leaves: readonly Buffer[]): Buffer {
  const peaks: Buffer[] = [];
  for (let from = 0, width = 2 ** 31; width >= 1; width /= 2) {
    if (from + width > leaves.length) continue;
    peaks.push(merkleTreeHash(leaves.slice(from, from + width)));
    from += width;
  }
  return Buffer.concat(peaks.reverse());
}

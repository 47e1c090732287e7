import { createHash } from 'node:crypto';
import type { LedgerDatabase } from '../verify/ledger-database.ts';

/** What the ledger's log has of one partition, up to an offset. */
export interface PartitionDigest {
  readonly partition: number;
  readonly records: number;
  /** -1: there is none. */
  readonly last_offset: number;
  /** SHA-256 over offsets and bytes, in their order; hex. */
  readonly digest: string;
}

export interface LogDigest {
  readonly partitions: readonly PartitionDigest[];
  /** Slips that the log speaks of, and those of them that are kept nowhere. */
  readonly slips: number;
  readonly slips_missing: number;
}

/** The part of the ledger's database that is looked at. */
export type Digested = Pick<LedgerDatabase, 'partitions' | 'count' | 'pages' | 'slips'>;

/** @param upTo by partition: the last offset that is looked at; null: all */
export async function digestLog(
  database: Digested,
  upTo: ReadonlyMap<number, number> | null,
  onRows: (done: number, total: number) => void,
): Promise<LogDigest> {
  const total = await database.count();
  let done = 0;
  const partitions: PartitionDigest[] = [];
  for (const partition of new Set([...(await database.partitions()), ...(upTo?.keys() ?? [])])) {
    const end = upTo === null ? Number.MAX_SAFE_INTEGER : (upTo.get(partition) ?? -1);
    const hash = createHash('sha256');
    let records = 0;
    let last = -1;
    for await (const rows of database.pages(partition)) {
      const meant = rows.filter(({ offset }) => offset <= end);
      for (const { offset, bytes } of meant) {
        hash.update(`${offset} ${bytes.length} `).update(bytes);
        last = offset;
      }
      records += meant.length;
      done += meant.length;
      onRows(done, total);
      if (meant.length < rows.length) break;
    }
    partitions.push({ partition, records, last_offset: last, digest: hash.digest('hex') });
  }
  const { slips, missing } = await database.slips();
  return { partitions, slips, slips_missing: missing };
}

/** How a log is not the one that it was; what came since does not count. */
export function lossesSince(before: LogDigest, after: LogDigest): string[] {
  const found = new Map(after.partitions.map((one) => [one.partition, one]));
  const problems = before.partitions.flatMap(({ partition, records, digest, last_offset }) => {
    const now = found.get(partition);
    if (now?.digest === digest) return [];
    const count = now?.records ?? 0;
    const what = count === records ? 'other bytes than before' : `${count} records instead of ${records}`;
    return [`partition ${partition} has ${what}, up to offset ${last_offset}`];
  });
  if (after.slips < before.slips)
    problems.push(`the log speaks of ${after.slips} slips instead of ${before.slips}`);
  if (after.slips_missing > 0)
    problems.push(
      `${after.slips_missing} slips of the log are kept nowhere: slipctl projection rebuild slips`,
    );
  return problems;
}

import { readCheckpoint, type SignedCheckpoint, verifierKey } from './checkpoints.ts';
import type { KafkaLog } from './kafka-log.ts';
import type { KeptCheckpoint, LedgerDatabase } from './ledger-database.ts';
import { type Head, type PartitionVerdict, verifyPartition } from './verify-partition.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly records: number;
  /** So many checkpoints were found whose signature holds. */
  readonly checkpoints: number;
  /** Notes that none of the keys has signed. */
  readonly unsignedNotes: number;
  /** Checkpoints of the database whose row says another id, time or key than their note: lists and proofs go by it. */
  readonly misfiledCheckpoints: number;
  readonly partitions: readonly PartitionVerdict[];
}

export interface VerifyLog {
  readonly database: LedgerDatabase;
  /** null: Kafka is not looked at. */
  readonly kafka: KafkaLog | null;
  /** Verifier keys; none: those that the database names. */
  readonly keys: readonly string[];
  /** Notes that were kept elsewhere. */
  readonly notes: readonly string[];
  readonly onRows: (done: number, total: number) => void;
}

/** Compares the ledger's log with its trees, with every checkpoint that is known, and with Kafka. */
export async function verifyLog({ database, kafka, keys, notes, onRows }: VerifyLog): Promise<Verdict> {
  const trusted = (keys.length > 0 ? keys : await database.keys()).flatMap((text) => verifierKey(text) ?? []);
  const kept = await database.checkpoints();
  const all = [...notes, ...kept.map(({ note }) => note), ...(kafka?.published ?? [])];
  await kafka?.begin();
  const known: SignedCheckpoint[] = [];
  const misfiledCheckpoints = kept.filter((row) => isMisfiled(row, readCheckpoint(row.note, trusted))).length;
  let unsignedNotes = 0;
  for (const note of new Set(all)) {
    const checkpoint = readCheckpoint(note, trusted);
    if (checkpoint === null) unsignedNotes += 1;
    else known.push(checkpoint);
  }
  const heads = headsOf(known);
  const total = await database.count();
  let done = 0;
  const partitions: PartitionVerdict[] = [];
  const numbers = new Set([
    ...(await database.partitions()),
    ...heads.keys(),
    ...(kafka?.partitions() ?? []),
  ]);
  for (const partition of [...numbers].sort((a, b) => a - b)) {
    const verdict = await verifyPartition({
      partition,
      pages: database.pages(partition),
      tree: await database.tree(partition),
      heads: heads.get(partition) ?? [],
      nodes: (places) => database.nodes(partition, places),
      nodeCount: () => database.nodeCount(partition),
      ...(kafka && { kafka: await kafka.comparison(database, partition) }),
      onRows(count) {
        done += count;
        onRows(done, Math.max(total, done));
      },
    });
    partitions.push(verdict);
  }
  const records = partitions.reduce((sum, { records }) => sum + records, 0);
  const ok = unsignedNotes + misfiledCheckpoints === 0 && partitions.every(({ problem }) => problem === null);
  return { ok, records, checkpoints: known.length, unsignedNotes, misfiledCheckpoints, partitions };
}

/** What nobody has signed at all is told apart. */
function isMisfiled(
  { id, at, note, verifierKey: named }: KeptCheckpoint,
  signed: SignedCheckpoint | null,
): boolean {
  if (signed === null) return false;
  const key = named === null ? null : verifierKey(named);
  return id !== signed.id || at !== signed.at || key === null || readCheckpoint(note, [key]) === null;
}

/** By partition, the smallest first; of those that say the same one is enough. */
function headsOf(checkpoints: readonly SignedCheckpoint[]): Map<number, Head[]> {
  const heads = new Map<number, Map<string, Head>>();
  for (const { id, heads: of } of checkpoints) {
    for (const head of of) {
      const among = heads.get(head.partition) ?? new Map<string, Head>();
      heads.set(head.partition, among);
      const name = `${head.size} ${head.root.toString('base64')}`;
      if (!among.has(name)) among.set(name, { ...head, checkpoint: id });
    }
  }
  return new Map(
    [...heads].map(([partition, of]) => [partition, [...of.values()].sort((a, b) => a.size - b.size)]),
  );
}

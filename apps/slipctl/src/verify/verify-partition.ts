import { readEnvelope } from '@slipstream/contracts';
import { isSlipstreamError } from '@slipstream/kernel';
import type { SignedHead } from './checkpoints.ts';
import { chainHash, chunkLeaves, type Hash, keptLevelMin, LogTree, leafHash, markOf } from './hashes.ts';

/** A record as the ledger has it. */
export interface LogRow {
  readonly offset: number;
  readonly bytes: Buffer;
  /** null: logged before there were marks. */
  readonly mark: number | null;
  /** Its place among the events of a slip; null: it stands under none. */
  readonly event: { readonly slipId: string; readonly version: number; readonly chain: Hash } | null;
  /** The chain of the slip's event before it; null: there is none. */
  readonly before: Hash | null;
  /** The same record as it was set aside, where it stands under a slip as well. */
  readonly twin: Buffer | null;
}

/** What the ledger says of the tree of the partition. */
export interface StoredTree {
  readonly size: number;
  readonly position: number;
  readonly peaks: readonly Hash[];
}

/** A full tree that is kept: the n-th (from 0) of its level. */
export interface NodePlace {
  readonly level: number;
  readonly n: number;
}

export interface StoredNode extends NodePlace {
  readonly hash: Hash;
  /** Of its last record. */
  readonly lastOffset: number;
}

/** A checkpoint's word about this partition. */
export interface Head extends SignedHead {
  readonly checkpoint: string;
}

export interface PartitionLog {
  readonly partition: number;
  /** In the order of their offsets. */
  readonly pages: AsyncIterable<readonly LogRow[]>;
  /** null: the ledger has none. */
  readonly tree: StoredTree | null;
  /** By size, the smallest first. */
  readonly heads: readonly Head[];
  /** Of these full trees those that are kept. */
  nodes(places: readonly NodePlace[]): Promise<readonly StoredNode[]>;
  /** How many are kept. */
  nodeCount(): Promise<number>;
  /** Absent: Kafka is not looked at. */
  readonly kafka?: KafkaPart;
  onRows?(count: number): void;
}

/** What Kafka has of the partition; nothing of a partition that it does not have. */
export interface KafkaPart {
  /** The first offset that it still has. */
  readonly start: number;
  /** The offset after its last record. */
  readonly end: number;
  /** Up to which offset the ledger has handled it. */
  readonly handled: number;
  /** Compares a page with Kafka, behind `after`; what is wrong, or null. */
  compare(after: number, rows: readonly LogRow[], isLast: boolean): Promise<Problem | null>;
}

/** Offsets whose records were not compared with Kafka, and why not. */
export interface NotCompared {
  readonly from: number;
  readonly through: number;
  /** Retention or people took them, and the ledger's log alone has them; or the ledger has not come so far. */
  readonly why: 'gone_from_kafka' | 'not_handled_yet';
}

/** The first thing that is wrong in a partition. */
export interface Problem {
  readonly partition: number;
  /** The first bad position: of the record that is wrong, or where one is missing. */
  readonly offset: number;
  /** It is this one or one behind it, up to this offset, where no more can be told. */
  readonly through: number;
  readonly kind:
    | 'altered'
    | 'missing'
    | 'inserted'
    | 'truncated'
    | 'not_signed'
    | 'kept_tree'
    | 'differs_from_kafka';
  readonly detail: string;
}

export interface PartitionVerdict {
  readonly partition: number;
  readonly records: number;
  /** So many of them are under a checkpoint. */
  readonly signed: number;
  readonly notCompared: readonly NotCompared[];
  readonly problem: Problem | null;
}

/** So many records that are missing or were put in at one place are told from altered ones. */
const shiftMax = 4_096;

/** Reads a partition's log from its first record, and stops at the first that is not as it was. */
export async function verifyPartition(log: PartitionLog): Promise<PartitionVerdict> {
  const walk = new Walk(log);
  let problem: Problem | null = null;
  try {
    let held: LogRow | null = null;
    let compared = -1;
    for await (const rows of log.pages) {
      problem = (await log.kafka?.compare(compared, rows, false)) ?? null;
      // What Kafka tells is exact; what the log itself tells of the rows before comes first.
      const bad: Problem | null = problem;
      for (const row of rows) {
        if (held !== null && (bad === null || held.offset < bad.offset)) await walk.take(held, row);
        held = row;
      }
      if (bad !== null) break;
      compared = rows.at(-1)?.offset ?? compared;
      log.onRows?.(rows.length);
    }
    if (held !== null && (problem === null || held.offset < problem.offset)) await walk.take(held, null);
    problem ??= (await log.kafka?.compare(compared, [], true)) ?? null;
    if (problem === null) await walk.end();
    if (problem === null && log.kafka) walk.vouchFor(log.kafka);
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    problem = error.problem;
  }
  const { records, signed } = walk;
  return { partition: log.partition, records, signed, notCompared: notCompared(log.kafka), problem };
}

function notCompared(kafka: KafkaPart | undefined): NotCompared[] {
  if (kafka === undefined) return [];
  const { start, end, handled } = kafka;
  const unread = Math.max(start, handled);
  const parts: NotCompared[] = [
    { from: 0, through: start - 1, why: 'gone_from_kafka' },
    { from: unread, through: end - 1, why: 'not_handled_yet' },
  ];
  return parts.filter(({ from, through }) => through >= from);
}

/** Ends the walk. */
class Found extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

class Walk {
  readonly #log: PartitionLog;
  readonly #heads: Head[];
  readonly #tree = new LogTree();
  #first: number | null = null;
  #last = -1;
  /** Since the last record whose mark was right: those without one. */
  #unmarked: number[] = [];
  /** Of the first leaf that no head has vouched for. */
  #unsigned: number | null = null;
  /** Of the first record of the chunk in hand. */
  #chunkFrom = 0;
  #badChunk: { from: number; through: number } | null = null;
  /** Of the trees that are kept the first that is not that of the records. */
  #badNode: Problem | null = null;
  #nodes = 0;
  records = 0;
  signed = 0;

  constructor(log: PartitionLog) {
    this.#log = log;
    this.#heads = [...log.heads];
  }

  async take(row: LogRow, next: LogRow | null): Promise<void> {
    const index = this.#tree.size;
    const leaf = leafHash(index, row.offset, row.bytes);
    if (row.mark !== null && row.mark !== markOf(leaf)) throw new Found(this.#shifted(row, next, index));
    const wrong = wrongOf(row);
    if (wrong !== null) throw new Found(this.#at(row.offset, 'altered', wrong));
    if (this.#log.tree !== null && index >= this.#log.tree.size) {
      throw new Found(this.#at(row.offset, 'inserted', 'the record lies behind the end of the tree'));
    }
    if (row.mark === null) this.#unmarked.push(row.offset);
    else this.#unmarked = [];
    if (this.#unmarked.length > shiftMax) this.#unmarked.splice(0, shiftMax / 2);
    if (index % chunkLeaves === 0) this.#chunkFrom = row.offset;
    this.#first ??= row.offset;
    this.#unsigned ??= row.offset;
    const full = this.#tree.append(leaf);
    this.#last = row.offset;
    this.records += 1;
    if (full.length > 0) await this.#compareNodes(full);
    this.#compareHeads(next);
  }

  /** After the last record. */
  async end(): Promise<void> {
    const { tree } = this.#log;
    const { size } = this.#tree;
    const head = this.#heads.at(-1);
    if (head !== undefined) this.#endsBefore(head.size, `checkpoint ${head.checkpoint}`);
    if (tree !== null && tree.size > size) this.#endsBefore(tree.size, 'its tree');
    if (tree === null ? size === 0 : samePeaks(tree.peaks, this.#tree.peaks())) return this.#endKept();
    const { from, through } = this.#badChunk ?? { from: this.#unsigned ?? this.#last, through: this.#last };
    const detail = 'the tree that is kept is not that of the records';
    throw new Found({ ...this.#at(from, 'not_signed', detail), through });
  }

  /** The records are right; so is what proofs are made of beside them, or not. */
  async #endKept(): Promise<void> {
    if (this.#badNode !== null) throw new Found(this.#badNode);
    const [kept, { position } = { position: this.#last }] = [
      await this.#log.nodeCount(),
      this.#log.tree ?? undefined,
    ];
    if (kept === this.#nodes && position === this.#last) return;
    const detail =
      kept === this.#nodes
        ? `the tree that is kept says that it ends at ${position}`
        : `${counted(kept, 'full tree is', 'full trees are')} kept; the records have ${this.#nodes}`;
    throw new Found(this.#at(this.#last, 'kept_tree', detail));
  }

  /** For what Kafka no longer has only the log speaks: it must have it, and a checkpoint must say that it had. */
  vouchFor({ start, handled }: KafkaPart): void {
    const first = Math.min(this.#first ?? start, start);
    if (first > 0) {
      const detail = 'neither Kafka nor the log has them';
      throw new Found({ ...this.#at(0, 'missing', detail), through: first - 1 });
    }
    if (handled < start) {
      const detail = 'Kafka no longer has them, and the ledger has not handled them';
      throw new Found({ ...this.#at(handled, 'missing', detail), through: start - 1 });
    }
    if (this.#unsigned !== null && this.#unsigned < start) {
      const detail = 'Kafka no longer has them, and no checkpoint has signed them';
      throw new Found({ ...this.#at(this.#unsigned, 'not_signed', detail), through: start - 1 });
    }
  }

  #endsBefore(size: number, whose: string): never {
    const first = this.#last + 1;
    const through = this.#log.tree?.position ?? first;
    const detail = `the log ends after ${this.records} records; ${whose} has ${size}`;
    throw new Found({ ...this.#at(first, 'truncated', detail), through: Math.max(first, through) });
  }

  /** The mark is of another leaf: of the same record at another index, when some before it are missing or too many. */
  #shifted(row: LogRow, next: LogRow | null, index: number): Problem {
    const shift = shiftOf(row, index);
    const first = this.#last + 1;
    if (shift > 0) {
      const detail = `${counted(shift, 'record is', 'records are')} missing before ${row.offset}`;
      return { ...this.#at(first, 'missing', detail), through: Math.max(row.offset - 1, first) };
    }
    if (shift < 0) return this.#putInBefore(row, -shift);
    if (next !== null && isOf(next, index)) {
      return this.#at(row.offset, 'inserted', 'the record behind it has its place');
    }
    return this.#at(row.offset, 'altered', 'its bytes are not those of its leaf');
  }

  #putInBefore({ offset }: LogRow, count: number): Problem {
    const first = this.#unmarked.at(-count) ?? this.#unmarked[0] ?? this.#last;
    const detail = `${counted(count, 'record was', 'records were')} put in before ${offset}`;
    return { ...this.#at(first, 'inserted', detail), through: this.#last };
  }

  /** `full`: the chunk that ends with this record, and the trees above it that do. */
  async #compareNodes(full: readonly Hash[]): Promise<void> {
    const chunk = this.#tree.size / chunkLeaves - 1;
    const places = full.map((_, above) => ({
      level: keptLevelMin + above,
      n: Math.floor(chunk / 2 ** above),
    }));
    this.#nodes += places.length;
    if (this.#badNode !== null) return;
    const kept = await this.#log.nodes(places);
    for (const [above, { level, n }] of places.entries()) {
      const node = kept.find((one) => one.level === level && one.n === n);
      const isSame = node?.hash.equals(full[above]!);
      if (level === keptLevelMin && isSame === false)
        this.#badChunk ??= { from: this.#chunkFrom, through: this.#last };
      if (isSame && node!.lastOffset === this.#last) continue;
      const detail = `the full tree ${n} of level ${level} ${node ? 'that is kept is not that of the records' : 'is not kept'}`;
      this.#badNode = { ...this.#at(this.#chunkFrom, 'kept_tree', detail), through: this.#last };
      return;
    }
  }

  #compareHeads(next: LogRow | null): void {
    for (let head = this.#heads[0]; head?.size === this.#tree.size; head = this.#heads[0]) {
      const { root, checkpoint } = head;
      this.#heads.shift();
      if (!root.equals(this.#tree.root())) {
        const shift = next === null || this.#unmarked.length === 0 ? 0 : shiftOf(next, this.#tree.size);
        if (shift < 0) throw new Found(this.#putInBefore(next!, -shift));
        const { from, through } = this.#badChunk ?? { from: this.#unsigned!, through: this.#last };
        const detail = `checkpoint ${checkpoint} has another root over ${this.#tree.size} records`;
        throw new Found({ ...this.#at(from, 'not_signed', detail), through });
      }
      this.signed = this.#tree.size;
      this.#unsigned = null;
    }
  }

  #at(offset: number, kind: Problem['kind'], detail: string): Problem {
    return { partition: this.#log.partition, offset, through: offset, kind, detail };
  }
}

/** Whether the mark is of the record at that index. */
const isOf = ({ offset, bytes, mark }: LogRow, index: number): boolean =>
  mark !== null && index >= 0 && markOf(leafHash(index, offset, bytes)) === mark;

/** By how many places the record stands before (above zero) or behind (below) the one that its mark is of; 0: it is of neither. */
function shiftOf(row: LogRow, index: number): number {
  for (let n = 1; n <= shiftMax; n++) {
    if (isOf(row, index + n)) return n;
    if (isOf(row, index - n)) return -n;
  }
  return 0;
}

const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

/** What is wrong with a row by itself and with the event of its slip before it. */
function wrongOf({ bytes, twin, event, before }: LogRow): string | null {
  if (twin !== null && !twin.equals(bytes)) return 'it is not the record that was set aside';
  if (event === null) return null;
  const { slipId, version, chain } = event;
  if ((version === 1) !== (before === null))
    return `the event before version ${version} of its slip is missing`;
  if (!chainHash(before, bytes).equals(chain)) return 'its bytes are not those of its chain';
  return subjectOf(bytes) === slipId ? null : `it stands under slip ${slipId}, which it does not name`;
}

function subjectOf(bytes: Buffer): string | null {
  try {
    return readEnvelope(bytes).subject;
  } catch (error) {
    if (isSlipstreamError(error)) return null;
    throw error;
  }
}

const samePeaks = (one: readonly Hash[], other: readonly Hash[]): boolean =>
  one.length === other.length && one.every((hash, n) => hash.equals(other[n]!));

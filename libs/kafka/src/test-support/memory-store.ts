import type { Advance, ConsumerStore, DeadLetter, Move, PartitionPosition, StoreFailure } from '../ports.ts';
import type { SourcePosition } from '../source-position.ts';

/** What a handler's transaction wrote; kept only when it commits. */
export interface MemoryTx {
  readonly effects: string[];
}

class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** What the database behind a store would throw. */
export class StoreError extends Error {
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

/** A consumer store with transactions, fencing and the faults a database has. Shared by the members of a group. */
export class MemoryStore implements ConsumerStore<MemoryTx> {
  /** Committed effects, in order. */
  readonly effects: string[] = [];
  readonly deadLetters: DeadLetter[] = [];
  /** Called before each transaction; throws what the database would. */
  before: (position: PartitionPosition) => void | Promise<void> = () => {};
  /** Called after each commit, before its answer: a lost answer throws here. */
  after: (position: PartitionPosition) => void = () => {};
  fencedCount = 0;
  commits = 0;
  readonly #positions = new Map<string, PartitionPosition>();

  classify(error: unknown): StoreFailure | null {
    return error instanceof StoreError ? error.failure : null;
  }

  async claim(
    group: string,
    topic: string,
    partition: number,
    topicId: string | null,
  ): Promise<PartitionPosition> {
    const known = this.stored(group, topic, partition);
    const isUnread = known.nextOffset < 0;
    const kept = isUnread ? (topicId ?? known.topicId) : (known.topicId ?? topicId);
    const position = { ...known, epoch: known.epoch + 1, topicId: kept };
    this.#positions.set(keyOf(position), position);
    return position;
  }

  async commit(
    position: PartitionPosition,
    advance: Advance | null,
    work: (tx: MemoryTx) => Promise<void>,
  ): Promise<void> {
    await this.before(position);
    const tx: MemoryTx = { effects: [] };
    await work(tx);
    const known = this.#positions.get(keyOf(position));
    if (!known || !this.#isOwner(position)) {
      this.fencedCount++;
      throw new FencedError('another owner moved on');
    }
    this.effects.push(...tx.effects);
    if (advance) this.#advance(known, advance);
    this.commits++;
    this.after(position);
  }

  async commitUnit(moves: readonly Move[], work: (tx: MemoryTx) => Promise<void>): Promise<void> {
    for (const { position } of moves) await this.before(position);
    const tx: MemoryTx = { effects: [] };
    await work(tx);
    const fenced = moves.filter(({ position }) => !this.#isOwner(position));
    if (fenced.length > 0) {
      this.fencedCount++;
      const partitions = fenced.map(({ position }) => position.partition);
      throw Object.assign(new FencedError('another owner moved on'), { partitions });
    }
    this.effects.push(...tx.effects);
    for (const { position, advance } of moves) this.#advance(this.#positions.get(keyOf(position))!, advance);
    this.commits++;
    for (const { position } of moves) this.after(position);
  }

  #isOwner(position: PartitionPosition): boolean {
    const known = this.#positions.get(keyOf(position));
    return known?.epoch === position.epoch && known.nextOffset === position.nextOffset;
  }

  stored(group: string, topic: string, partition: number): PartitionPosition {
    const fresh = { group, topic, partition, epoch: 0, nextOffset: -1, topicId: null };
    const unseen = { ...fresh, sources: new Map<string, SourcePosition>(), parkedKeys: new Set<string>() };
    return this.#positions.get(keyOf(fresh)) ?? unseen;
  }

  /** Puts a position as if it had been stored before. */
  put(position: PartitionPosition): void {
    this.#positions.set(keyOf(position), position);
  }

  #advance(known: PartitionPosition, { nextOffset, sources, deadLetters }: Advance): void {
    this.deadLetters.push(...deadLetters);
    const keys = deadLetters.flatMap(({ parkKey }) => (parkKey === null ? [] : [parkKey]));
    const kept = [...sources].map(
      ([source, position]) => [source, { ...position, digests: position.digests.slice(-64) }] as const,
    );
    this.#positions.set(keyOf(known), {
      ...known,
      nextOffset,
      sources: new Map([...known.sources, ...kept]),
      parkedKeys: new Set([...known.parkedKeys, ...keys]),
    });
  }
}

function keyOf({
  group,
  topic,
  partition,
}: Pick<PartitionPosition, 'group' | 'topic' | 'partition'>): string {
  return `${group} ${topic} ${partition}`;
}

import { partitionsOf } from '@slipstream/contracts';
import type { EventWalk, LogReader, PartitionPosition } from '@slipstream/kafka';
import { HotPartition } from '../../application/quiet/hot-partition.ts';
import type { Departure, Recovered } from '../../application/quiet/ports.ts';
import { foldedSlot, foldQuietly } from './quiet-fold.ts';

/**
 * What is followed in memory of a partition, as it was when everything below the stored position was read: the snapshot,
 * and the topic behind it, folded without deciding anything. A slip leaves where it left then, which is written down.
 */
export async function recover(
  reader: Pick<LogReader, 'walk'>,
  { topic, partition, nextOffset }: PartitionPosition,
  { snapshot, departures }: Recovered,
): Promise<HotPartition> {
  const hot = new HotPartition(partition, snapshot);
  const sequences = new Map(snapshot.sequences);
  const partitions = partitionsOf(topic);
  const gone = new Gone(hot, departures);
  await reader.walk(partition, snapshot.offset, nextOffset, (event) => {
    gone.upTo(event.offset);
    if (!isNew(event, sequences) || !event.isPlaced(partition, partitions)) return;
    if (foldQuietly(event, hot, !gone.has(event)) !== 'loud' || foldedSlot < 0) return;
    // Loud to this release, but quiet to the one that read it then: it is one of the slip's events.
    hot.followed(foldedSlot, event.offset);
  });
  gone.upTo(Number.POSITIVE_INFINITY);
  // Counted when they were read.
  hot.take();
  return hot;
}

/** Resends, and whatever was set aside unread, or because it lies elsewhere than its slip, were not folded then either. */
function isNew(event: EventWalk, sequences: Map<string, number>): boolean {
  if (!event.hasFewHeaders || event.valueLength < 0 || !event.peek()) return false;
  if (event.sequence <= (sequences.get(event.source) ?? 0)) return false;
  sequences.set(event.source, event.sequence);
  return true;
}

/** The departures, in the order of their offsets. */
class Gone {
  readonly #hot: HotPartition;
  readonly #departures: readonly Departure[];
  #next = 0;

  constructor(hot: HotPartition, departures: readonly Departure[]) {
    this.#hot = hot;
    this.#departures = departures;
  }

  upTo(offset: number): void {
    for (; this.#next < this.#departures.length; this.#next++) {
      const departure = this.#departures[this.#next]!;
      if (departure.offset > offset) return;
      const slot = this.#hot.find(departure.slipId);
      if (slot >= 0) this.#hot.hot.remove(slot);
    }
  }

  /** Whether the slip left at this very event: one that begins it was not folded then. */
  has({ offset, bytes, subjectAt, subjectLength }: EventWalk): boolean {
    for (let at = this.#next - 1; this.#departures[at]?.offset === offset; at--) {
      const { slipId } = this.#departures[at]!;
      if (bytes.toString('latin1', subjectAt, subjectAt + subjectLength) === slipId) return true;
    }
    return false;
  }
}

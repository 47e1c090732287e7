/** Records are gone: going on would hide it. The stream ends. */
export class StreamBroken extends Error {
  override readonly name = 'StreamBroken';
}

/** What of a stream's answer is looked at. */
export interface StreamAnswer {
  readonly partition: number;
  /** The offset that was asked for. */
  readonly fetchedOffset: number;
  readonly highWatermark: number;
}

/**
 * Where each partition of a stream must go on. kafkajs resets an offset that the log no longer has, to its start or even
 * to its end, and says nothing (K3); so each answer is held against what was stored, or read last.
 */
export class StreamPlaces {
  readonly #next = new Map<number, number>();

  /** A new assignment goes on at the offsets that Kafka has for the group; -1 and less: none. */
  join(committed: ReadonlyMap<number, number>): void {
    this.#next.clear();
    for (const [partition, offset] of committed) if (offset >= 0) this.#next.set(partition, offset);
  }

  /** The offset behind the last record; undefined: nothing of the partition was read, or stored. */
  next(partition: number): number | undefined {
    return this.#next.get(partition);
  }

  /** @throws StreamBroken when the answer does not go on where the partition must */
  check({ partition, fetchedOffset, highWatermark }: StreamAnswer): void {
    const next = this.#next.get(partition);
    if (next === undefined) return;
    if (fetchedOffset > next) {
      throw new StreamBroken(
        `partition ${partition}: offsets ${next} to ${fetchedOffset - 1} are gone from the log`,
      );
    }
    if (highWatermark < next) {
      throw new StreamBroken(
        `partition ${partition}: the log ends at ${highWatermark}, before offset ${next}`,
      );
    }
  }

  /** Everything below was delivered, or filtered out by the client. */
  passed(partition: number, nextOffset: number): void {
    this.#next.set(partition, Math.max(nextOffset, this.#next.get(partition) ?? 0));
  }
}

/** Why an offset that the group stored, or the stream was given, cannot be gone on from; null when it can. */
export function storedOffsetProblem(
  partition: number,
  offset: number,
  log: { readonly start: number; readonly end: number } | undefined,
  who = 'the group stands',
): string | null {
  if (offset < 0 || log === undefined) return null;
  if (offset < log.start)
    return `partition ${partition}: ${who} at offset ${offset}, but the log begins at ${log.start}`;
  if (offset > log.end)
    return `partition ${partition}: ${who} at offset ${offset}, but the log ends at ${log.end}`;
  return null;
}

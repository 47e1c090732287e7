import type { LoggedRecord, RecordSource, Span } from './records.ts';

interface Lane {
  readonly partition: number;
  readonly end: number;
  records: readonly LoggedRecord[];
  /** The first of them that was not taken. */
  at: number;
  /** Where to read on behind them. */
  next: number;
}

/**
 * The records that are meant, by their times across partitions, and of each partition in its own order. Keeps a page of
 * each partition, however long the log is.
 */
export class TimeOrder {
  readonly #source: RecordSource;
  readonly #isMeant: (record: LoggedRecord) => boolean;
  readonly #lanes: readonly Lane[];
  #first: Lane | null = null;

  constructor(
    source: RecordSource,
    spans: ReadonlyMap<number, Span>,
    isMeant: (record: LoggedRecord) => boolean,
  ) {
    this.#source = source;
    this.#isMeant = isMeant;
    this.#lanes = [...spans]
      .toSorted(([a], [b]) => a - b)
      .map(([partition, { start, end }]) => ({ partition, end, records: [], at: 0, next: start }));
  }

  /** The next record, which is not taken yet; null: there is none. @throws CliError (unreachable) */
  async head(): Promise<LoggedRecord | null> {
    let first: Lane | null = null;
    for (const lane of this.#lanes) {
      while (lane.at === lane.records.length && lane.next < lane.end) await this.#fill(lane);
      if (lane.at === lane.records.length) continue;
      if (first === null || headOf(lane).time < headOf(first).time) first = lane;
    }
    this.#first = first;
    return first === null ? null : headOf(first);
  }

  /** Takes the record that `head` gave. */
  take(): void {
    if (this.#first !== null) this.#first.at += 1;
    this.#first = null;
  }

  /** By partition: the first offset that was neither taken nor passed over. */
  positions(): ReadonlyMap<number, number> {
    return new Map(
      this.#lanes.map((lane) => [lane.partition, lane.records[lane.at]?.offset ?? lane.next] as const),
    );
  }

  async #fill(lane: Lane): Promise<void> {
    const { records, next } = await this.#source.read(lane.partition, lane.next, lane.end, this.#isMeant);
    lane.records = records;
    lane.at = 0;
    lane.next = next;
  }
}

const headOf = (lane: Lane): LoggedRecord => lane.records[lane.at]!;

import type { Instant } from '@slipstream/kernel';

/** Nothing may be vouched for yet. */
const never: Instant = '0001-01-01T00:00:00.000000Z';

/** What the barrier asks of the broker and the database. */
export interface BarrierPorts {
  /** Per partition that holds records, the offset after the last of them. */
  ends(): Promise<ReadonlyMap<number, number>>;
  query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]>;
}

// Records are received at whole milliseconds, cut: one that comes now may bear the millisecond's beginning.
const clockSql = "select date_trunc('milliseconds', clock_timestamp()) - interval '1 microsecond' as at";
const positionsSql =
  'select partition, next_offset from consumer_position where consumer_group = $1 and topic = $2';

/**
 * Knows until when an inbound topic is handled (rule 6). It reads the database clock first and then the end offsets,
 * so every record received at or before that time lies below them; once the group has committed past them all, that
 * time is vouched for and the next one is read. Asked by nobody it does nothing.
 */
export class InboundBarrier {
  readonly #ports: BarrierPorts;
  readonly #topic: string;
  readonly #group: string;
  #asked: { readonly at: Instant; readonly ends: ReadonlyMap<number, number> } | null = null;
  #passed: Instant = never;

  constructor(ports: BarrierPorts, options: { topic: string; group: string }) {
    this.#ports = ports;
    this.#topic = options.topic;
    this.#group = options.group;
  }

  /** To be asked before the watermark's clock is read: positions committed by now have their events numbered. */
  async bound(): Promise<Instant> {
    this.#asked ??= await this.#ask();
    const rows = await this.#ports.query<{ partition: number; next_offset: string }>(positionsSql, [
      this.#group,
      this.#topic,
    ]);
    const positions = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
    for (const [partition, end] of this.#asked.ends) {
      if ((positions.get(partition) ?? -1) < end) return this.#passed;
    }
    this.#passed = this.#asked.at;
    this.#asked = null;
    return this.#passed;
  }

  async #ask() {
    const [row] = await this.#ports.query<{ at: Instant }>(clockSql);
    return { at: row!.at, ends: await this.#ports.ends() };
  }
}

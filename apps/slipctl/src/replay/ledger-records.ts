import type { Instant } from '@slipstream/kernel';
import { CliError } from '../exit.ts';
import type { LedgerDatabase } from '../verify/ledger-database.ts';
import { loggedRecord } from './read-head.ts';
import type { LoggedRecord, Page, RecordSource, Span } from './records.ts';

/** Of a record that is no event the ledger's log keeps no time: it stands before those behind it. */
const unknownTime: Instant = '0001-01-01T00:00:00.000000Z';

/** What the ledger keeps of the topic, as it was at one moment; records that came again are left out there. */
export class LedgerRecords implements RecordSource {
  readonly #database: LedgerDatabase;
  readonly #pages = new Map<number, { next: number; pages: ReturnType<LedgerDatabase['pages']> }>();

  constructor(database: LedgerDatabase) {
    this.#database = database;
  }

  async spans(): Promise<ReadonlyMap<number, Span>> {
    const spans = new Map<number, Span>();
    for (const partition of await this.#database.partitions())
      spans.set(partition, { start: 0, end: await this.#database.handledUpTo(partition) });
    if (spans.size === 0) throw new CliError('bad', "the ledger's log is empty");
    return spans;
  }

  async read(
    partition: number,
    from: number,
    end: number,
    isMeant: (record: LoggedRecord) => boolean,
  ): Promise<Page> {
    const known = this.#pages.get(partition);
    const reading =
      known?.next === from ? known : { next: from, pages: this.#database.pages(partition, from - 1) };
    this.#pages.set(partition, reading);
    const { value: rows } = await reading.pages.next();
    if (!rows || rows.length === 0) return { records: [], next: end };
    reading.next = rows.at(-1)!.offset + 1;
    const records: LoggedRecord[] = [];
    for (const { offset, bytes, event } of rows) {
      if (offset >= end) continue;
      const raw = { partition, offset, key: event?.slipId ?? null, value: bytes, headers: {} };
      const record = loggedRecord(raw, unknownTime);
      if (isMeant(record)) records.push(record);
    }
    return { records, next: Math.min(end, reading.next) };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

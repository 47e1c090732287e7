import type { Instant } from '@slipstream/kernel';

/** A record of the log with what of it says whether it is meant. */
export interface LoggedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the event; of a record that is none, when it was appended, where that is known. */
  readonly time: Instant;
  /** null: it is no event that can be read. */
  readonly head: RecordHead | null;
}

export interface RecordHead {
  readonly type: string;
  readonly slipId: string;
  readonly source: string;
  readonly clock: string;
}

export interface Span {
  /** The first offset, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

export interface Page {
  readonly records: readonly LoggedRecord[];
  /** Where to read on. */
  readonly next: number;
}

/** Where records are replayed from. */
export interface RecordSource {
  /** What each partition has now. @throws CliError (unreachable) */
  spans(): Promise<ReadonlyMap<number, Span>>;
  /** Some records from an offset on, none from `end` on, of those that `isMeant` takes. @throws CliError (unreachable) */
  read(
    partition: number,
    from: number,
    end: number,
    isMeant: (record: LoggedRecord) => boolean,
  ): Promise<Page>;
  close(): Promise<void>;
}
